"""Writes a simulation as a document and as CSV, and finds where two simulations differ."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.utc import write_instant
from rollback_drills.names.keys import name_key
from rollback_drills.rendering.csv_cells import write_cell
from rollback_drills.simulation.findings import Summary
from rollback_drills.simulation.happenings import AnyHappening, Notified
from rollback_drills.simulation.simulate import Simulation

SIMULATION_SCHEMA: Final = "rollback-drills.simulation.v1"
_COLUMNS: Final = (
    *("at", "kind", "schedule_id", "cycle_id", "due_at", "owner", "provider", "status", "reason"),
    *("escalated_from", "step", "until", "because", "owners", "accepted"),
)


class CutOff(msgspec.Struct, frozen=True, gc=False):
    """A schedule of which there was too much to look at."""

    schedule_id: str
    at: str
    """From then on nothing is known of it."""


class SimulationDocument(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A simulation as a document; `items` follow one at a time."""

    schema_version: str = SIMULATION_SCHEMA
    product: str = PRODUCT
    generated_at: str
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    every_minutes: float | int
    perform: str
    acknowledge: str
    schedule_count: int
    retired: list[str]
    """The schedules of `schedule_count` that are retired: nothing happens to them."""
    cut_off: list[CutOff]
    summary: Summary
    only_here: list[Notified] | None
    """Compared with other schedules: the notifications that only these have; None without a comparison."""
    only_there: list[Notified] | None
    items: list[AnyHappening]


def write_document(
    simulation: Simulation,
    summary: Summary,
    *,
    perform: str,
    acknowledge: str,
    difference: tuple[list[Notified], list[Notified]] | None,
    now: datetime,
) -> SimulationDocument:
    """Return the document of a simulation, without its items.

    Args:
        simulation: What was simulated.
        summary: What was counted.
        perform: When drills are performed, as the caller wrote it.
        acknowledge: When notifications are acknowledged, as the caller wrote it.
        difference: What only this simulation has, and what only another one has.
        now: When the document is made.
    """
    scenario = simulation.scenario
    here, there = difference or (None, None)
    return SimulationDocument(
        generated_at=write_instant(now),
        since=write_instant(scenario.since),
        until=write_instant(scenario.until),
        every_minutes=tidy(scenario.every / timedelta(minutes=1)),
        perform=perform,
        acknowledge=acknowledge,
        schedule_count=simulation.schedule_count,
        retired=list(simulation.retired),
        cut_off=[CutOff(name, write_instant(at)) for name, at in simulation.cut_off],
        summary=summary,
        only_here=here,
        only_there=there,
        items=[],
    )


def find_difference(here: Simulation, there: Simulation) -> tuple[list[Notified], list[Notified]]:
    """Return the notifications that only one of two simulations has."""
    return _find_only(here, there), _find_only(there, here)


def _find_only(here: Simulation, there: Simulation) -> list[Notified]:
    known = Counter(map(_key, _list_notified(there)))
    only = []
    for each in _list_notified(here):
        key = _key(each)
        if known[key]:
            known[key] -= 1
        else:
            only.append(each)
    return only


def _list_notified(simulation: Simulation) -> Iterable[Notified]:
    return (each for each in simulation.happenings if isinstance(each, Notified))


def _key(each: Notified) -> tuple[str, ...]:
    return each.at, name_key(each.schedule_id), name_key(each.owner), name_key(each.provider), each.reason


def write_csv(happenings: Sequence[AnyHappening]) -> bytes:
    """Write a line for each thing that happens, for spreadsheets."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, restval="", extrasaction="ignore")
    writer.writeheader()
    for each in happenings:
        plain = msgspec.to_builtins(each)
        plain["owners"] = "; ".join(plain.get("owners", ()))
        writer.writerow({name: write_cell(value) for name, value in plain.items()})
    return text.getvalue().encode("utf-8-sig")  # Excel takes UTF-8 only with a BOM
