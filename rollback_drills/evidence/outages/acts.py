"""What people did about notifications and connectors that fail, as the evidence has it."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import (
    DISABLED_KIND,
    DISCARD_KIND,
    ENABLED_KIND,
    REPLAY_EXECUTION_KIND,
)
from rollback_drills.notifications.states import State
from rollback_drills.redaction.computed import Computed


class ActedNotification(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A notification as it was before somebody did something about it."""

    notification_id: Computed
    schedule_id: str
    cycle_id: Computed
    provider: str
    owner: str
    state: State
    attempt_count: int


class ExecutionRecord(Record, frozen=True, kw_only=True, gc=False, tag=REPLAY_EXECUTION_KIND):
    """That notifications are due again."""

    replay_id: Computed
    requested_by: str | None = None
    """None if nobody requested it."""
    approved_by: str | None = None
    """None if nobody had to approve it."""
    replayed_by: str
    replayed_at: Computed
    reason: str
    provider: str | UnsetType = UNSET
    """The connector, if it is one."""
    providers: Sequence[str] = ()
    notification_count: int
    notifications: Sequence[ActedNotification]

    @property
    def by(self) -> str:
        """Who did it."""
        return self.replayed_by

    @property
    def at(self) -> str:
        """When."""
        return self.replayed_at


class DiscardRecord(Record, frozen=True, kw_only=True, gc=False, tag=DISCARD_KIND):
    """That notifications are not sent any more."""

    discarded_by: str
    discarded_at: Computed
    reason: str
    provider: str | UnsetType = UNSET
    """The connector, if it is one."""
    providers: Sequence[str] = ()
    notification_count: int
    notifications: Sequence[ActedNotification]

    @property
    def by(self) -> str:
        """Who did it."""
        return self.discarded_by

    @property
    def at(self) -> str:
        """When."""
        return self.discarded_at


class DisabledRecord(Record, frozen=True, kw_only=True, gc=False, tag=DISABLED_KIND):
    """That nothing is sent through a connector."""

    provider: str
    disabled_at: Computed
    disabled_by: str | None
    """None if a delivery disabled it, because its provider said that it is gone."""
    is_automatic: bool
    reason: str


class EnabledRecord(Record, frozen=True, kw_only=True, gc=False, tag=ENABLED_KIND):
    """That a connector is used again."""

    provider: str
    enabled_by: str
    enabled_at: Computed
    reason: str
    disabled_because: str
    notification_count: int
    notifications: Sequence[ActedNotification]
    """Those that are due again."""

    @property
    def by(self) -> str:
        """Who did it."""
        return self.enabled_by

    @property
    def at(self) -> str:
        """When."""
        return self.enabled_at
