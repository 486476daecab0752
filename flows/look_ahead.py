"""The weekly flow that notifies each owner of what is due in the next 90 days, and of what will go wrong."""

import os
from typing import Final

import msgspec
from prefect import flow
from prefect.states import Completed

from blocks.registry import enabled_connectors
from flows.check.delivery import deliver_due
from flows.check.planning import begin_run, judge_fleet
from flows.failing import fail
from flows.results import FinalState, LookAheadResult, fail_delivery
from flows.state_names import say_if_dry
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.request_fields import taking
from rollback_drills.planning.requests import DeliverRequest, LookAheadRequest
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.events.run_events import find_events
from rollback_drills.reports.look_ahead import explain_unclear
from rollback_drills.settings import read_settings
from tasks.events import emit
from tasks.evidence import index_evidence, read_clock
from tasks.logs import redacting
from tasks.look_ahead import commit_look_aheads, look_at_fleet, publish_look_ahead

_MOST_NAMED: Final = 3


@flow(name="look-ahead", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(
    LookAheadRequest,
    "schedule history due_soon_days routing_policy provider retries timeout_seconds generated_by dry_run "
    "as_of",
)
def look_ahead(request: LookAheadRequest) -> FinalState:
    """Tell each owner in one message what is due in the next 30 and 90 days, and what will go wrong.

    Returns:
        Ends as LookedAhead; as Failed if a message could not be delivered. The data is the look-ahead, with
        `message_count`, the messages that this run has committed.
    """
    before = count_effects()
    try:
        settings = read_settings(os.environ, **dict(request))
        run = begin_run(DeliverRequest.of(request), settings)
        fleet, guard, _ = judge_fleet(run)
        asked = PlanRequest(
            requested=run.requested,
            policy=run.policy,
            connectors=enabled_connectors(),
            distrusted=guard.reasons,
        )
        document = look_at_fleet(fleet, asked, settings.criteria, run.database, run.now)
        publish_look_ahead(document)
        count, trouble = 0, []
        if not request.dry_run:
            count = commit_look_aheads(document.owners, run.now, run.database_url)
            delivered = deliver_due(
                run.requested, RetryPolicy(request.retries, request.timeout_seconds), run.database_url
            )
            trouble = list(delivered.explain_problems())
            created_at = read_clock(run.database_url, run.database)
            indexed = index_evidence([], {}, created_at, request.generated_by, run.database_url, run.open_key)
            trouble += indexed.problems
            emit(find_events([], delivered.deliveries))
    except DrillsError as error:
        return fail(error, effects_before=before)
    result = LookAheadResult(**msgspec.structs.asdict(document), message_count=count)
    if trouble:
        return fail_delivery("; ".join(trouble), result)
    owners = (
        f"{write_count(document.owner_count, 'owner')}, {document.troubled_owner_count} with trouble ahead"
    )
    unclear = "".join(f"; {explain_unclear(each)}" for each in document.unclear[:_MOST_NAMED])
    message = f"{owners}; {write_count(count, 'new message')}{unclear}"
    return Completed(name="LookedAhead", message=say_if_dry(message, dry_run=request.dry_run), data=result)
