"""The process of a drill check, from the documents to the artifacts; both flows are this."""

import os

from prefect import State

from flows.ending import end_run, find_news, join_runs, write_result
from flows.evidence import keep_evidence
from flows.failing import fail
from flows.notification import notify
from flows.planning import Checked, begin_run, judge_fleet, plan_fleet
from flows.publishing import publish
from rollback_drills.effects import count_effects
from rollback_drills.errors import DrillsError
from rollback_drills.planning.requests import DeliverRequest
from rollback_drills.readiness.terms import Report
from rollback_drills.settings import Settings, read_settings
from tasks.evidence import read_clock
from tasks.logs import redacting


@redacting
def run_process(request: DeliverRequest, *, only_news: bool = False) -> State[Report]:
    """Run the whole process, and return the final state of the flow run.

    With `only_news` the data of a fleet leaves out the schedules of which nothing is new: Prefect looks
    through every value of it.

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
        return _run(request, settings, only_news=only_news)
    except DrillsError as error:
        return fail(error, effects_before=before)


def _run(request: DeliverRequest, settings: Settings, *, only_news: bool) -> State[Report]:
    run = begin_run(request, settings)
    fleet, guard, platform = judge_fleet(run)
    checked = Checked(fleet, guard, platform, plan_fleet(run, fleet, guard))
    delivered = notify(run, checked)
    runs = join_runs(fleet.checks, delivered, guard.reasons)
    created_at = read_clock(run.database_url)  # the clock of the evidence is the real one
    indexed = keep_evidence(run, checked, runs, created_at)
    publish(run, checked, runs, delivered, indexed, created_at)
    wanted = find_news(runs, indexed.changes) if only_news and not request.dry_run else runs
    results = [write_result(each, request.generated_by, created_at) for each in wanted]
    return end_run(
        runs, delivered, indexed, guard, results, is_single=fleet.is_single, dry_run=request.dry_run
    )
