"""How a check in shards ends: its name, its page, its event and its state."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from prefect import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows.check.delivery import Delivered
from flows.check.planning import Run
from flows.results import FinalState, LookedShard, ShardedDryRun, ShardedResult, ShownShard, fail_delivery
from flows.run_names import Found, describe, describe_run, mark_distrust, rename_run
from flows.state_names import STATE_NAMES
from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.fleet_changes import load_changes, warn_of_names
from rollback_drills.documents.fleets.json_lines_index import FileState
from rollback_drills.documents.fleets.partial_fleet import find_records_state
from rollback_drills.documents.reading.reader import hide_folder
from rollback_drills.evidence.append_result import Indexed
from rollback_drills.evidence.checks.last_findings import find_known_names
from rollback_drills.evidence.checks.shards import ShardResult
from rollback_drills.names.keys import first_spellings
from rollback_drills.outbox.undelivered import find_still_undelivered
from rollback_drills.planning.unused_providers import describe_unused
from rollback_drills.readiness.states import Readiness, worst
from rollback_drills.reports.events.run_events import check_event
from rollback_drills.reports.pages.publication import is_fleet_page_due
from rollback_drills.reports.pages.sharded_page import render_sharded_fleet
from tasks.artifacts import publish_fleet
from tasks.events import emit

_READINESS: Final = {name: state for state, name in STATE_NAMES.items()}


class Beforehand(NamedTuple):
    """What a check in shards knows before its shards look."""

    warnings: Sequence[str]
    """What of the documents is left out or unclear, a sentence each."""
    other_ledgers: int
    """How many ledgers there were before the check began this one; 0 if it is not new."""
    records_state: FileState
    """Of the file of the schedules; empty if they are several files."""


def end_check(
    run: Run,
    database: Database,
    results: Sequence[ShardResult],
    indexed: Indexed,
    created_at: datetime,
    beforehand: Beforehand,
) -> FinalState:
    """Name the run, publish what is new, and return the final state: failed if something is undelivered."""
    delivered, found, changes = _find_left(run, database, results), _find_states(results), indexed.changes
    indexed = replace(indexed, other_ledgers=beforehand.other_ledgers)
    problems = [*delivered.explain_problems(), *indexed.problems]
    distrust = [note for each in results for note in each.report.distrust]
    replaced = list(_explain_replaced(run.settings.schedule, beforehand.records_state))
    warnings = [*beforehand.warnings, *replaced, *_find_warnings(run, database, results)]
    also = [*replaced, *_explain_unused(results), *delivered.explain_elsewhere(), *indexed.notes, *distrust]
    said, count = describe(found, changes), sum(each.report.delivery_count for each in results)
    name = describe_run(found, changes, left_count=delivered.left.count)
    rename_run(name, [*(f"status:{each}" for each in sorted(found.states)), *mark_distrust(distrust)])
    has_news = is_fleet_page_due(changes, created_at) or bool(count) or bool(indexed.problems)
    if has_news:
        publish_fleet(render_sharded_fleet(found.states, results, problems, warnings), indexed.head_note)
    emit([check_event(found.states, changes, delivery_count=count)])
    # now that people can read what is missing
    run.comparison.remember(indexed.head, has_news=has_news).result()
    result = ShardedResult(
        schedule_count=found.count,
        state_counts={str(state): number for state, number in sorted(found.states.items())},
        changed_count=len(changes.changed),
        came_count=len(changes.came),
        gone_count=len(changes.gone),
        delivery_count=count,
        shards=[_describe_shard(each) for each in results],
    )
    if problems:
        return fail_delivery("; ".join([*problems, *also]), result)
    notes = [f"{len(results)} shards", f"notifications delivered: {count}", *also]
    return Completed(name=STATE_NAMES[found.worst], message="; ".join([said, *notes]), data=result)


def end_dry_run(states: Mapping[str, State[Any] | None]) -> FinalState:
    """Return the final state of a dry run, which has nothing but the states of its shards."""
    for shard, state in states.items():
        if state is None or not state.is_completed():
            why = (state.message if state else "") or "its run has not ended"
            return Failed(message=f"shard {shard}: {why}")
    readiness = worst(_READINESS[each.name] for each in states.values() if each and each.name in _READINESS)
    return Completed(
        name=STATE_NAMES[readiness],
        message=f"dry run in {len(states)} shards: each shows what it would do",
        data=ShardedDryRun([ShownShard(each) for each in states]),
    )


def _find_left(run: Run, database: Database, results: Sequence[ShardResult]) -> Delivered:
    """Return what the shards have left undelivered, and no other shard has delivered since."""
    left = [name for each in results for name in each.report.left]
    now = database.now().timestamp()
    return Delivered(
        broken=list(dict.fromkeys(name for each in results for name in each.report.broken)),
        left=find_still_undelivered(database, left, run.requested, now=now),
    )


def _find_warnings(run: Run, database: Database, results: Sequence[ShardResult]) -> Iterator[str]:
    """Yield what shards left out or found unclear, and the names in the changes that match nothing."""
    yield from (each for result in results for each in result.report.warnings)
    loaded = load_changes(run.settings.changes)
    if loaded is not None:
        names = find_known_names(database, run.population_id)
        environments = [each for result in results for each in result.report.environments]
        is_used = any(each.report.uses_changes for each in results)
        for warning in warn_of_names(names, environments, loaded, is_used=is_used):
            get_run_logger().warning("%s", warning)
            yield warning


def _explain_replaced(path: str | None, before: FileState) -> Iterator[str]:
    """Explain that the shards have looked at different states of the file of the schedules."""
    if path is not None and find_records_state(path) != before:
        yield (
            f"{hide_folder(path)} was replaced during the check, so a schedule that is new in it, or has"
            " another id, may be counted twice or not at all; the next check looks at all of it again"
        )


def _explain_unused(results: Sequence[ShardResult]) -> Iterator[str]:
    """Name the requested providers that no shard has notified anybody through."""
    unused = set.intersection(*(set(each.report.unused) for each in results))
    if unused:
        known = first_spellings(name for each in results for name in each.report.providers)
        yield describe_unused(sorted(unused), sorted(known.values()))


def _find_states(results: Sequence[ShardResult]) -> Found:
    states: Counter[Readiness] = Counter()
    names: dict[Readiness, str] = {}
    for each in results:
        states.update({Readiness(state): number for state, number in each.states.items()})
        names |= {Readiness(state): name for state, name in each.report.names.items()}
    return Found(states, names)


def _describe_shard(result: ShardResult) -> LookedShard:
    return LookedShard(result.shard, result.report.flow_run_id, result.schedule_count, result.changed_count)
