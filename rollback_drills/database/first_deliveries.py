"""Takes what the first format delivered over into the outbox, so that nobody is notified again."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select

from rollback_drills.database.first_format import iterate_rows, unreadable
from rollback_drills.database.tables import OUTBOX

_PLAN_KIND: Final = "go-backend-rollback-drill-notification-plan"
_DELIVERY_KIND: Final = "go-backend-rollback-drill-route-delivery"
_SEVERITY: Final = {"due_soon": 1, "needs_attention": 2}


def take_over_deliveries(connection: Connection) -> None:
    """Add to the outbox what was delivered, except on routes that it knows already.

    Raises:
        FormatProblem: A row does not hold what it has to.
    """
    deliveries = _Deliveries(set(connection.scalars(select(OUTBOX.c.route_key))))
    for sequence, record in iterate_rows(connection, _PLAN_KIND, _DELIVERY_KIND):
        try:
            deliveries.take(record)
        except (LookupError, TypeError, ValueError, msgspec.ValidationError):
            raise unreadable(sequence) from None
    if rows := deliveries.to_rows():
        connection.execute(insert(OUTBOX), [msgspec.structs.asdict(row) for row in rows])


class _PlanContent(msgspec.Struct, frozen=True, gc=False):
    next_due_at: str | None


class _Plan(msgspec.Struct, frozen=True, gc=False):
    """What the record of a plan says."""

    schedule_id: str
    cycle_id: str
    status: str
    plan: _PlanContent


class _Delivery(msgspec.Struct, frozen=True, gc=False):
    """What the record of a delivery says."""

    notification_id: str
    route_key: str
    cycle_id: str
    schedule_id: str
    provider: str
    owner: str
    status: str
    outcome: str
    generated_at: str
    started_at: str
    completed_at: str
    attempt_count: int
    status_code: int | None
    external_ref: str | None


class _Row(msgspec.Struct, kw_only=True):
    """A row of the outbox that was delivered."""

    notification_id: str
    message_id: str
    route_key: str
    cycle_id: str
    schedule_id: str
    provider: str
    owner: str
    status: str
    reason: str
    planned_at: float
    queued_at: float
    state: str
    attempt_count: int
    started_at: float
    completed_at: float
    status_code: int | None
    external_ref: str | None
    cycle_due: str = ""
    is_closed: bool = False
    is_indexed: bool = True  # the import has it


class _Deliveries:
    """Takes plans and deliveries in their order."""

    def __init__(self, known_routes: AbstractSet[str]) -> None:
        self._known_routes = known_routes
        self._rows: list[_Row] = []
        self._last_status: dict[str, str] = {}  # by route
        self._due_at: dict[str, str] = {}  # by cycle
        self._open_cycle: dict[str, str] = {}  # by schedule; empty if it needed nothing

    def take(self, record: Mapping[str, object]) -> None:
        """Take a record: that of a plan names the cycle of its schedule."""
        if record["metadata_kind"] == _PLAN_KIND:
            plan = msgspec.convert(record, _Plan)
            self._due_at[plan.cycle_id] = plan.plan.next_due_at or ""
            self._open_cycle[plan.schedule_id] = plan.cycle_id if plan.status in _SEVERITY else ""
        elif record["delivery_success"] is True and record["route_key"] not in self._known_routes:
            self._rows.append(self._to_row(msgspec.convert(record, _Delivery)))

    def to_rows(self) -> list[_Row]:
        """Return the rows of the outbox. Only the cycles that the newest plans are about stay open."""
        still_open = set(self._open_cycle.values())
        for row in self._rows:
            row.cycle_due = self._due_at.get(row.cycle_id, "")
            row.is_closed = row.cycle_id not in still_open
        return self._rows

    def _to_row(self, delivery: _Delivery) -> _Row:
        planned_at = _seconds(delivery.generated_at)
        return _Row(
            notification_id=delivery.notification_id,
            message_id=delivery.notification_id,
            route_key=delivery.route_key,
            cycle_id=delivery.cycle_id,
            schedule_id=delivery.schedule_id,
            provider=delivery.provider,
            owner=delivery.owner,
            status=delivery.status,
            reason=self._find_reason(delivery.route_key, delivery.status),
            planned_at=planned_at,
            queued_at=planned_at,
            state=delivery.outcome,  # delivered or accepted: other outcomes are no success
            attempt_count=delivery.attempt_count,
            started_at=_seconds(delivery.started_at),
            completed_at=_seconds(delivery.completed_at),
            status_code=delivery.status_code,
            external_ref=delivery.external_ref,
        )

    def _find_reason(self, route_key: str, status: str) -> str:
        last = self._last_status.get(route_key)
        self._last_status[route_key] = status
        if last is None:
            return "first"
        return "worse" if _SEVERITY.get(status, 0) > _SEVERITY.get(last, 0) else "repeat"


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
