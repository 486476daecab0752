"""Replays and discards notifications; a connector may ask for a second person before a replay.

Whoever is refused leaves a record, and changes nothing else.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.documents.evidence_texts import require_person
from rollback_drills.documents.quotation import show
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.evidence.outages.acts import DiscardRecord, ExecutionRecord
from rollback_drills.names.people import is_same_caller
from rollback_drills.outbox.replay import discard_rows, replay_rows
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.found_replays import FoundReplay, get_replay
from rollback_drills.recovery.recorded_act import (
    Recording,
    Writer,
    may_replay,
    name_providers,
    read_rows,
    recording,
)
from rollback_drills.recovery.replay_checks import (
    NOT_REPLAYABLE,
    check_open,
    check_undecided,
    is_replayable,
)
from rollback_drills.recovery.replay_records import (
    NO_APPROVAL,
    ApprovalRecord,
    RequestRecord,
    Step,
    record_approval,
    record_discard,
    record_execution,
    record_refusal,
    record_request,
)

MOST_REQUESTED: Final = 10_000
"""How many notifications a request names at most: the record of it names each of them."""


class RefusedReplayError(DrillsError):
    """A replay lacks the approval of a second person. The evidence has who was refused."""


def replay(
    database: Database,
    notification_ids: Sequence[str],
    act: Act,
    writer: Writer,
    needs_approval: Collection[str] = (),
) -> Recording[ExecutionRecord]:
    """Make notifications due again, and write down who replayed which.

    Args:
        database: Keeps outbox and evidence.
        notification_ids: The notifications.
        act: Who replays them, and why.
        writer: Writes it down.
        needs_approval: The connectors through which nothing is replayed without an approval.

    Raises:
        UsageError: Nobody or nothing is named, or in a way that evidence must not hold.
        RefusedReplayError: One of the connectors needs an approval; nothing is due.
    """
    act.check()
    written, refused = _replay(database, notification_ids, act, writer, needs_approval)
    if refused:
        raise RefusedReplayError(
            f"{', '.join(refused)}: {NO_APPROVAL} (replay_approval). The refusal is in the evidence. Request"
            " the replay with `drills outbox request-replay`"
        )
    return written


@repeat_on_conflict
def _replay(
    database: Database,
    notification_ids: Sequence[str],
    act: Act,
    writer: Writer,
    needs_approval: Collection[str],
) -> tuple[Recording[Any], list[str]]:
    with recording(database, writer) as written:
        rows = read_rows(written.connection, notification_ids)
        written.look_at(*name_providers(rows))
        if kept := [each for each in rows if not may_replay(each.provider, needs_approval)]:
            written.add(record_refusal(writer, rows, act.by, Step.REPLAY, NO_APPROVAL))
            return written, name_providers(kept)
        changed = replay_rows(written.connection, notification_ids, now=writer.now.timestamp())
        if changed:
            written.add(record_execution(writer, changed, act))
    return written, []


@repeat_on_conflict
def request_replay(
    database: Database, notification_ids: Sequence[str], act: Act, writer: Writer
) -> Recording[RequestRecord]:
    """Ask for a replay. Nothing is due before somebody else has approved it and it is executed.

    Raises:
        UsageError: Nothing of it can be replayed, it is too much, or nobody is named.
    """
    act.check()
    if (count := len(notification_ids)) > MOST_REQUESTED:
        raise UsageError(
            f"{count:,} notifications are meant, and a request has at most {MOST_REQUESTED:,}; choose those"
            " of one connector, or pass the ids of some of them"
        )
    with recording(database, writer) as written:
        rows = [each for each in read_rows(written.connection, notification_ids) if is_replayable(each)]
        if not rows:
            raise UsageError(NOT_REPLAYABLE)
        written.look_at(*name_providers(rows))
        written.add(record_request(writer, rows, act))
    return written


def approve_replay(database: Database, replay_id: str, by: str, writer: Writer) -> Recording[ApprovalRecord]:
    """Approve a replay that somebody else has requested.

    Raises:
        UsageError: There is no such request, it is over, or nobody is named.
        RefusedReplayError: Who approves it has requested it.
    """
    require_person(by, field="by")
    written, problem = _approve(database, replay_id, by, writer)
    _raise_refusal(problem)
    return written


@repeat_on_conflict
def _approve(database: Database, replay_id: str, by: str, writer: Writer) -> tuple[Recording[Any], str]:
    with recording(database, writer) as written:
        found = get_replay(written.connection, replay_id)
        check_undecided(found, now=writer.now)
        requested_by = found.request.requested_by
        if is_same_caller(requested_by, by):
            problem = (
                f"{show(by)} cannot approve what {show(requested_by)} requested;"
                " somebody else must approve it"
            )
            return written, _refuse(written, found, by, Step.APPROVE, problem)
        written.add(record_approval(writer, replay_id, requested_by, by))
    return written, ""


def execute_replay(database: Database, replay_id: str, by: str, writer: Writer) -> Recording[ExecutionRecord]:
    """Make the notifications of an approved request due, once.

    Raises:
        UsageError: There is no such request, it is over, or nobody is named.
        RefusedReplayError: Nobody has approved it.
    """
    require_person(by, field="by")
    written, problem = _execute(database, replay_id, by, writer)
    _raise_refusal(problem)
    return written


@repeat_on_conflict
def _execute(database: Database, replay_id: str, by: str, writer: Writer) -> tuple[Recording[Any], str]:
    with recording(database, writer) as written:
        found = get_replay(written.connection, replay_id)
        check_open(found, now=writer.now)
        if not found.approved_by:
            problem = (
                f"{replay_id} is not approved: somebody other than {show(found.request.requested_by)}"
                " approves it first"
            )
            return written, _refuse(written, found, by, Step.EXECUTE, problem)
        written.look_at(*found.request.providers)
        rows = replay_rows(written.connection, found.request.ids, now=writer.now.timestamp())
        written.add(
            record_execution(
                writer,
                rows,
                Act(by, found.request.reason),
                replay_id=replay_id,
                requested_by=found.request.requested_by,
                approved_by=found.approved_by,
            )
        )
    return written, ""


@repeat_on_conflict
def discard(
    database: Database, notification_ids: Sequence[str], act: Act, writer: Writer
) -> Recording[DiscardRecord]:
    """Take notifications out that were not delivered, and write down who discarded which.

    Raises:
        UsageError: Nobody or nothing is named, or in a way that evidence must not hold.
    """
    act.check()
    with recording(database, writer) as written:
        written.look_at(*name_providers(read_rows(written.connection, notification_ids)))
        rows = discard_rows(written.connection, notification_ids)
        if rows:
            written.add(record_discard(writer, rows, act))
    return written


def _raise_refusal(problem: str) -> None:
    """Raise what was refused, after the record of it is committed."""
    if problem:
        raise RefusedReplayError(f"{problem}. The refusal is in the evidence")


def _refuse(written: Recording[Any], found: FoundReplay, by: str, step: Step, problem: str) -> str:
    rows = read_rows(written.connection, found.request.ids)
    written.add(record_refusal(written.writer, rows, by, step, problem, found.request.replay_id))
    return problem
