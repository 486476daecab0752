"""Messages to the platform owner that somebody asks for an approval: of an exception, or of a replay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.exceptions.exception_requests import RequestedException
from rollback_drills.followup.exceptions.found_requests import read_open_requests
from rollback_drills.names import ids
from rollback_drills.names.keys import first_spellings
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.outbox.withdrawals import withdraw_settled
from rollback_drills.recovery.found_replays import ReplayState, find_replays
from rollback_drills.recovery.replay_records import RequestRecord
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.sentences import one_line
from rollback_drills.rendering.times import write_time
from rollback_drills.trust.notice import Platform

EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.approval_requested"


@dataclass(frozen=True, slots=True)
class OpenApprovals:
    """What waits for a second person."""

    exceptions: Sequence[RequestedException]
    replays: Sequence[RequestRecord]

    @property
    def replayed_providers(self) -> frozenset[str]:
        """The connectors through which something is to be replayed: they may be what is broken."""
        return frozenset(first_spellings(name for each in self.replays for name in each.providers).values())


def read_open_approvals(database: Database, *, now: datetime) -> OpenApprovals:
    """Return the requests that nobody has decided, and that can still be approved.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    with database.read() as connection:
        replays = find_replays(connection)
    waiting = [each.request for each in replays if each.state_at(now) is ReplayState.REQUESTED]
    return OpenApprovals(read_open_requests(database, now=now), waiting)


def withdraw_decided(database: Database, approvals: OpenApprovals) -> int:
    """Withdraw the notices of requests that were decided, or can be decided no more; return how many.

    Raises:
        DatabaseError: The database cannot be used.
    """
    still_open = {each.request_id for each in approvals.exceptions}
    still_open |= {each.replay_id for each in approvals.replays}
    return withdraw_settled(database, ids.APPROVAL_PREFIX, still_open.__contains__)


def find_notices(approvals: OpenApprovals, platform: Platform) -> Iterator[OutboxEntry]:
    """Yield the notice of each request for the platform owner: the same in every run, so it is sent once.

    Args:
        approvals: What waits.
        platform: Who is notified, and through what.
    """
    for exception in approvals.exceptions:
        yield from platform.address(_word_exception(exception, platform))
    for replay in approvals.replays:
        yield from platform.address(_word_replay(replay, platform))


def _word_exception(request: RequestedException, platform: Platform) -> Notice:
    until, open_until = write_time(request.until), write_time(request.open_until)
    return _word(
        request.request_id,
        request.at,
        f"{request.kind} {request.schedule_id}",
        f"{request.requested_by} asks to {request.kind} the drill of {request.schedule_id} until {until}."
        f" Somebody else approves or declines it before {open_until}. Until then nothing changes, and owners"
        " are notified as before.",
        (
            ("Schedule", request.schedule_id),
            ("Requested by", request.requested_by),
            ("Reason", one_line(request.reason)),
            ("Approve", write_command("requests", "approve", request.request_id, by="YOU")),
            ("Decline", write_command("requests", "decline", request.request_id, by="YOU", reason="WHY")),
            ("Owner", platform.owner),
        ),
        {"request_id": request.request_id, "requested_schedule_id": request.schedule_id},
    )


def _word_replay(request: RequestRecord, platform: Platform) -> Notice:
    what = f"{write_count(len(request.ids), 'notification')} through {', '.join(request.providers)}"
    return _word(
        request.replay_id,
        request.at,
        f"replay of {what}",
        f"{request.requested_by} asks to send {what} again. Somebody else approves it before"
        f" {write_time(request.until)}. Nothing is sent again before it is approved and executed.",
        (
            ("Requested by", request.requested_by),
            ("Reason", one_line(request.reason)),
            ("Approve", write_command("outbox", "approve-replay", request.replay_id, by="YOU")),
            ("Owner", platform.owner),
        ),
        {"replay_id": request.replay_id, "notification_count": len(request.ids)},
    )


def _word(
    request_id: str,
    at: datetime,
    what: str,
    summary: str,
    facts: tuple[tuple[str, str], ...],
    more: dict[str, object],
) -> Notice:
    subject = f"{ids.APPROVAL_PREFIX}{request_id}"
    return Notice(
        subject_id=subject,
        subject_name="approval",
        cycle_id=ids.cycle_id(subject, write_instant(at)),
        event_type=EVENT_TYPE,
        at=at,
        title=one_line(f"Approval needed: {what}"),
        summary=one_line(summary),
        facts=facts,
        alert_level="warning",
        more=more,
    )
