"""The records of what a plan sent: one of all its deliveries, and one of each (contract §5)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import DELIVERY_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.results import (
    Delivery,
    DeliveryResult,
    EventReference,
    RequestReport,
    build_result,
    failed_providers,
)
from rollback_drills.notifications.states import State
from rollback_drills.redaction.computed import Computed

DELIVERY_SOURCE: Final = "go_backend_rollback_drill_notification"


class DeliveryRecord(Record, frozen=True, gc=False, kw_only=True, tag=DELIVERY_KIND):
    """The record of all deliveries of a plan in a run."""

    connector_delivery_source: Computed = DELIVERY_SOURCE
    schedule_id: str
    cycle_id: Computed
    plan_id: Computed
    status: Computed
    event_id: Computed
    event_type: Computed
    delivery_success: bool
    providers: list[str]
    failed_providers: list[str]
    attempt_count: int
    max_attempt_count: int
    status_codes: list[int | None]
    delivery: DeliveryResult


class RouteDeliveryRecord(Record, frozen=True, gc=False, tag=ROUTE_DELIVERY_KIND):
    """The record of one delivery: its event, and then the fields of `DeliveryReport` in their order."""

    schedule_id: str
    cycle_id: Computed
    plan_id: Computed
    status: Computed
    event_id: Computed
    event_type: Computed
    generated_at: Computed
    delivery_success: bool
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


def record_deliveries(
    event: EventReference, deliveries: Sequence[Delivery], *, created_at: datetime, signer: str
) -> Iterator[DeliveryRecord | RouteDeliveryRecord]:
    """Yield the records of what a plan sent: first the one of contract §5, then one of every route."""
    attempts = [each.attempt_count for each in deliveries]
    result, written_at = build_result(event, deliveries), write_instant(created_at)
    yield DeliveryRecord(
        session_id=event.session_id,
        created_at=written_at,
        signer=signer,
        schedule_id=event.schedule_id,
        cycle_id=event.cycle_id,
        plan_id=event.plan_id,
        status=event.status,
        event_id=event.event_id,
        event_type=event.event_type,
        delivery_success=result.success,
        providers=sorted({each.notification.provider for each in deliveries}),
        failed_providers=failed_providers(deliveries),
        attempt_count=sum(attempts),
        max_attempt_count=max(attempts, default=0),
        status_codes=[each.verdict.status_code for each in deliveries],
        delivery=result,
    )
    for report in result.deliveries:
        yield RouteDeliveryRecord(
            event.schedule_id,
            event.cycle_id,
            event.plan_id,
            event.status,
            event.event_id,
            event.event_type,
            event.generated_at,
            report.success,
            *msgspec.structs.astuple(report),
            session_id=event.session_id,
            created_at=written_at,
            signer=signer,
        )
