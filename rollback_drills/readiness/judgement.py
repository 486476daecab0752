"""Judges schedules: due time, history and readiness of each at one instant."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec
from msgspec import UNSET

from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import DrillKey, Subject
from rollback_drills.readiness.checklist import pass_all
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.cycle import Cycle, find_cycle
from rollback_drills.readiness.due import derive_due
from rollback_drills.readiness.history_report import report_history
from rollback_drills.readiness.reports import HistoryFacts, HistoryReport, ScheduleFacts, ScheduleReport
from rollback_drills.readiness.schedule_faults import ACTIVE, IS_RETIRED, RETIRED
from rollback_drills.readiness.schedule_report import report_schedule
from rollback_drills.readiness.shared_drills import find_shared_drills
from rollback_drills.readiness.stale_proof import bring_forward, write_change
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.sentences import write_sentences


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What is found about one schedule at one time."""

    history_report: HistoryReport
    schedule_report: ScheduleReport
    cycle: Cycle

    @property
    def history(self) -> HistoryFacts:
        """The facts of the drill history."""
        return self.history_report.history

    @property
    def schedule(self) -> ScheduleFacts:
        """The facts of the schedule."""
        return self.schedule_report.schedule

    @property
    def readiness(self) -> Readiness:
        """The state of the schedule."""
        return self.cycle.status


def find_due(subject: Subject, *, now: datetime) -> datetime | None:
    """Return the due instant of a schedule, in UTC; None if it is not known, or the schedule is retired.

    It is that of the cadence, or an earlier one because something was promoted.
    """
    if subject.schedule is None or subject.schedule.document is None:
        return None
    if is_retired(subject.schedule.document):
        return None
    history = subject.history.document if subject.history else None
    due_at = derive_due(subject.schedule.document, history, now=now)
    return due_at if subject.changes is None else bring_forward(due_at, subject, now=now)


def judge(
    subject: Subject,
    due_at: datetime | None,
    criteria: Criteria,
    *,
    now: datetime,
    generated_by: str = "cli",
    shared: str = "",
) -> Judgement:
    """Judge one schedule and its history at an instant; `shared` names the drills that others use too."""
    document = subject.schedule.document if subject.schedule else None
    history = report_history(
        subject.history,
        criteria,
        now=now,
        generated_by=generated_by,
        environment=document.environment if document else "",
        shared=shared,
        blocking=document.blocking_severities if document else (),
    )
    schedule = report_schedule(
        subject.schedule,
        due_at,
        history,
        criteria,
        now=now,
        generated_by=generated_by,
        known=subject.changes,
        change=write_change(subject, due_at, now=now) if subject.changes else UNSET,
    )
    cycle = find_cycle(subject.schedule, schedule.schedule.next_due_at, schedule.status)
    judgement = Judgement(history, schedule, cycle)
    return retire(judgement, RETIRED) if is_retired(document) else judgement


def is_retired(document: Schedule | None) -> bool:
    """Return whether a document says that its schedule is not followed any more."""
    return document is not None and document.status == IS_RETIRED


def retire(judgement: Judgement, because: str) -> Judgement:
    """Return the judgement of a schedule that is not followed any more: nothing is asked for.

    Args:
        judgement: What was found about it.
        because: Why it is not followed.
    """
    report, retired = judgement.schedule_report, Readiness.NOT_REQUESTED
    facts = msgspec.structs.replace(
        report.schedule,
        valid=True,
        message=because,
        next_due_at="",
        days_until_due=None,
        stale=False,
        due_soon=False,
    )
    return Judgement(
        judgement.history_report,
        msgspec.structs.replace(
            report,
            status=retired,
            schedule=facts,
            checks=pass_all(report.checks, because, about=ACTIVE),
            operator_notes=(write_sentences(f"Nothing is asked for: {because}"),),
        ),
        msgspec.structs.replace(judgement.cycle, status=retired, retired=because),
    )


def judge_all(
    subjects: Sequence[Subject],
    criteria: Criteria,
    *,
    now: datetime,
    generated_by: str = "cli",
    dues: Sequence[datetime | None] | None = None,
    elsewhere: Mapping[DrillKey, str] = MappingProxyType({}),
) -> list[Judgement]:
    """Judge several schedules at one instant, in their order.

    Args:
        subjects: The schedules.
        criteria: What they are judged against.
        now: The instant.
        generated_by: Who asks, for the reports.
        dues: The due times, if they are known already.
        elsewhere: Drills of theirs that a schedule outside of them uses too, with its name.
    """
    return list(
        judge_each(subjects, criteria, now=now, generated_by=generated_by, dues=dues, elsewhere=elsewhere)
    )


def judge_each(
    subjects: Sequence[Subject],
    criteria: Criteria,
    *,
    now: datetime,
    generated_by: str = "cli",
    dues: Sequence[datetime | None] | None = None,
    elsewhere: Mapping[DrillKey, str] = MappingProxyType({}),
) -> Iterator[Judgement]:
    """Judge as `judge_all` does, one schedule at a time, so that no more than one judgement is in memory."""
    shared = find_shared_drills(subjects, elsewhere)
    due_times = dues if dues is not None else (find_due(each, now=now) for each in subjects)
    for place, (each, due_at) in enumerate(zip(subjects, due_times, strict=True)):
        yield judge(each, due_at, criteria, now=now, generated_by=generated_by, shared=shared.get(place, ""))
