"""What changed in the fleet since a given time: schedules that came, went, or changed their state."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.index import LedgerRow, iterate_records
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND

MOST_COMPARED: Final = 1_000
"""How many schedules that have a new plan are compared with what was known before."""


class Kind(StrEnum):
    """What happened to a schedule."""

    CAME = "new"
    WENT = "gone"
    CHANGED = "state changed"


class FleetChange(msgspec.Struct, frozen=True):
    """What happened to one schedule."""

    at: datetime
    kind: Kind
    schedule_id: str
    before: str
    """The state at the start of the period; empty if the schedule was not known."""
    after: str
    """The newest state; empty if the schedule is gone."""
    why: str
    flow_run_id: str
    """The run that found it; empty if it was no flow run."""


class RecentChanges(msgspec.Struct, frozen=True):
    """What changed, the newest first."""

    changes: Sequence[FleetChange]
    is_comparable: bool
    """Whether there was a check before the period to compare with."""
    left_out: int
    """How many schedules with a new plan were not compared, because they are too many."""


class _Plan(msgspec.Struct, frozen=True, gc=False):
    status: str
    reason: str


class _Recorded(LedgerRow, frozen=True, gc=False):
    schedule_id: str
    created_at: datetime
    plan: _Plan
    flow_run_id: str = ""


class _Checked(LedgerRow, frozen=True, gc=False):
    created_at: datetime
    came: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    flow_run_id: str = ""


_IS_PLAN: Final = LEDGER.c.metadata_kind == PLAN_KIND
_IS_CHECK: Final = LEDGER.c.metadata_kind == CHECK_KIND


def find_recent_changes(database: Database, *, since: datetime) -> RecentChanges:
    """Compare the newest plan of each schedule with the one before a given time.

    A schedule that came and went again within the period is left out.

    Raises:
        DatabaseError: The database cannot be read.
    """
    with database.snapshot() as connection:
        first = connection.scalar(
            select(func.min(LEDGER.c.leaf_index)).where(LEDGER.c.created_at >= write_instant(since))
        )
        if first is None:
            return RecentChanges((), is_comparable=True, left_out=0)
        earlier = select(LEDGER.c.leaf_index).where(_IS_CHECK, LEDGER.c.leaf_index < first)
        if connection.scalar(earlier.limit(1)) is None:
            return RecentChanges((), is_comparable=False, left_out=0)
        came, gone = _read_checks(connection, first)
        places = _find_newest_plans(connection, first)
        some = dict(sorted(places.items(), key=lambda each: -each[1])[:MOST_COMPARED])
        after = _read_plans(connection, list(some.values()))
        before = _read_plans_before(connection, [*some, *gone], first)
    found = [*_list_gone(gone, before), *_list_changed(after, before, came, gone)]
    ordered = sorted(found, key=lambda each: (each.at, each.schedule_id), reverse=True)
    return RecentChanges(ordered, is_comparable=True, left_out=len(places) - len(some))


def _list_gone(gone: Mapping[str, _Checked], before: Mapping[str, _Recorded]) -> Iterator[FleetChange]:
    for name, check in gone.items():
        if name in before:
            yield FleetChange(
                *(check.created_at, Kind.WENT, name, before[name].plan.status, ""),
                why="a check did not find its document any more",
                flow_run_id=check.flow_run_id,
            )


def _list_changed(
    after: Mapping[str, _Recorded],
    before: Mapping[str, _Recorded],
    came: Mapping[str, _Checked],
    gone: Mapping[str, _Checked],
) -> Iterator[FleetChange]:
    for name, newest in after.items():
        known = before.get(name)
        if name in gone:
            continue
        if name in came:
            kind, earlier = Kind.CAME, ""
        elif known and known.plan.status != newest.plan.status:
            kind, earlier = Kind.CHANGED, known.plan.status
        else:
            continue
        yield FleetChange(
            *(newest.created_at, kind, name, earlier, newest.plan.status, newest.plan.reason),
            flow_run_id=newest.flow_run_id,
        )


def _read_checks(connection: Connection, first: int) -> tuple[dict[str, _Checked], dict[str, _Checked]]:
    """Return the checks that saw schedules come and go, by schedule; what came back is not gone."""
    came: dict[str, _Checked] = {}
    gone: dict[str, _Checked] = {}
    for check in iterate_records(connection, _Checked, _IS_CHECK, LEDGER.c.leaf_index >= first):
        for name in check.came:
            if gone.pop(name, None) is None:
                came[name] = check
        for name in check.gone:
            came.pop(name, None)
            gone[name] = check
    return came, gone


def _find_newest_plans(connection: Connection, first: int) -> dict[str, int]:
    """Return by schedule the row of its newest plan from a row on."""
    newest = select(LEDGER.c.schedule_id, func.max(LEDGER.c.leaf_index)).where(
        _IS_PLAN, LEDGER.c.leaf_index >= first
    )
    return dict(connection.execute(newest.group_by(LEDGER.c.schedule_id)).tuples().all())


def _read_plans_before(connection: Connection, names: Sequence[str], first: int) -> dict[str, _Recorded]:
    """Return by schedule its newest plan before a row."""
    newest = select(func.max(LEDGER.c.leaf_index)).where(
        one_of(LEDGER.c.schedule_id, names), _IS_PLAN, LEDGER.c.leaf_index < first
    )
    return _read_plans(connection, connection.scalars(newest.group_by(LEDGER.c.schedule_id)).all())


def _read_plans(connection: Connection, places: Sequence[int]) -> dict[str, _Recorded]:
    some = one_of(LEDGER.c.leaf_index, places)
    return {plan.schedule_id: plan for plan in iterate_records(connection, _Recorded, some)}
