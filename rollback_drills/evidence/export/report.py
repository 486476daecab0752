"""The report of an export: one page for people, made from the exported rows alone."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rollback_drills.documents.cadences.calendar_cadence import KINDS
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.export.cycles import Cycle, CycleState, judge_cycles
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.export.population import Population
from rollback_drills.evidence.export.seen_schedule import SeenSchedule
from rollback_drills.evidence.heads import Head
from rollback_drills.evidence.record_kinds import (
    ACKNOWLEDGEMENT_KIND,
    CHECK_KIND,
    CLOSURE_KIND,
    DECISION_KIND,
    DRILL_KIND,
    ESCALATION_KIND,
    EXCEPTION_KIND,
    IMPORT_KIND,
    OUTAGE_KIND,
    PLAN_KIND,
    REPLAY_REFUSAL_KIND,
    ROUTE_DELIVERY_KIND,
)
from rollback_drills.notifications.states import DEAD
from rollback_drills.rendering.counts import write_count

Cycles = Sequence[tuple[SeenSchedule, Cycle]]


def write_report(path: Path, population: Population, query: Query, head: Head, exported_at: datetime) -> None:
    """Write the page."""
    cycles = [
        (seen, cycle)
        for seen in sorted(population.schedules.values(), key=lambda each: each.schedule_id)
        for cycle in _cycles_of(seen, population)
    ]
    environment = Environment(
        loader=PackageLoader("rollback_drills.evidence.export", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["fact"] = _show_fact
    environment.filters["instant"] = _show_instant
    environment.filters["duration"] = _show_duration
    environment.filters["rows"] = _show_rows
    page = environment.get_template("report.html.j2").generate(
        population=population,
        dead=DEAD,
        counting=[kind.counting for kind in KINDS],
        query=query,
        cycles=cycles,
        summary=list(_summarise(population, cycles, is_limited=bool(query.schedules))),
        exceptions=[
            (seen, cycle) for seen, cycle in cycles if cycle.state in (CycleState.LATE, CycleState.MISSED)
        ],
        checkpoint=head.checkpoint,
        root=b64encode(head.checkpoint.root).decode(),
        public_key=head.public_key.text,
        note=str(head.note),
        exported_at=write_instant(exported_at),
    )
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(page)


def _cycles_of(seen: SeenSchedule, population: Population) -> Iterator[Cycle]:
    newest = datetime.fromisoformat(population.newest)
    return judge_cycles(
        seen.list_due_times(newest),
        seen.drills,
        seen_from=datetime.fromisoformat(population.oldest) if population.has_earlier else None,
        seen_at=newest,
    )


def _summarise(population: Population, cycles: Cycles, *, is_limited: bool) -> Iterator[tuple[str, int, str]]:
    """Yield what stands out, how often, and the rows that this rests on."""
    rows = {kind: f"{_show_rows(count)} {kind}" for kind, count in population.kinds.items()}

    def resting_on(*kinds: str) -> str:
        return ", ".join(rows[kind] for kind in kinds if kind in rows) or "no rows"

    states = Counter(cycle.state for _, cycle in cycles)
    yield "checks of all schedules", population.kinds[CHECK_KIND], resting_on(CHECK_KIND)
    yield "schedules in scope", len(population.schedules), resting_on(PLAN_KIND, DRILL_KIND)
    for state in CycleState:
        yield f"due instants: {state}", states[state], resting_on(PLAN_KIND, DRILL_KIND)
    yield "drills that were not accepted", len(population.refused_drills), resting_on(DRILL_KIND)
    yield "outcomes other than delivered", population.failures.count, resting_on(ROUTE_DELIVERY_KIND)
    yield "dead letters among them", population.dead_count, resting_on(ROUTE_DELIVERY_KIND)
    yield "acknowledgements", population.acknowledgements.count, resting_on(ACKNOWLEDGEMENT_KIND)
    yield "escalations", population.escalations.count, resting_on(ESCALATION_KIND)
    yield "skipped, postponed or waived", population.granted.count, resting_on(EXCEPTION_KIND)
    if not is_limited:  # to schedules, to which neither belongs
        yield "outages of connectors", population.kinds[OUTAGE_KIND], resting_on(OUTAGE_KIND, CLOSURE_KIND)
        refused = population.kinds[REPLAY_REFUSAL_KIND]
        yield "replays that were refused", refused, resting_on(REPLAY_REFUSAL_KIND)
    yield "decisions not to notify", population.suppressions.total(), resting_on(DECISION_KIND)
    imported = population.kinds[IMPORT_KIND]
    yield "rows imported from an index that was not signed", imported, resting_on(IMPORT_KIND)
    if population.pruned_count:
        yield "rows whose time of retention is over", population.pruned_count, "their hashes in tree.txt"


def _show_fact(value: Any) -> str:
    """Write a fact that a record may not have."""
    return "–" if value is None or value == "" else str(value)


def _show_instant(value: Any) -> str:
    """Write an instant to the second, in UTC."""
    if not value:
        return "–"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"{text[:19].replace('T', ' ')} UTC"


def _show_duration(value: timedelta) -> str:
    """Write a duration in days and hours."""
    hours = int(value.total_seconds()) // 3600
    rest = write_count(hours % 24, "hour")
    return f"{write_count(hours // 24, 'day')} {rest}" if hours >= 24 else rest


def _show_rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
