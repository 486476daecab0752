"""The records of a replay: who requested, approved, executed or was refused it, and for what."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import UNSET, UnsetType

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.outages.acts import ActedNotification, DiscardRecord, ExecutionRecord
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import (
    REPLAY_APPROVAL_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
)
from rollback_drills.names import ids
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recorded_act import Writer, describe_rows, name_providers
from rollback_drills.redaction.computed import Computed

OPEN_FOR: Final = timedelta(days=7)
"""How long a request can be approved and executed."""
NO_APPROVAL: Final = "a replay through this connector needs the approval of a second person"


class Step(StrEnum):
    """What somebody wanted to do who was refused."""

    REPLAY = "replay"
    APPROVE = "approve"
    EXECUTE = "execute"


class RequestRecord(Record, frozen=True, kw_only=True, gc=False, tag=REPLAY_REQUEST_KIND):
    """That somebody asks for a replay."""

    replay_id: Computed
    requested_by: str
    requested_at: Computed
    open_until: Computed
    reason: str
    provider: str | UnsetType = UNSET
    """The connector, if it is one."""
    providers: Sequence[str]
    notification_count: int
    notifications: Sequence[ActedNotification]

    @property
    def at(self) -> datetime:
        """When it was requested."""
        return datetime.fromisoformat(self.requested_at)

    @property
    def until(self) -> datetime:
        """Up to and without this time it can be approved and executed."""
        return datetime.fromisoformat(self.open_until)

    @property
    def times(self) -> Sequence[datetime]:
        """When it was requested, and until when it can be approved."""
        return self.at, self.until

    @property
    def ids(self) -> list[str]:
        """The notifications."""
        return [each.notification_id for each in self.notifications]


class ApprovalRecord(Record, frozen=True, kw_only=True, gc=False, tag=REPLAY_APPROVAL_KIND):
    """That somebody else approves it."""

    replay_id: Computed
    requested_by: str
    approved_by: str
    approved_at: Computed


class RefusalRecord(Record, frozen=True, kw_only=True, gc=False, tag=REPLAY_REFUSAL_KIND):
    """That somebody was refused, and that nothing else was changed."""

    replay_id: str
    step: Step
    asked_by: str
    asked_at: Computed
    problem: str
    provider: str | UnsetType = UNSET
    """The connector, if it is one."""
    providers: Sequence[str]
    notification_count: int
    notifications: Sequence[ActedNotification]


def record_request(writer: Writer, rows: Sequence[OutboxRow], act: Act) -> RequestRecord:
    """Write down that somebody asks for a replay; nothing is due before somebody else approves it."""
    replay_id, providers = name_replay(act, writer.at, rows), name_providers(rows)
    return RequestRecord(
        session_id=replay_id,
        created_at=writer.at,
        signer=writer.signer,
        replay_id=replay_id,
        requested_by=act.by,
        requested_at=writer.at,
        open_until=write_instant(writer.now + OPEN_FOR),
        reason=act.reason,
        provider=_find_only(providers),
        providers=providers,
        notification_count=len(rows),
        notifications=describe_rows(rows),
    )


def record_approval(writer: Writer, replay_id: str, requested_by: str, by: str) -> ApprovalRecord:
    """Write down that somebody else approves a replay; it is executed later."""
    return ApprovalRecord(
        session_id=replay_id,
        created_at=writer.at,
        signer=writer.signer,
        replay_id=replay_id,
        requested_by=requested_by,
        approved_by=by,
        approved_at=writer.at,
    )


def record_execution(
    writer: Writer,
    rows: Sequence[OutboxRow],
    act: Act,
    *,
    replay_id: str = "",
    requested_by: str | None = None,
    approved_by: str | None = None,
) -> ExecutionRecord:
    """Write down that notifications are due again.

    Args:
        writer: Who writes, and when.
        rows: The notifications as they were before.
        act: Who replayed them, and why.
        replay_id: That of the request; of a replay without one it is made here.
        requested_by: Who requested it; None if nobody did.
        approved_by: Who approved it.
    """
    replay_id, providers = replay_id or name_replay(act, writer.at, rows), name_providers(rows)
    return ExecutionRecord(
        session_id=replay_id,
        created_at=writer.at,
        signer=writer.signer,
        replay_id=replay_id,
        requested_by=requested_by,
        approved_by=approved_by,
        replayed_by=act.by,
        replayed_at=writer.at,
        reason=act.reason,
        provider=_find_only(providers),
        providers=providers,
        notification_count=len(rows),
        notifications=describe_rows(rows),
    )


def record_refusal(
    writer: Writer, rows: Sequence[OutboxRow], by: str, step: Step, problem: str, replay_id: str = ""
) -> RefusalRecord:
    """Write down that somebody was refused; nothing else was changed.

    Args:
        writer: Who writes, and when.
        rows: The notifications that were to be replayed.
        by: Who was refused.
        step: What was refused.
        problem: Why.
        replay_id: That of the request, if there is one.
    """
    replay_id, providers = (
        replay_id or name_replay(Act(by, problem), writer.at, rows),
        name_providers(rows),
    )
    return RefusalRecord(
        session_id=replay_id,
        created_at=writer.at,
        signer=writer.signer,
        replay_id=replay_id,
        step=step,
        asked_by=by,
        asked_at=writer.at,
        problem=problem,
        provider=_find_only(providers),
        providers=providers,
        notification_count=len(rows),
        notifications=describe_rows(rows),
    )


def record_discard(writer: Writer, rows: Sequence[OutboxRow], act: Act) -> DiscardRecord:
    """Write down that notifications are not sent any more."""
    providers = name_providers(rows)
    return DiscardRecord(
        session_id=name_replay(act, writer.at, rows),
        created_at=writer.at,
        signer=writer.signer,
        discarded_by=act.by,
        discarded_at=writer.at,
        reason=act.reason,
        provider=_find_only(providers),
        providers=providers,
        notification_count=len(rows),
        notifications=describe_rows(rows),
    )


def name_replay(act: Act, at: str, rows: Sequence[OutboxRow]) -> str:
    """Name what somebody does to notifications at a time."""
    return ids.replay_id(act.by, at, "\x1f".join(each.notification_id for each in rows))


def _find_only(providers: Sequence[str]) -> str | UnsetType:
    """Return the connector of notifications, if it is one."""
    return providers[0] if len(providers) == 1 else UNSET
