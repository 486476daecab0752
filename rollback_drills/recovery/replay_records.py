"""The records of a replay: who requested, approved, executed or was refused it, and for what."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

from rollback_drills.documents.fields import write_instant
from rollback_drills.evidence.records import (
    REPLAY_APPROVAL_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
    start_record,
)
from rollback_drills.names import ids
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.readiness.terms import Report
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recording import Recording, describe_rows, name_providers

OPEN_FOR: Final = timedelta(days=7)
"""How long a request can be approved and executed."""
NO_APPROVAL: Final = "a replay through this connector needs the approval of a second person"


class Step(StrEnum):
    """What somebody wanted to do who was refused."""

    REPLAY = "replay"
    APPROVE = "approve"
    EXECUTE = "execute"


def record_request(written: Recording, rows: Sequence[OutboxRow], act: Act) -> Report:
    """Write down that somebody asks for a replay; nothing is due before somebody else approves it."""
    at = write_instant(written.writer.now)
    return {
        **_start(written, REPLAY_REQUEST_KIND, name_replay(act, at, rows)),
        "requested_by": act.by,
        "requested_at": at,
        "open_until": write_instant(written.writer.now + OPEN_FOR),
        "reason": act.reason,
        **describe_all(rows),
    }


def record_approval(written: Recording, replay_id: str, requested_by: str, by: str) -> Report:
    """Write down that somebody else approves a replay; it is executed later."""
    return {
        **_start(written, REPLAY_APPROVAL_KIND, replay_id),
        "requested_by": requested_by,
        "approved_by": by,
        "approved_at": write_instant(written.writer.now),
    }


def record_execution(
    written: Recording,
    rows: Sequence[OutboxRow],
    act: Act,
    *,
    replay_id: str = "",
    requested_by: str | None = None,
    approved_by: str | None = None,
) -> Report:
    """Write down that notifications are due again.

    Args:
        written: The transaction.
        rows: The notifications as they were before.
        act: Who replayed them, and why.
        replay_id: That of the request; of a replay without one it is made here.
        requested_by: Who requested it; None if nobody did.
        approved_by: Who approved it.
    """
    at = write_instant(written.writer.now)
    return {
        **_start(written, REPLAY_EXECUTION_KIND, replay_id or name_replay(act, at, rows)),
        "requested_by": requested_by,
        "approved_by": approved_by,
        "replayed_by": act.by,
        "replayed_at": at,
        "reason": act.reason,
        **describe_all(rows),
    }


def record_refusal(
    written: Recording, rows: Sequence[OutboxRow], by: str, step: Step, problem: str, replay_id: str = ""
) -> Report:
    """Write down that somebody was refused; nothing else was changed.

    Args:
        written: The transaction.
        rows: The notifications that were to be replayed.
        by: Who was refused.
        step: What was refused.
        problem: Why.
        replay_id: That of the request, if there is one.
    """
    at = write_instant(written.writer.now)
    return {
        **_start(written, REPLAY_REFUSAL_KIND, replay_id or name_replay(Act(by, problem), at, rows)),
        "step": str(step),
        "asked_by": by,
        "asked_at": at,
        "problem": problem,
        **describe_all(rows),
    }


def describe_all(rows: Sequence[OutboxRow]) -> Report:
    """Describe notifications, and the connectors that they belong to."""
    providers = name_providers(rows)
    only = {"provider": providers[0]} if len(providers) == 1 else {}
    return {
        **only,
        "providers": providers,
        "notification_count": len(rows),
        "notifications": describe_rows(rows),
    }


def name_replay(act: Act, at: str, rows: Sequence[OutboxRow]) -> str:
    """Name what somebody does to notifications at a time."""
    return ids.replay_id(act.by, at, "\x1f".join(each.notification_id for each in rows))


def _start(written: Recording, kind: str, replay_id: str) -> Report:
    start = start_record(kind, replay_id, created_at=written.writer.now, signer=written.writer.signer)
    return {**start, "replay_id": replay_id}
