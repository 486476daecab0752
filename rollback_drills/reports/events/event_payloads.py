"""The payloads of the events of runs; docs/reference/flows.md lists them."""

from collections.abc import Sequence

import msgspec

from rollback_drills.redaction.computed import Computed


class Payload(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The payload of an event."""


class CheckPayload(Payload, frozen=True, gc=False, kw_only=True):
    """A check has ended."""

    schedule_count: int
    state_counts: dict[Computed, int]
    changed_count: int
    unchanged_count: int
    came_count: int
    gone_count: int
    delivery_count: int


class GatePayload(Payload, frozen=True, gc=False, kw_only=True):
    """A release may pass, or not."""

    status: Computed
    mode: Computed
    selected_backend: str
    message: str
    reasons: Sequence[str]


class CyclePayload(Payload, frozen=True, gc=False, kw_only=True):
    """What the payload of every event of a cycle has."""

    schedule_id: str
    cycle_id: Computed
    plan_id: Computed
    status: Computed
    next_due_at: Computed | None


class ReadinessPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """How ready a schedule is."""

    alert_level: Computed
    reason: str
    owners: Sequence[str]
    providers: Sequence[str]
    days_until_due: float | None


class DecisionPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """Who is notified or not."""

    provider: str
    owner: str
    action: Computed
    category: Computed
    reason: str
    deferred_until: Computed | None
    notification_reason: Computed | None
    notification_id: Computed | None


class DeliveryPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """What became of a notification."""

    provider: str
    owner: str
    notification_id: Computed
    notification_reason: Computed
    title: str
    outcome: Computed
    error: str
    status_code: int | None
    attempt_count: int
    may_repeat: bool
    next_attempt_at: Computed | None


class EscalationPayload(CyclePayload, frozen=True, gc=False, kw_only=True):
    """A step that was taken."""

    owner: str
    step: int
    step_count: int
    step_due_at: Computed
    told: str
    providers: Sequence[str]


class AcknowledgementPayload(Payload, frozen=True, gc=False, kw_only=True):
    """An acknowledgement; what people wrote stays in the evidence."""

    schedule_id: str
    cycle_id: Computed
    plan_id: Computed
    provider: str
    owner: str
    acknowledgement_id: Computed
    acknowledged_by: str
    acknowledgement_state: Computed
    acknowledged_at: Computed
    acknowledged_until: Computed | None


class ExceptionPayload(Payload, frozen=True, gc=False, kw_only=True):
    """An exception; the reason stays in the evidence, also below."""

    schedule_id: str
    cycle_id: Computed
    exception_id: Computed
    exception: Computed
    approver: str
    approved_at: Computed
    requested_by: str | None
    request_id: Computed | None
    next_due_at: Computed | None
    expires_at: Computed


class RetirementPayload(Payload, frozen=True, gc=False, kw_only=True):
    """A schedule that was retired or restored."""

    schedule_id: str
    retirement_id: Computed
    approver: str
    requested_by: str | None
    approved_at: Computed


class RequestPayload(Payload, frozen=True, gc=False, kw_only=True):
    """A request for an exception."""

    schedule_id: str
    cycle_id: Computed
    request_id: Computed
    exception: Computed
    requested_by: str
    requested_at: Computed
    next_due_at: Computed | None
    expires_at: Computed
    open_until: Computed


class DeclinePayload(Payload, frozen=True, gc=False, kw_only=True):
    """A request that was declined."""

    schedule_id: str
    cycle_id: Computed
    request_id: Computed
    exception: Computed
    requested_by: str
    declined_by: str
    declined_at: Computed
