"""Replays notifications, and requests, approves and executes replays; each returns the record."""

from collections.abc import Sequence
from typing import TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.ledger_key import open_signing_key
from blocks.registry import find_replay_approvals
from rollback_drills.database.connections import Database
from rollback_drills.documents.evidence_texts import require_person
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.outages.acts import ExecutionRecord
from rollback_drills.outbox.queries import find_dead_letters
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recorded_act import Writer
from rollback_drills.recovery.replay_checks import NOT_REPLAYABLE
from rollback_drills.recovery.replay_records import ApprovalRecord, RequestRecord
from rollback_drills.recovery.replays import approve_replay, execute_replay, replay, request_replay
from rollback_drills.rendering.counts import write_count
from tasks.evidence import open_existing

R = TypeVar("R", ExecutionRecord, RequestRecord)


@task(task_run_name="replay-notifications", cache_policy=NO_CACHE)
def write_replay(notification_ids: Sequence[str], provider: str, act: Act, url: str) -> ExecutionRecord:
    """Make these notifications due, or all dead letters of a connector.

    Raises:
        UsageError: Both or none of them are named, or nothing of it can be replayed.
        RefusedReplayError: A connector needs the approval of a second person.
    """
    act.check(by="replayed_by")
    database = _open(url)
    wanted = _choose(database, notification_ids, provider)
    writer = _writer(database, "replay-notifications")
    written = replay(database, wanted, act, writer, find_replay_approvals())
    if not written.records:
        raise UsageError(NOT_REPLAYABLE)
    return _logged(written.records[-1])


@task(task_run_name="request-replay", cache_policy=NO_CACHE)
def write_replay_request(notification_ids: Sequence[str], provider: str, act: Act, url: str) -> RequestRecord:
    """Request a replay of these notifications, or of all dead letters of a connector.

    Raises:
        UsageError: Both or none of them are named, or nothing of it can be replayed.
    """
    act.check(by="requested_by")
    database = _open(url)
    wanted = _choose(database, notification_ids, provider)
    written = request_replay(database, wanted, act, _writer(database, "request-replay"))
    return _logged(written.records[-1])


@task(task_run_name="approve-replay", cache_policy=NO_CACHE)
def write_replay_approval(replay_id: str, by: str, url: str) -> ApprovalRecord:
    """Approve a replay that somebody else has requested.

    Raises:
        UsageError: There is no such request, or it is over.
        RefusedReplayError: Who approves it has requested it.
    """
    require_person(by, field="approved_by")
    database = _open(url)
    (record,) = approve_replay(database, replay_id, by, _writer(database, "approve-replay")).records
    get_run_logger().info("%s is approved", replay_id)
    return record


@task(task_run_name="execute-replay", cache_policy=NO_CACHE)
def write_replay_execution(replay_id: str, by: str, url: str) -> ExecutionRecord:
    """Make the notifications of an approved replay due.

    Raises:
        UsageError: There is no such request, or it is over.
        RefusedReplayError: Nobody has approved it.
    """
    require_person(by, field="replayed_by")
    database = _open(url)
    written = execute_replay(database, replay_id, by, _writer(database, "execute-replay"))
    return _logged(written.records[-1])


def _choose(database: Database, notification_ids: Sequence[str], provider: str) -> Sequence[str]:
    if bool(notification_ids) is bool(provider):
        raise UsageError(
            "is needed, or provider for all its dead letters; not both", field="notification_ids"
        )
    wanted = notification_ids or find_dead_letters(database, provider)
    if not wanted:
        raise UsageError(f"is {show(provider)}, which has no dead letters that matter", field="provider")
    return wanted


def _open(url: str) -> Database:
    database = open_existing(url, to_write=True)
    if database is None:
        raise UsageError("there is no outbox yet; run the drill-check flow")
    return database


def _writer(database: Database, signer: str) -> Writer:
    return Writer(open_signing_key, signer, database.now(), flow_run.id or "")


def _logged(record: R) -> R:
    """Log a record, and return it."""
    get_run_logger().info("%s: %s", record.replay_id, write_count(record.notification_count, "notification"))
    return record
