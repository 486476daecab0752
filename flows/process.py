"""The process of a drill check, from the documents to the artifacts; both flows are this."""

import os
from typing import Any

from prefect import State

from flows.ending import end_run, join_runs, write_down
from flows.evidence import keep_evidence
from flows.failing import fail
from flows.naming import name_run
from flows.notification import notify
from flows.planning import Checked, begin_run, judge_fleet, plan_fleet
from rollback_drills.effects import count_effects
from rollback_drills.errors import DrillsError
from rollback_drills.planning.requests import DeliverRequest
from rollback_drills.settings import Settings, read_settings
from tasks.artifacts import publish_artifacts
from tasks.background import aside
from tasks.events import emit_events
from tasks.evidence import read_clock
from tasks.logs import redacting


@redacting
def run_process(request: DeliverRequest) -> State[dict[str, Any]]:
    """Run the whole process, and return the final state of the flow run.

    What the caller got wrong ends the run as failed, before anything is written or sent. An error that comes
    later says that the run had begun to deliver.
    """
    before = count_effects()
    try:
        settings = read_settings(
            os.environ,
            mode=request.mode,
            history=request.history,
            schedule=request.schedule,
            due_soon_days=request.due_soon_days,
            max_age_days=request.max_age_days,
        )
        return _run(request, settings)
    except DrillsError as error:
        return fail(error, effects_before=before)


def _run(request: DeliverRequest, settings: Settings) -> State[dict[str, Any]]:
    run = begin_run(request, settings)
    fleet, guard, platform = judge_fleet(run)
    naming = aside(name_run, fleet.judgements, is_single=fleet.is_single, is_distrusted=bool(guard.reasons))
    checked = Checked(fleet, guard, platform, plan_fleet(run, fleet, guard))
    delivered = notify(run, checked)
    runs = join_runs(fleet.checks, delivered, guard.reasons)
    created_at = read_clock(run.database_url)  # the clock of the evidence is the real one
    outcomes = [write_down(each, request.generated_by, created_at) for each in runs]
    indexed = keep_evidence(run, checked, outcomes, created_at)
    publish_artifacts(runs, fleet.is_single, request.dry_run, indexed.head_note)
    emit_events(runs, delivered.deliveries, request.dry_run)
    naming.result()
    return end_run(
        runs, outcomes, delivered, indexed, guard, is_single=fleet.is_single, dry_run=request.dry_run
    )
