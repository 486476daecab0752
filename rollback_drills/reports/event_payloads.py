"""What the events of runs tell; docs/reference/flows.md lists them."""

from collections.abc import Sequence

import msgspec


class Payload(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an event tells."""


class CheckPayload(Payload, frozen=True, gc=False, kw_only=True):
    """A check has ended."""

    schedule_count: int
    state_counts: dict[str, int]
    changed_count: int
    unchanged_count: int
    came_count: int
    gone_count: int
    delivery_count: int


class GatePayload(Payload, frozen=True, gc=False, kw_only=True):
    """A release may pass, or not."""

    status: str
    mode: str
    selected_backend: str
    message: str
    reasons: Sequence[str]


class CyclePayload(Payload, frozen=True, gc=False, kw_only=True):
    """What every event of a cycle tells."""

    schedule_id: str
    cycle_id: str
    plan_id: str
    status: str
    next_due_at: str | None


class ReadinessPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """How ready a schedule is."""

    alert_level: str
    reason: str
    owners: Sequence[str]
    providers: Sequence[str]
    days_until_due: float | None


class DecisionPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """Who is notified or not."""

    provider: str
    owner: str
    action: str
    category: str
    reason: str
    deferred_until: str | None
    notification_reason: str | None
    notification_id: str | None


class DeliveryPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """What became of a notification."""

    provider: str
    owner: str
    notification_id: str
    notification_reason: str
    title: str
    outcome: str
    error: str
    status_code: int | None
    attempt_count: int
    may_repeat: bool
    next_attempt_at: str | None


class EscalationPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """A step that was taken."""

    owner: str
    step: int
    step_count: int
    step_due_at: str
    told: str
    providers: Sequence[str]


class AcknowledgementPayload(Payload, frozen=True, gc=False, kw_only=True):
    """An acknowledgement; what people wrote stays in the evidence."""

    schedule_id: str
    cycle_id: str
    plan_id: str
    provider: str
    owner: str
    acknowledgement_id: str
    acknowledged_by: str
    acknowledgement_state: str
    acknowledged_at: str
    acknowledged_until: str | None


class ExceptionPayload(Payload, frozen=True, gc=False, kw_only=True):
    """An exception; the reason stays in the evidence, also below."""

    schedule_id: str
    cycle_id: str
    exception_id: str
    exception: str
    approver: str
    approved_at: str
    requested_by: str | None
    request_id: str | None
    next_due_at: str | None
    expires_at: str


class RetirementPayload(Payload, frozen=True, gc=False, kw_only=True):
    """A schedule that was retired or restored."""

    schedule_id: str
    retirement_id: str
    approver: str
    requested_by: str | None
    approved_at: str


class RequestPayload(Payload, frozen=True, gc=False, kw_only=True):
    """A request for an exception."""

    schedule_id: str
    cycle_id: str
    request_id: str
    exception: str
    requested_by: str
    requested_at: str
    next_due_at: str | None
    expires_at: str
    open_until: str


class DeclinePayload(Payload, frozen=True, gc=False, kw_only=True):
    """A request that was declined."""

    schedule_id: str
    cycle_id: str
    request_id: str
    exception: str
    requested_by: str
    declined_by: str
    declined_at: str
