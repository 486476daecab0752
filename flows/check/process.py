"""The process of a drill check, from the documents to the artifacts; every check is this."""

from collections.abc import Callable

from flows.check.ending import end_run, find_news, join_runs, write_result
from flows.check.evidence import keep_evidence
from flows.check.notification import notify
from flows.check.planning import Run, begin_run, judge_fleet, plan_fleet
from flows.check.publishing import publish
from flows.check.shards import enter_check, report_shard, summarise_shard
from flows.results import FinalState, FleetResult
from rollback_drills.documents.fleets.shard import Shard
from rollback_drills.planning.requests import DeliverRequest
from rollback_drills.planning.unused_providers import explain_unused
from rollback_drills.settings import Settings
from tasks.evidence import read_clock


def run_process(
    request: DeliverRequest, settings: Settings, *, only_news: bool = False, shard: Shard | None = None
) -> FinalState:
    """Run the process of one check, and return the final state of the flow run.

    Args:
        request: What the caller asked for.
        settings: Where the documents and the evidence are, and what they are judged against.
        only_news: Whether the data leaves out the schedules of which nothing is new.
        shard: Which part of the fleet is checked; None for all of it.

    Raises:
        DrillsError: A document, a parameter or the database cannot be used.
    """
    state, published = _look(begin_run(request, settings, shard), only_news=only_news)
    published()  # the server has answered while the memory of a large fleet was freed
    return state


def _look(run: Run, *, only_news: bool) -> tuple[FinalState, Callable[[], None]]:
    """Look at everything; return the final state, and what waits until it is published."""
    request, shard = run.request, run.shard
    check_id = enter_check(run) if shard else ""
    checked = plan_fleet(run, *judge_fleet(run))
    fleet, guard, found = checked.fleet, checked.guard, checked.found
    delivered = notify(run, checked)
    runs = join_runs(fleet.checks, delivered, guard.reasons)
    created_at = read_clock(run.database_url, run.database)  # the clock of the evidence is the real one
    part = report_shard(run, check_id, checked, runs, delivered)
    indexed = keep_evidence(run, checked, runs, created_at, part)
    published = publish(run, checked, runs, delivered, indexed, created_at)
    is_part = check_id or (shard and request.dry_run)
    unused = () if is_part else explain_unused(fleet.checks, checked.plan_request)
    if shard:
        summary = summarise_shard(run, runs, indexed.changes)
        left = delivered.without_sending()
        return end_run(found, left, indexed, guard, summary, unused, dry_run=request.dry_run), published
    wanted = find_news(runs, indexed.changes) if only_news and not request.dry_run else runs
    results = [write_result(each, request.generated_by, created_at) for each in wanted]
    result = results[0] if fleet.is_single else FleetResult(runs=results)
    return end_run(found, delivered, indexed, guard, result, unused, dry_run=request.dry_run), published
