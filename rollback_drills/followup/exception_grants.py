"""Grants an exception to the current cycle of one schedule, as the documents have it now."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from rollback_drills.documents.fleet import load_fleet
from rollback_drills.documents.schedule import POSTPONE_LIMIT_DAYS
from rollback_drills.followup.exceptions import Grant, record_exception
from rollback_drills.readiness.judgement import Judgement, find_due, judge
from rollback_drills.readiness.terms import Report
from rollback_drills.recording.target import choose_subject, no_schedule
from rollback_drills.settings import Settings


def grant_exception(
    given: Grant,
    settings: Settings,
    schedule_id: str | None,
    keep_cycles: Callable[[Sequence[Judgement]], Sequence[Judgement]] = list,
    *,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> Report:
    """Read the documents, and give the record of an exception; nothing is written here.

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
    if settings.schedule is None:
        raise no_schedule()
    fleet = load_fleet(settings.schedule, settings.history, settings.changes)
    subject = choose_subject(fleet.subjects, settings.schedule, schedule_id)
    due_at = find_due(subject, now=now)
    (judged,) = keep_cycles([judge(subject, due_at, settings.criteria, now=now, generated_by=signer)])
    document = subject.schedule.document if subject.schedule else None
    limit = document.postpone_limit_days if document else POSTPONE_LIMIT_DAYS
    return record_exception(
        given,
        judged.cycle,
        due_at=due_at,
        postpone_limit=timedelta(days=limit),
        now=now,
        created_at=created_at,
        signer=signer,
    )
