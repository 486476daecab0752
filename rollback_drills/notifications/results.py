"""The delivery result of contract §5: what became of every notification of a plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import DrillsError
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Verdict
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import NOTIFIED, State
from rollback_drills.redaction.computed import Computed
from rollback_drills.rendering.times import write_time

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
        return self.state in NOTIFIED

    @property
    def summary(self) -> str:
        """Explain in one line what became of it, and when it goes on."""
        if self.succeeded:
            return str(self.state)
        at = self.next_attempt_at
        again = f"; next attempt {write_time(at)}" if at else ""
        return f"{self.state}: {self.verdict.detail}{again}"


class DeliveryFailedError(DrillsError):
    """At least one provider did not take a notification; the documents of the run name it."""

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        self.result = result
        """What the run would have returned; plain values once the run has ended."""

    def __reduce__(self) -> tuple[type[Self], tuple[str, Any]]:
        """Pickle with both arguments, as Prefect does with what a run ends with."""
        return type(self), (str(self), self.result)


class ProviderDeliveries(tuple[Delivery, ...]):
    """What became of the notifications of one provider; shown as a count, since Prefect logs results."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Count them."""
        return f"<deliveries: {len(self)}>"


class EventReference(msgspec.Struct, frozen=True, gc=False):
    """What results and records take over from an event."""

    schedule_id: str
    cycle_id: str
    plan_id: str
    status: str
    event_id: str
    event_type: str
    session_id: str
    generated_at: str


def read_reference(event: Mapping[str, Any]) -> EventReference:
    """Read the reference of an event as it was sent.

    Raises:
        ValidationError: A field is missing.
    """
    return msgspec.convert(event, EventReference)


class RequestReport(msgspec.Struct, frozen=True, gc=False):
    """The redacted request of a delivery."""

    method: str
    url: str
    headers: dict[str, str]


class DeliveryReport(msgspec.Struct, frozen=True, gc=False):
    """What became of one notification (contract §5)."""

    notification_id: Computed
    route_key: Computed
    provider: str
    owner: str
    reason: Reason
    success: bool
    outcome: State
    status_code: int | None
    attempt_count: int
    started_at: Computed
    completed_at: Computed
    next_attempt_at: Computed | None
    may_repeat: bool
    error: str
    external_ref: str
    request: RequestReport | None


class DeliveryResult(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What became of all notifications of a plan (contract §5)."""

    schema_version: Computed = DELIVERY_SCHEMA
    product: Computed = PRODUCT
    event_type: Computed
    event_id: Computed
    session_id: str
    generated_at: Computed
    success: bool
    nothing_to_deliver: bool
    deliveries: list[DeliveryReport]


def build_result(event: EventReference, deliveries: Sequence[Delivery]) -> DeliveryResult:
    """Build the result of one plan. Without deliveries it is no success (contract §8.13)."""
    return DeliveryResult(
        event_type=event.event_type,
        event_id=event.event_id,
        session_id=event.session_id,
        generated_at=event.generated_at,
        success=bool(deliveries) and all(each.succeeded for each in deliveries),
        nothing_to_deliver=not deliveries,
        deliveries=[_report(each) for each in deliveries],
    )


def failed_providers(deliveries: Iterable[Delivery]) -> list[str]:
    """Name the providers that did not take at least one notification, sorted."""
    return sorted({each.notification.provider for each in deliveries if not each.succeeded})


def _report(delivery: Delivery) -> DeliveryReport:
    verdict, notification = delivery.verdict, delivery.notification
    request, again = verdict.request, delivery.next_attempt_at
    return DeliveryReport(
        notification.notification_id,
        notification.route,
        notification.provider,
        notification.owner,
        notification.reason,
        delivery.succeeded,
        delivery.state,
        verdict.status_code,
        delivery.attempt_count,
        write_instant(delivery.started_at),
        write_instant(delivery.completed_at),
        write_instant(again) if again else None,
        notification.may_repeat,
        "" if delivery.succeeded else verdict.detail,
        verdict.external_ref,
        RequestReport(request.method, request.url, dict(request.headers)) if request else None,
    )
