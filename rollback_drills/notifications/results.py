"""The delivery result of contract §5: what became of every notification of a plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from rollback_drills import PRODUCT
from rollback_drills.documents.fields import write_instant
from rollback_drills.errors import DrillsError
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict
from rollback_drills.notifications.states import TOLD, State
from rollback_drills.readiness.terms import Report
from rollback_drills.rendering.relative_time import write_time

DELIVERY_SCHEMA: Final = "cavra.connector.delivery.v1"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one notification so far."""

    notification: Notification
    verdict: Verdict
    attempt_count: int
    """In every run so far."""
    started_at: datetime
    completed_at: datetime
    state: State
    next_attempt_at: datetime | None = None
    """When it is tried again; None if it is not, or nobody knows when."""

    @property
    def succeeded(self) -> bool:
        """Whether the provider took it."""
        return self.state in TOLD

    @property
    def summary(self) -> str:
        """Say in one line what became of it, and when it goes on."""
        if self.succeeded:
            return str(self.state)
        at = self.next_attempt_at
        again = f"; next attempt {write_time(at)}" if at else ""
        return f"{self.state}: {self.verdict.detail}{again}"


class DeliveryFailedError(DrillsError):
    """At least one provider did not take a notification; the documents of the run tell which."""

    def __init__(self, message: str, result: Report) -> None:
        super().__init__(message)
        self.result = result
        """What the run would have returned: the documents of contract §7."""

    def __reduce__(self) -> tuple[type[Self], tuple[str, Report]]:
        """Pickle with both arguments, as Prefect does with what a run ends with."""
        return type(self), (str(self), self.result)


class ProviderDeliveries(tuple[Delivery, ...]):
    """What became of the notifications of one provider; shown as a count, since Prefect logs results."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Count them."""
        return f"<{len(self)} deliveries>"


def build_result(event: Mapping[str, Any], deliveries: Sequence[Delivery]) -> Report:
    """Write down the deliveries of one plan. Without any, the result is no success (contract §8.13)."""
    return {
        "schema_version": DELIVERY_SCHEMA,
        "product": PRODUCT,
        "event_type": event["event_type"],
        "event_id": event["event_id"],
        "session_id": event["session_id"],
        "generated_at": event["generated_at"],
        "success": bool(deliveries) and all(each.succeeded for each in deliveries),
        "nothing_to_deliver": not deliveries,
        "deliveries": [_write(each) for each in deliveries],
    }


def failed_providers(deliveries: Iterable[Delivery]) -> list[str]:
    """Name the providers that did not take at least one notification, sorted."""
    return sorted({each.notification.provider for each in deliveries if not each.succeeded})


def _write(delivery: Delivery) -> dict[str, Any]:
    verdict, request, notification = delivery.verdict, delivery.verdict.request, delivery.notification
    return {
        "notification_id": notification.notification_id,
        "route_key": notification.route,
        "provider": notification.provider,
        "owner": notification.owner,
        "reason": str(notification.reason),
        "success": delivery.succeeded,
        "outcome": str(delivery.state),
        "status_code": verdict.status_code,
        "attempt_count": delivery.attempt_count,
        "started_at": write_instant(delivery.started_at),
        "completed_at": write_instant(delivery.completed_at),
        "next_attempt_at": write_instant(delivery.next_attempt_at) if delivery.next_attempt_at else None,
        "may_repeat": notification.may_repeat,
        "error": "" if delivery.succeeded else verdict.detail,
        "external_ref": verdict.external_ref,
        "request": {"method": request.method, "url": request.url, "headers": dict(request.headers)}
        if request
        else None,
    }
