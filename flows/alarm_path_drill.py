"""The monthly flow that drills the alarm paths: a message on every route, which its owner acknowledges."""

import os
from datetime import timedelta

import msgspec
from prefect import flow
from prefect.states import Completed

from blocks.registry import enabled_connectors
from flows.check.delivery import Delivered, deliver_due
from flows.check.planning import begin_run, judge_fleet
from flows.failing import fail
from flows.results import AlarmPathResult, FinalState, fail_delivery
from flows.state_names import say_if_dry
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills.followup.alarm_paths.alarm_path_records import find_withdrawn
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.planning.requests import AlarmPathRequest, DeliverRequest
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.alarm_path import build_alarm_paths, summarise
from rollback_drills.reports.events.run_events import find_events
from rollback_drills.settings import read_settings
from tasks.alarm_path import (
    commit_drill,
    find_findings,
    find_routes,
    index_drill,
    publish_alarm_paths,
    review_alarm_paths,
)
from tasks.events import emit
from tasks.logs import redacting


@flow(name="alarm-path-drill", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(
    AlarmPathRequest,
    "schedule history routing_policy provider retries timeout_seconds generated_by dry_run as_of",
)
def alarm_path_drill(request: AlarmPathRequest) -> FinalState:
    """Send "this is a drill" on every route of every owner, once a month, to be acknowledged.

    A route that nobody acknowledges in time is found by the next run of escalate-unacknowledged.

    Returns:
        Ends as Drilled; as Failed if a message could not be delivered. The data is the list of routes and
        findings, with `message_count`, the messages that this run has committed.
    """
    before = count_effects()
    try:
        settings = read_settings(os.environ, **dict(request))
        within = timedelta(hours=settings.alarm_path_hours)
        run = begin_run(DeliverRequest.of(request), settings)
        fleet, _, platform = judge_fleet(run)
        asked = PlanRequest(requested=run.requested, policy=run.policy, connectors=enabled_connectors())
        paths, url = find_routes(fleet, asked, run.now), run.database_url
        count, trouble = 0, []
        if not request.dry_run:
            count = commit_drill(paths, within, run.now, url)
            policy = RetryPolicy(request.retries, request.timeout_seconds)
            delivered = deliver_due(run.requested, policy, url)
            missed = review_alarm_paths(platform, within, run.now, url)
            about_missed = deliver_due(None, policy, url) if missed else Delivered()
            trouble = list(dict.fromkeys([*delivered.explain_problems(), *about_missed.explain_problems()]))
            unused = find_withdrawn(find_findings(url), paths) if run.requested is None else []
            trouble += index_drill(
                missed, unused, platform.owner, run.now, request.generated_by, url
            ).problems
            emit(find_events([], [*delivered.deliveries, *about_missed.deliveries]))
        report = build_alarm_paths(
            paths, find_findings(url), within_hours=settings.alarm_path_hours, now=run.now
        )
        publish_alarm_paths(report)
    except DrillsError as error:
        return fail(error, effects_before=before)
    result = AlarmPathResult(**msgspec.structs.asdict(report), message_count=count)
    if trouble:
        return fail_delivery("; ".join(trouble), result)
    message = f"{summarise(report)}; {write_count(count, 'new message')}"
    return Completed(name="Drilled", message=say_if_dry(message, dry_run=request.dry_run), data=result)
