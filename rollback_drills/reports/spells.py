"""Reads decisions as spells: from when one was made until it changed, however often it was found."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, case, func, or_, select

from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.checks.plans_in_force import (
    HAS_DIGEST,
    IS_CHECK,
    NAMES_GONE,
    Departures,
    find_in_force,
    find_last_checks,
)
from rollback_drills.evidence.index import LedgerRow, read_if_readable, read_time
from rollback_drills.evidence.record_kinds import PLAN_KIND
from rollback_drills.planning.category import Action
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.imported import ROWS_AT_ONCE
from rollback_drills.reports.period import Period

_CHANGES: Final = select(
    LEDGER.c.leaf_index,
    LEDGER.c.metadata_kind,
    case((or_(HAS_DIGEST, IS_CHECK), LEDGER.c.record)),
    LEDGER.c.schedule_id,
    LEDGER.c.created_at,
).where(or_(LEDGER.c.metadata_kind == PLAN_KIND, NAMES_GONE))
"""What ends spells: plans, with their record if they hold until a newer one; checks that say what is gone."""


class Route(msgspec.Struct, frozen=True, gc=False):
    """What a decision is about, and what it decides: a change of these begins another spell."""

    schedule_id: str
    cycle_id: str
    provider: str
    owner: str
    action: str
    category: str


class Spell(msgspec.Struct, frozen=True, gc=False):
    """A decision, and how long it held."""

    route: Route
    begins: datetime
    ends: datetime


class _Plan(LedgerRow, frozen=True, gc=False):
    population_id: str


_SUPPRESS: Final = Action.SUPPRESS.value
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Open:
    """The spells of one schedule that go on."""

    begun: dict[Route, datetime] = field(default_factory=dict)
    earlier: dict[Route, datetime] = field(default_factory=dict)
    """Those of the plan before: what is not decided again has ended with this plan."""
    seen_at: datetime = _NEVER
    """When the newest plan was written down."""

    def end_earlier(self) -> Iterator[Spell]:
        """End what the newest plan did not decide again."""
        yield from (Spell(route, begins, self.seen_at) for route, begins in self.earlier.items())
        self.earlier = {}

    def end(self, at: datetime) -> Iterator[Spell]:
        """End everything."""
        yield from self.end_earlier()
        for route, begins in self.begun.items():
            yield Spell(route, begins, at if at > begins else begins)  # noqa: FURB136 - a tenth of the time


class SpellReader:
    """Reads the spells of a period, in which each decision to notify is a spell of its own.

    Two populations can hold the same schedule. Each has spells of its own: what one decides ends nothing of
    the other. Plans of earlier versions are of no population.
    """

    def __init__(self, connection: Connection, wanted: RouteFilter, period: Period, latest: int) -> None:
        """Read nothing yet.

        Args:
            connection: Reads the ledger.
            wanted: Which decisions.
            period: With both ends; a spell that began before it begins with it.
            latest: How many of the latest decisions not to notify to keep.
        """
        self._connection, self._wanted, self._period = connection, wanted, period
        self._open: dict[tuple[str, str], _Open] = {}
        """By population and schedule."""
        self._newest: dict[str, _Open] = {}
        """By schedule what its newest plan belongs to: the decisions of a plan follow it."""
        self.latest: deque[tuple[datetime, int]] = deque(maxlen=latest)
        """The instants and rows of the latest decisions not to notify, the oldest first."""

    def iterate(self) -> Iterator[Spell]:
        """Yield the spells, in the order in which they end.

        Raises:
            DatabaseError: A row holds no record any more.
        """
        number = LEDGER.c.leaf_index
        ends = select(func.min(number), func.max(number)).where(*self._period.to_sql())
        first, last = self._connection.execute(ends).one()
        if first is None:
            return
        self._begin(first)
        within = *self._period.to_sql(), number.between(first, last)
        columns = (*(LEDGER.c[name] for name in Route.__struct_fields__), LEDGER.c.created_at)
        wanted = self._wanted.to_sql(self._connection)
        decisions = self._read(select(number, *columns).where(*within, *wanted))
        changes = self._read(_CHANGES.where(*within))
        change = next(changes, None)
        # each name for itself: to gather some in a list costs a third of a microsecond, for each row
        for row, schedule_id, cycle_id, provider, owner, action, category, created_at in decisions:
            while change is not None and change.leaf_index < row:
                yield from self._take_change(change)
                change = next(changes, None)
            at = read_time(created_at)
            route = Route(schedule_id, cycle_id, provider, owner, action, category)
            if action != _SUPPRESS:
                yield Spell(route, at, at)
            else:
                self.latest.append((at, row))
                self._take_suppressed(route, at)
        while change is not None:
            yield from self._take_change(change)
            change = next(changes, None)
        checked = find_last_checks(self._connection, *within)
        for (population_id, _), known in self._open.items():
            yield from known.end(checked.get(population_id, known.seen_at))

    def _read(self, rows: Select[Any]) -> Iterator[Row[Any]]:
        ordered = rows.order_by(LEDGER.c.leaf_index).execution_options(yield_per=ROWS_AT_ONCE)
        return iter(self._connection.execute(ordered))

    def _take_change(self, change: Row[Any]) -> Iterator[Spell]:
        row, kind, text, schedule_id, created_at = change
        at = read_time(created_at)
        if kind == PLAN_KIND:
            plan = read_if_readable(row, text, _Plan) if text else None
            yield from self._take_plan(plan.population_id if plan else "", schedule_id, at)
        elif check := read_if_readable(row, text, Departures):
            yield from self._take_gone(check, at)

    def _begin(self, first: int) -> None:
        since = self._period.since
        assert since is not None  # noqa: S101 - a trend has both ends
        for plan in find_in_force(self._connection, first):
            routes = (
                Route(plan.schedule_id, plan.cycle_id, each.provider, each.owner, each.action, each.category)
                for each in plan.plan.route_decisions
            )
            begun = {each: since for each in routes if self._holds(each)}
            self._open[plan.population_id, plan.schedule_id] = _Open(begun, {}, since)

    def _holds(self, route: Route) -> bool:
        return route.action == Action.SUPPRESS and self._wanted.matches(route)

    def _take_plan(self, population_id: str, schedule_id: str, at: datetime) -> Iterator[Spell]:
        if population_id and ("", schedule_id) in self._open:  # of an earlier version: this plan follows it
            self._open[population_id, schedule_id] = self._open.pop(("", schedule_id))
        known = self._open.get((population_id, schedule_id)) or _Open()
        yield from known.end_earlier()
        plan = _Open({}, known.begun, at)
        self._open[population_id, schedule_id] = self._newest[schedule_id] = plan

    def _take_suppressed(self, route: Route, at: datetime) -> None:
        known = self._newest.get(route.schedule_id)
        if known is None:  # its plan was written before the period
            known = self._newest[route.schedule_id] = self._open["", route.schedule_id] = _Open(seen_at=at)
        known.begun[route] = known.earlier.pop(route, at)

    def _take_gone(self, check: Departures, at: datetime) -> Iterator[Spell]:
        for name in check.gone:
            if known := self._open.pop((check.population_id, name), None):
                yield from known.end(at)
