"""The records of an outage: that it began, and what it was when it ended."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import CLOSURE_KIND, OUTAGE_KIND
from rollback_drills.redaction.computed import Computed


class ActReport(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a person did about a connector."""

    by: str
    reason: str
    at: Computed
    count: int
    notification_ids: Sequence[Computed] = ()
    replay_id: Computed | None = None
    requested_by: str | None = None
    approved_by: str | None = None


class WaitedReport(msgspec.Struct, frozen=True, gc=False):
    """A notification that an outage kept from its owner."""

    notification_id: Computed
    schedule_id: str
    owner: str
    state: str
    attempt_count: int


class OutageRecord(Record, frozen=True, kw_only=True, gc=False, tag=OUTAGE_KIND):
    """That an outage began."""

    provider: str
    outage_id: Computed
    opened_at: Computed
    cause: str
    detail: str
    waiting_count: int
    dead_letter_count: int


class ClosureRecord(Record, frozen=True, kw_only=True, gc=False, tag=CLOSURE_KIND):
    """That an outage ended, and what it was: what waited, what people did, and which runs tried."""

    provider: str
    outage_id: Computed
    closure_id: Computed
    closure_state: Computed = "resolved"
    opened_at: Computed
    closed_at: Computed
    closed_by: str | UnsetType = UNSET
    """Who closed it without a delivery; UNSET if a delivery did."""
    reason: str | UnsetType = UNSET
    """Why that person did."""
    duration_seconds: float | int
    waited_count: int
    delivered_count: int
    waiting_count: int
    dead_letter_count: int
    discarded_count: int
    superseded_count: int
    notifications: Sequence[WaitedReport]
    replayed: Sequence[ActReport]
    discarded: Sequence[ActReport]
    enabled: Sequence[ActReport]
    flow_run_ids: Sequence[Computed]
