"""Grants and requests exceptions to the current cycle of one schedule, as the documents have it now."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.quotation import show
from rollback_drills.documents.schedule import POSTPONE_LIMIT_DAYS
from rollback_drills.errors import UsageError
from rollback_drills.followup.exceptions.exception import ExceptionRecord, Grant, record_exception
from rollback_drills.followup.exceptions.exception_decisions import approve
from rollback_drills.followup.exceptions.exception_requests import (
    ExceptionRequestRecord,
    FoundRequest,
    RequestedException,
    Wish,
    record_request,
    refuse_repeat,
)
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.judgement import Judgement, find_due, judge
from rollback_drills.readiness.states import Readiness
from rollback_drills.recording.target import choose_subject, no_schedule
from rollback_drills.settings import Settings

KeepCycles = Callable[[Sequence[Judgement]], Sequence[Judgement]]
"""Gives open cycles the ids that they have in the outbox, and asks nothing of retired schedules."""


@dataclass(frozen=True, slots=True)
class CurrentCycle:
    """The cycle that an exception is for, with its limits."""

    cycle: Cycle
    due_at: datetime | None
    postpone_limit: timedelta


def grant_exception(
    given: Grant,
    settings: Settings,
    schedule_id: str | None,
    keep_cycles: KeepCycles = list,
    *,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> ExceptionRecord:
    """Read the documents, and return the record of an exception; nothing is written here.

    Args:
        given: What is approved.
        settings: Name the documents.
        schedule_id: The schedule that is meant; None if there is only one.
        keep_cycles: Gives open cycles the ids that they have in the outbox.
        now: When it is approved.
        created_at: The clock of the evidence.
        signer: Who writes it down.

    Raises:
        UsageError: There is no such schedule, or `record_exception` refuses what is approved.
    """
    current = _find_cycle(settings, schedule_id, keep_cycles, now=now)
    return _record(given, current, now=now, created_at=created_at, signer=signer)


def request_exception(
    wish: Wish,
    settings: Settings,
    schedule_id: str | None,
    keep_cycles: KeepCycles = list,
    waiting: Iterable[RequestedException] = (),
    *,
    now: datetime,
    created_at: datetime,
) -> ExceptionRequestRecord:
    """Read the documents, and return the record of a request; nothing is written here.

    Args:
        wish: What is asked for.
        settings: Name the documents.
        schedule_id: The schedule that is meant; None if there is only one.
        keep_cycles: Gives open cycles the ids that they have in the outbox.
        waiting: The open requests.
        now: When it is asked for.
        created_at: The clock of the evidence.

    Raises:
        UsageError: There is no such schedule, the same request waits already, or `record_request` refuses
            what is asked for.
    """
    current = _find_cycle(settings, schedule_id, keep_cycles, now=now)
    refuse_repeat(wish, current.cycle, waiting)
    return record_request(
        wish,
        current.cycle,
        due_at=current.due_at,
        postpone_limit=current.postpone_limit,
        now=now,
        created_at=created_at,
    )


def approve_request(
    found: FoundRequest,
    approver: str,
    settings: Settings,
    keep_cycles: KeepCycles = list,
    *,
    remark: str = "",
    now: datetime,
    created_at: datetime,
) -> ExceptionRecord:
    """Read the documents, and return the record of the exception that was requested; nothing is written here.

    Args:
        found: The request.
        approver: Who approves it.
        settings: Name the documents.
        keep_cycles: Gives open cycles the ids that they have in the outbox.
        remark: What the approver adds to the reason of the request.
        now: When it is approved.
        created_at: The clock of the evidence.

    Raises:
        UsageError: The schedule is gone, or `approve` or `record_exception` refuses it.
    """
    current = _find_cycle(settings, found.request.schedule_id, keep_cycles, now=now)
    given = approve(found, approver, current.cycle.cycle_id, remark=remark, now=now)
    return _record(given, current, now=now, created_at=created_at, signer=approver)


def _record(
    given: Grant, current: CurrentCycle, *, now: datetime, created_at: datetime, signer: str
) -> ExceptionRecord:
    return record_exception(
        given,
        current.cycle,
        due_at=current.due_at,
        postpone_limit=current.postpone_limit,
        now=now,
        created_at=created_at,
        signer=signer,
    )


def _find_cycle(
    settings: Settings, schedule_id: str | None, keep_cycles: KeepCycles, *, now: datetime
) -> CurrentCycle:
    if settings.schedule is None:
        raise no_schedule()
    fleet = load_fleet(settings.schedule, settings.history, settings.changes)
    subject = choose_subject(fleet.subjects, settings.schedule, schedule_id)
    due_at = find_due(subject, now=now)
    (judged,) = keep_cycles([judge(subject, due_at, settings.criteria, now=now, generated_by="exception")])
    if judged.readiness is Readiness.NOT_REQUESTED:
        because = judged.schedule_report.schedule.message
        raise UsageError(f"is {show(judged.cycle.schedule_id)}, and {because}", field="schedule_id")
    document = subject.schedule.document if subject.schedule else None
    limit = document.postpone_limit_days if document else POSTPONE_LIMIT_DAYS
    return CurrentCycle(judged.cycle, due_at, timedelta(days=limit))
