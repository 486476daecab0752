"""The process of a drill check, from the documents to the artifacts; both flows are this."""

import gc
import os
from collections.abc import Callable
from typing import Final

from flows.ending import end_run, find_news, join_runs, write_result
from flows.evidence import keep_evidence
from flows.failing import fail
from flows.notification import notify
from flows.planning import Checked, begin_run, judge_fleet, plan_fleet
from flows.publishing import publish
from flows.results import FinalState, FleetResult
from flows.shard_runs import CheckShard
from flows.sharded_check import check_in_shards
from flows.shards import enter_check, report_shard, summarise_shard
from rollback_drills.documents.fleet import count_schedules
from rollback_drills.documents.shard import Shard, find_shards, read_shard
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills.planning.delivery_request import DeliverRequest, DrillCheckRequest
from rollback_drills.planning.unused_providers import explain_unused
from rollback_drills.settings import Settings, read_settings
from tasks.evidence import read_clock
from tasks.logs import redacting

_RARE_COLLECTIONS: Final = (100_000, 50, 50)
"""After so many new objects Python looks for garbage, and then among the older ones."""


def run_process(request: DeliverRequest) -> FinalState:
    """Run the whole process, and return the final state of the flow run, with the data of every schedule.

    What the caller got wrong ends the run as failed, before anything is written or sent. An error that comes
    later says that the run had begun to deliver.
    """
    return _explain_errors(request, lambda settings: _run(request, settings))


@redacting
def run_check(request: DrillCheckRequest, check_shard: CheckShard) -> FinalState:
    """Run the process for one shard, for a small fleet at once, or for a large one shard by shard.

    The data of a fleet leaves out the schedules of which nothing is new: Prefect looks through every value.
    """
    # a large fleet is millions of objects, and hardly any cycle of them is garbage
    gc.set_threshold(*_RARE_COLLECTIONS)

    def check(settings: Settings) -> FinalState:
        if request.shard is not None:
            return _run(request, settings, shard=read_shard(request.shard))
        shards = find_shards(count_schedules(settings.schedule), settings.shard_size)
        if len(shards) > 1:
            return check_in_shards(request, settings, shards, check_shard)
        return _run(request, settings, only_news=True)

    return _explain_errors(request, check)


def _explain_errors(request: DeliverRequest, run: Callable[[Settings], FinalState]) -> FinalState:
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
        return run(settings)
    except DrillsError as error:
        return fail(error, effects_before=before)


def _run(
    request: DeliverRequest, settings: Settings, *, only_news: bool = False, shard: Shard | None = None
) -> FinalState:
    run = begin_run(request, settings, shard)
    check_id = enter_check(run) if shard else ""
    fleet, guard, platform = judge_fleet(run)
    plan_request = plan_fleet(run, fleet, guard)
    checked = Checked(fleet, guard, platform, plan_request)
    delivered = notify(run, checked)
    runs = join_runs(fleet.checks, delivered, guard.reasons)
    created_at = read_clock(run.database_url, run.database)  # the clock of the evidence is the real one
    part = report_shard(run, check_id, checked, runs, delivered)
    indexed = keep_evidence(run, checked, runs, created_at, part)
    publish(run, checked, runs, delivered, indexed, created_at)
    unused = () if check_id or (shard and request.dry_run) else explain_unused(fleet.checks, plan_request)
    if shard:
        summary = summarise_shard(run, runs, indexed.changes)
        left = delivered.without_sending()
        return end_run(runs, left, indexed, guard, summary, unused, dry_run=request.dry_run)
    wanted = find_news(runs, indexed.changes) if only_news and not request.dry_run else runs
    results = [write_result(each, request.generated_by, created_at) for each in wanted]
    result = results[0] if fleet.is_single else FleetResult(runs=results)
    return end_run(runs, delivered, indexed, guard, result, unused, dry_run=request.dry_run)
