"""The check of a large fleet: asks for a run of each shard, waits, and records that all have looked.

A shard has looked when its row is in the database, whatever the state of its run. One that has not is asked
for again. What a shard could not deliver is looked up again at the end, because another shard may have
delivered it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from prefect import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Failed

from blocks.registry import enabled_connectors
from flows.check.delivery import is_retried, try_failed_again
from flows.check.planning import Run, begin_run, check_providers
from flows.check.shard_runs import CheckShard, ShardRuns
from flows.check.sharded_ending import Beforehand, end_check, end_dry_run
from flows.check.shards import name_check
from flows.platform_owner import find_platform
from flows.results import FinalState
from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.partial_fleet import find_records_state, load_shard, prepare_shards
from rollback_drills.documents.fleets.shard import Shard
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.checks.last_findings import find_known_names
from rollback_drills.evidence.checks.recorded_check import MissingShardsError, ShardedCheck
from rollback_drills.evidence.checks.shards import begin_shards, find_results, repair_findings
from rollback_drills.names.ids import SOURCE_ID
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.planning.requests import DrillCheckRequest
from rollback_drills.planning.routes import BUILTIN_PROVIDERS
from rollback_drills.settings import Settings
from tasks.evidence import count_ledgers_before, index_evidence, open_database, read_clock

MOST_ATTEMPTS: Final = 3
"""A shard that fails is repeated twice."""
_NOT_PASSED_ON: Final = {"force", "shard"}
_SETTINGS: Final = ("schedule", "history", "mode", "changes", "due_soon_days", "max_age_days")
"""Settings that are also parameters: all shards use those of the check."""


def check_in_shards(
    request: DrillCheckRequest, settings: Settings, shards: Sequence[Shard], check_shard: CheckShard
) -> FinalState:
    """Check a fleet shard by shard, and return the final state of the flow run.

    Raises:
        DrillsError: A provider is unknown, the database cannot be used, or a later check has begun.
    """
    run = begin_run(request, settings)
    _check_providers(run, shards)
    runs = ShardRuns(check_shard, _find_parameters(run), settings.shard_minutes)
    records_state = find_records_state(settings.schedule)
    warnings = prepare_shards(settings.schedule, settings.history)
    for warning in warnings:
        get_run_logger().warning("%s", warning)
    names = [str(each) for each in shards]
    if request.dry_run:
        return end_dry_run(runs.run(names))
    database = open_database(run.database_url)
    other_ledgers = count_ledgers_before(database)  # the first shard begins this one
    beforehand = Beforehand(warnings, other_ledgers, records_state)
    check_id = name_check(flow_run.id, run.now)
    check = ShardedCheck(run.population_id, run.watched, run.now, check_id, names)
    begin_shards(database, check.population_id, check.check_id)
    if is_retried():
        known = find_known_names(database, check.population_id)
        try_failed_again(run.requested, run.database_url, request.generated_by, [SOURCE_ID, *known])
    return _look(run, database, check, runs, beforehand)


def _look(
    run: Run, database: Database, check: ShardedCheck, runs: ShardRuns, beforehand: Beforehand
) -> FinalState:
    missing, states = check.shards, dict[str, State[Any] | None]()
    for _ in range(MOST_ATTEMPTS):
        states |= runs.run(missing)
        results = find_results(database, check.population_id, check.check_id)
        looked = {each.shard for each in results}
        missing = [each for each in check.shards if each not in looked]
        if missing:
            continue
        created_at, by = read_clock(run.database_url, database), run.request.generated_by
        url, open_key = run.database_url, run.open_key
        try:
            indexed = index_evidence((), {}, created_at, by, url, open_key, check, run.comparison)
        except MissingShardsError as error:
            missing = error.shards
            repair_findings(database, check.population_id)
        else:
            return end_check(run, database, results, indexed, created_at, beforehand)
    return _give_up({each: states[each] for each in missing}, len(check.shards))


def _give_up(missing: Mapping[str, State[Any] | None], shard_count: int) -> FinalState:
    """End as failed, and name the shards that have not looked: nothing is recorded of the whole fleet."""
    shard, state = next(iter(missing.items()))
    why = (state.message if state else "") or "its run has not ended"
    more = f"; likewise {len(missing) - 1} more" if len(missing) > 1 else ""
    return Failed(
        message=f"shard {shard} of {shard_count} was not checked in {MOST_ATTEMPTS} attempts: {why}{more}; no"
        " check is recorded; the next check looks at every schedule"
    )


def _find_parameters(run: Run) -> dict[str, Any]:
    """Return the parameters of a shard: what the check was asked, as of one time."""
    asked = run.request.model_dump(exclude=_NOT_PASSED_ON)
    return asked | {name: getattr(run.settings, name) for name in _SETTINGS} | {"as_of": run.now}


def _check_providers(run: Run, shards: Sequence[Shard]) -> None:
    """Refuse providers that nobody knows; the documents are read only if no connector has such a name."""
    platform = find_platform(run.settings)
    asked = (run.requested or frozenset()) | set(map(name_key, platform.providers))
    if asked <= first_spellings([*BUILTIN_PROVIDERS, *enabled_connectors()]).keys():
        return
    check_providers(run, platform, (each.schedule for each in _iterate_subjects(run.settings, shards)))


def _iterate_subjects(settings: Settings, shards: Sequence[Shard]) -> Iterator[Subject]:
    """Yield the schedules of all shards, with no more than one shard in memory."""
    for shard in shards:
        yield from load_shard(settings.schedule, settings.history, shard).subjects
