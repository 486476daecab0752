"""Writes exceptions, requests for them and decisions about requests into the evidence."""

from datetime import datetime
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.database.tables import LEDGER
from rollback_drills.followup.exceptions.exception import ExceptionRecord, Grant
from rollback_drills.followup.exceptions.exception_decisions import record_decline
from rollback_drills.followup.exceptions.exception_grants import (
    approve_request,
    grant_exception,
    request_exception,
)
from rollback_drills.followup.exceptions.exception_requests import DeclineRecord, ExceptionRequestRecord, Wish
from rollback_drills.followup.exceptions.found_requests import ensure_decided, get_request, read_open_requests
from rollback_drills.followup.retirements.retirement import keep_followed_cycles
from rollback_drills.reports.events.act_events import decline_event, exception_event, request_event
from rollback_drills.settings import Settings
from tasks.events import emit
from tasks.evidence import index_evidence, open_existing


@task(task_run_name="grant-exception", cache_policy=NO_CACHE)
def write_exception_down(
    given: Grant, settings: Settings, schedule_id: str | None, now: datetime, signer: str
) -> ExceptionRecord:
    """Grant an exception to the current cycle of a schedule, and give its record.

    Raises:
        UsageError: There is no such schedule, or it cannot be granted.
    """
    url = settings.evidence_url
    keep_cycles = partial(keep_followed_cycles, open_existing(url, to_write=True))
    record = grant_exception(
        given, settings, schedule_id, keep_cycles, now=now, created_at=now, signer=signer
    )
    index_evidence([record], {}, now, signer, url)
    emit([exception_event(record)])
    get_run_logger().info("%s until %s", record.exception_id, record.expires_at)
    return record


@task(task_run_name="request-exception", cache_policy=NO_CACHE)
def write_request_down(
    wish: Wish, settings: Settings, schedule_id: str | None, now: datetime
) -> ExceptionRequestRecord:
    """Request an exception for the current cycle of a schedule, and give the record of the request.

    Raises:
        UsageError: There is no such schedule, or it cannot be requested.
    """
    url = settings.evidence_url
    keep_cycles = partial(keep_followed_cycles, open_existing(url, to_write=True))
    database = open_existing(url, LEDGER.name)
    waiting = read_open_requests(database, now=now) if database else ()
    record = request_exception(wish, settings, schedule_id, keep_cycles, waiting, now=now, created_at=now)
    index_evidence([record], {}, now, wish.requested_by, url)
    emit([request_event(record)])
    get_run_logger().info("%s until %s", record.request_id, record.open_until)
    return record


@task(task_run_name="approve-exception", cache_policy=NO_CACHE)
def write_approval_down(
    request_id: str, approver: str, remark: str, settings: Settings, now: datetime
) -> ExceptionRecord:
    """Approve a request, and give the record of the exception.

    Raises:
        UsageError: There is no such request, or it cannot be approved by this person or any more.
    """
    url = settings.evidence_url
    found = get_request(open_existing(url, LEDGER.name), request_id)
    keep_cycles = partial(keep_followed_cycles, open_existing(url, to_write=True))
    record = approve_request(found, approver, settings, keep_cycles, remark=remark, now=now, created_at=now)
    _decide(record, request_id, now, approver, url)
    emit([exception_event(record)])
    return record


@task(task_run_name="decline-exception", cache_policy=NO_CACHE)
def write_decline_down(
    request_id: str, by: str, reason: str, settings: Settings, now: datetime
) -> DeclineRecord:
    """Decline a request, and give the record of that.

    Raises:
        UsageError: There is no such request, or it cannot be declined any more.
    """
    url = settings.evidence_url
    found = get_request(open_existing(url, LEDGER.name, to_write=True), request_id)
    record = record_decline(found, by, reason, now=now, created_at=now)
    _decide(record, request_id, now, by, url)
    emit([decline_event(record)])
    return record


def _decide(
    record: ExceptionRecord | DeclineRecord, request_id: str, now: datetime, by: str, url: str
) -> None:
    """Write a decision under the id of its request: of two at the same time, one is written."""
    index_evidence([], {request_id: lambda: record}, now, by, url)
    ensure_decided(open_existing(url, LEDGER.name), record)
    get_run_logger().info("%s is decided", request_id)
