"""The recurring flow that escalates what nobody acknowledges, and proves that every cycle is looked after."""

import os
from datetime import timedelta

import msgspec
from prefect import flow
from prefect.states import Completed

from flows.check.delivery import deliver_due, try_failed_again
from flows.clock import read_now
from flows.failing import fail
from flows.killed_runs import mark_killed_predecessors
from flows.missed_checks import find_missed_check
from flows.platform_owner import find_platform
from flows.results import FinalState, FollowUpResult, fail_delivery
from flows.state_names import DRY_RUN, say_if_dry
from flows.timeouts import FOLLOW_UP_TIMEOUT_SECONDS
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills.followup.requests import EscalateRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.reports.events.act_events import escalation_event
from rollback_drills.reports.events.run_events import find_events
from rollback_drills.settings import read_settings, require_watched
from tasks.alarm_path import index_drill, review_alarm_paths
from tasks.approvals import announce_approvals
from tasks.documents import load_documents
from tasks.events import emit
from tasks.evidence import read_clock
from tasks.followup import index_escalations, prove_next_actions, report_healthy, take_due_steps
from tasks.logs import redacting
from tasks.retirements import close_retired_schedules


@flow(name="escalate-unacknowledged", timeout_seconds=FOLLOW_UP_TIMEOUT_SECONDS)
@redacting
@taking(EscalateRequest)
def escalate_unacknowledged(request: EscalateRequest) -> FinalState:
    """Notify the next person if nobody acknowledged, and check that every open cycle has a next action.

    Returns:
        Ends as Healthy when every open cycle has a next action; as Failed if one has none, if a notification
        waits or died, if the checks have stopped, or if no schedule is configured and no cycle is open. The
        data is the dashboard of contract §6, with `escalated` and `problems`.
    """
    before = count_effects()
    try:
        settings = read_settings(os.environ, **dict(request))
        policy = read_policy(request.routing_policy)
        url = settings.evidence_url
        now = read_now(request.as_of, url)
        fleet = load_documents(settings)
        subjects = fleet.subjects
        if not request.dry_run:
            try_failed_again(None, url, request.generated_by)
            close_retired_schedules(now, url)
        taken = take_due_steps(subjects, settings.criteria, policy, now, url, request.dry_run)
        trouble = []
        if not request.dry_run:
            platform = find_platform(settings)
            within = timedelta(hours=settings.alarm_path_hours)
            missed = review_alarm_paths(platform, within, now, url)
            announce_approvals(platform, now, url)
            delivered = deliver_due(None, RetryPolicy(request.retries, request.timeout_seconds), url)
            trouble = list(delivered.explain_problems())
            indexed, recorded = index_escalations(now, read_clock(url), request.generated_by, url)
            trouble += indexed.problems
            if missed:
                trouble += index_drill(missed, [], platform.owner, now, request.generated_by, url).problems
            emit([*map(escalation_event, recorded), *find_events([], delivered.deliveries)])
        if not request.dry_run and request.as_of is None:
            trouble += find_missed_check(url, of_fleet=not fleet.is_single, now=now)
        dashboard, problems = prove_next_actions(
            taken,
            subjects,
            settings.criteria,
            policy,
            now,
            timedelta(minutes=request.overdue_after_minutes),
            request.generated_by,
            url,
        )
        if not dashboard.open_cycle_count:
            require_watched(settings)
        mark_killed_predecessors()
        if request.heartbeat_secret and not trouble and not problems and not request.dry_run:
            report_healthy(request.heartbeat_secret)
    except DrillsError as error:
        return fail(error, effects_before=before)
    result = FollowUpResult(**msgspec.structs.asdict(dashboard), escalated=len(taken), problems=problems)
    if trouble or problems:
        return fail_delivery("; ".join(trouble + problems[:10]), result)
    message = f"open cycles: {dashboard.open_cycle_count}; escalated: {len(taken)}"
    name = DRY_RUN if request.dry_run else "Healthy"
    return Completed(name=name, message=say_if_dry(message, dry_run=request.dry_run), data=result)
