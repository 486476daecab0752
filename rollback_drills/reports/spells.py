"""Reads decisions as spells: from when one was made until it was another one, however often it was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from rollback_drills.evidence.in_force import (
    HAS_DIGEST,
    IS_CHECK,
    NAMES_GONE,
    check_facts,
    find_in_force,
    find_last_checks,
)
from rollback_drills.evidence.records import CHECK_KIND, PLAN_KIND
from rollback_drills.evidence.table import LEDGER
from rollback_drills.planning.category import Action
from rollback_drills.reports.filters import RouteFilter
from rollback_drills.reports.imported import ROWS_AT_ONCE
from rollback_drills.reports.period import Period

_TEXT: Final = case(
    ((LEDGER.c.metadata_kind == PLAN_KIND) & HAS_DIGEST, LEDGER.c.record), (NAMES_GONE, LEDGER.c.record)
)
"""The record of a row of which more than the columns is needed."""


class Route(msgspec.Struct, frozen=True, gc=False):
    """What a decision is about, and what it decides: another one of these is another spell."""

    schedule_id: str
    cycle_id: str
    provider: str
    owner: str
    action: str
    category: str


class Spell(msgspec.Struct, frozen=True):
    """A decision, and how long it held."""

    route: Route
    begins: datetime
    ends: datetime


class _Decision(msgspec.Struct):
    provider: str
    owner: str
    action: str
    category: str

    def route(self, record: "_PlanRecord") -> Route:
        """Return what it decides."""
        of_schedule = record.schedule_id, record.cycle_id
        return Route(*of_schedule, self.provider, self.owner, self.action, self.category)


class _PlanRecord(msgspec.Struct):
    population_id: str
    schedule_id: str
    cycle_id: str
    plan: "_PlanOf"


class _PlanOf(msgspec.Struct):
    route_decisions: tuple[_Decision, ...]


_plan_records: Final = msgspec.json.Decoder(_PlanRecord)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Open:
    """The spells of one schedule that go on."""

    population_id: str = ""
    """Empty for a plan of an earlier version, which stands for its own instant."""
    begun: dict[Route, datetime] = field(default_factory=dict)
    earlier: dict[Route, datetime] = field(default_factory=dict)
    """Those of the plan before: what is not decided again has ended with this plan."""
    seen_at: datetime = _NEVER
    """When the newest plan was written down."""


class SpellReader:
    """Reads the spells of a period, in which each decision to notify is a spell of its own."""

    def __init__(self, connection: Connection, wanted: RouteFilter, period: Period) -> None:
        """Read nothing yet.

        Args:
            connection: Reads the ledger.
            wanted: Which decisions.
            period: With both ends; a spell that began before it begins with it.
        """
        self._connection, self._wanted, self._period = connection, wanted, period
        self._open: dict[str, _Open] = {}

    def iterate(self) -> Iterator[Spell]:
        """Yield the spells, in the order in which they end."""
        within = self._period.to_sql()
        first = self._connection.scalar(select(func.min(LEDGER.c.leaf_index)).where(*within))
        if first is None:
            return
        self._begin(first)
        columns = (*(LEDGER.c[name] for name in Route.__struct_fields__), LEDGER.c.created_at)
        kind = LEDGER.c.metadata_kind
        decisions = and_(*self._wanted.to_sql(self._connection))
        rows = select(kind, _TEXT, *columns).where(*within, or_(decisions, kind == PLAN_KIND, NAMES_GONE))
        ordered = rows.order_by(LEDGER.c.leaf_index).execution_options(yield_per=ROWS_AT_ONCE)
        for row_kind, text, *facts, created_at in self._connection.execute(ordered):
            at = datetime.fromisoformat(created_at)
            if row_kind == PLAN_KIND:
                yield from self._take_plan(facts[0], at, text)
            elif row_kind == CHECK_KIND:
                yield from self._take_gone(text, at)
            else:
                yield from self._take_decision(Route(*facts), at)
        yield from self._finish(within)

    def _begin(self, first: int) -> None:
        since = self._period.since
        assert since is not None  # noqa: S101 - a trend has both ends
        for text in find_in_force(self._connection, first).values():
            record = _plan_records.decode(text)
            routes = (each.route(record) for each in record.plan.route_decisions)
            begun = {each: since for each in routes if self._holds(each)}
            self._open[record.schedule_id] = _Open(record.population_id, begun, {}, since)

    def _holds(self, route: Route) -> bool:
        return route.action == Action.SUPPRESS and self._wanted.matches(route)

    def _take_plan(self, schedule_id: str, at: datetime, text: str | None) -> Iterator[Spell]:
        known = self._open.get(schedule_id) or _Open()
        yield from self._end_earlier(known)
        population_id = _plan_records.decode(text).population_id if text else ""
        self._open[schedule_id] = _Open(population_id, {}, known.begun, at)

    def _take_decision(self, route: Route, at: datetime) -> Iterator[Spell]:
        if route.action != Action.SUPPRESS:
            yield Spell(route, at, at)
            return
        known = self._open.setdefault(route.schedule_id, _Open(seen_at=at))
        known.begun[route] = known.earlier.pop(route, at)

    def _take_gone(self, text: str, at: datetime) -> Iterator[Spell]:
        check = check_facts.decode(text)
        for name in check.gone:
            known = self._open.get(name)
            if known and known.population_id == check.population_id:
                yield from self._end_earlier(known)
                yield from (Spell(route, begins, at) for route, begins in known.begun.items())
                del self._open[name]

    def _finish(self, within: list[ColumnElement[bool]]) -> Iterator[Spell]:
        """End what goes on at the last check of its population within the period."""
        last = find_last_checks(self._connection, *within)
        rows = select(LEDGER.c.leaf_index, LEDGER.c.created_at).where(IS_CHECK, *within)
        instants = {row: datetime.fromisoformat(at) for row, at in self._connection.execute(rows).tuples()}
        for known in self._open.values():
            yield from self._end_earlier(known)
            ends = instants.get(last.get(known.population_id, -1), known.seen_at)
            for route, begins in known.begun.items():
                yield Spell(route, begins, max(begins, ends))

    def _end_earlier(self, known: _Open) -> Iterator[Spell]:
        """End what the newest plan did not decide again."""
        yield from (Spell(route, begins, known.seen_at) for route, begins in known.earlier.items())
        known.earlier = {}
