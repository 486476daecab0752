"""The report of an export: one page for people, made from the exported rows alone."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.heads import Head
from rollback_drills.exporting.cycles import Cycle, CycleState, judge_cycles
from rollback_drills.exporting.manifest import Query
from rollback_drills.exporting.population import Population, SeenSchedule


def write_report(path: Path, population: Population, query: Query, head: Head, exported_at: datetime) -> None:
    """Write the page."""
    cycles = [
        (seen, cycle)
        for seen in sorted(population.schedules.values(), key=lambda each: each.schedule_id)
        for cycle in _cycles_of(seen, population.newest)
    ]
    environment = Environment(
        loader=PackageLoader("rollback_drills.exporting", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["instant"] = _show_instant
    environment.filters["duration"] = _show_duration
    page = environment.get_template("report.html.j2").render(
        population=population,
        query=query,
        cycles=cycles,
        states=_count_states(cycles),
        exceptions=[
            (seen, cycle) for seen, cycle in cycles if cycle.state in (CycleState.LATE, CycleState.MISSED)
        ],
        checkpoint=head.checkpoint,
        root=b64encode(head.checkpoint.root).decode(),
        public_key=head.public_key.text,
        note=str(head.note),
        exported_at=write_instant(exported_at),
    )
    path.write_text(page, encoding="utf-8")


def _cycles_of(seen: SeenSchedule, newest: str) -> Iterator[Cycle]:
    due = [datetime.fromisoformat(each) for each in seen.due_instants]
    interval = timedelta(days=seen.interval_days) if seen.interval_days else None
    return judge_cycles(due, seen.drills, interval, seen_at=datetime.fromisoformat(newest))


def _count_states(cycles: list[tuple[SeenSchedule, Cycle]]) -> dict[str, int]:
    return {state: sum(cycle.state is state for _, cycle in cycles) for state in CycleState}


def _show_instant(value: Any) -> str:
    """Write an instant to the second, in UTC."""
    if not value:
        return "–"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"{text[:19].replace('T', ' ')} UTC"


def _show_duration(value: timedelta) -> str:
    """Write a duration in days and hours."""
    hours = int(value.total_seconds()) // 3600
    return f"{hours // 24} days {hours % 24} hours" if hours >= 24 else f"{hours} hours"
