"""Takes what the first format delivered over into the outbox, so that nobody is notified again."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from rollback_drills.database.first_format import iterate_rows, unreadable
from rollback_drills.database.tables import OUTBOX

_PLAN_KIND: Final = "go-backend-rollback-drill-notification-plan"
_DELIVERY_KIND: Final = "go-backend-rollback-drill-route-delivery"
_SEVERITY: Final = {"due_soon": 1, "needs_attention": 2}
_SAME: Final = ("notification_id", "route_key", "cycle_id", "schedule_id", "provider", "owner", "status")


def take_over_deliveries(connection: Connection) -> None:
    """Add to the outbox what was delivered, except on routes that it knows already.

    Raises:
        FormatProblem: A row does not hold what it has to.
    """
    deliveries = _Deliveries(set(connection.scalars(select(OUTBOX.c.route_key))))
    for sequence, record in iterate_rows(connection, _PLAN_KIND, _DELIVERY_KIND):
        try:
            deliveries.take(record)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise unreadable(sequence) from None
    if rows := deliveries.to_rows():
        connection.execute(insert(OUTBOX), rows)


class _Deliveries:
    """Takes plans and deliveries in their order."""

    def __init__(self, known_routes: AbstractSet[str]) -> None:
        self._known_routes = known_routes
        self._rows: list[dict[str, Any]] = []
        self._last_status: dict[str, str] = {}  # by route
        self._due_at: dict[str, str] = {}  # by cycle
        self._open_cycle: dict[str, str] = {}  # by schedule; empty if it needed nothing

    def take(self, record: dict[str, Any]) -> None:
        """Take a record: that of a plan names the cycle of its schedule."""
        if record["metadata_kind"] == _PLAN_KIND:
            cycle_id, needs_drill = record["cycle_id"], record["status"] in _SEVERITY
            self._due_at[cycle_id] = record["plan"]["next_due_at"] or ""
            self._open_cycle[record["schedule_id"]] = cycle_id if needs_drill else ""
        elif record["delivery_success"] is True and record["route_key"] not in self._known_routes:
            self._rows.append(self._read(record))

    def to_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the outbox. Only the cycles that the newest plans are about stay open."""
        still_open = set(self._open_cycle.values())
        return [
            {
                **row,
                "cycle_due": self._due_at.get(row["cycle_id"], ""),
                "is_closed": row["cycle_id"] not in still_open,
            }
            for row in self._rows
        ]

    def _read(self, record: dict[str, Any]) -> dict[str, Any]:
        planned_at = _seconds(record["generated_at"])
        return {
            **{name: record[name] for name in _SAME},
            "message_id": record["notification_id"],
            "reason": self._find_reason(record["route_key"], record["status"]),
            "planned_at": planned_at,
            "queued_at": planned_at,
            "state": record["outcome"],  # delivered or accepted: other outcomes are no success
            "attempt_count": record["attempt_count"],
            "started_at": _seconds(record["started_at"]),
            "completed_at": _seconds(record["completed_at"]),
            "status_code": record["status_code"],
            "external_ref": record["external_ref"],
            "is_indexed": True,  # the import has it
        }

    def _find_reason(self, route_key: str, status: str) -> str:
        last = self._last_status.get(route_key)
        self._last_status[route_key] = status
        if last is None:
            return "first"
        return "worse" if _SEVERITY.get(status, 0) > _SEVERITY.get(last, 0) else "repeat"


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
