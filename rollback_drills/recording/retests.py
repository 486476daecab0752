"""Re-tests: a drill that was not accepted is to be performed again, by a date, until one is accepted."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from rollback_drills.documents.history import Drill
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record import Record, make_once_key
from rollback_drills.evidence.record_kinds import RETEST_KIND
from rollback_drills.names import ids
from rollback_drills.names.keys import is_same
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.readiness.acceptance import find_problems, is_accepted, is_in_future
from rollback_drills.readiness.due import find_latest_accepted_at
from rollback_drills.redaction.computed import Computed


class RetestRecord(Record, frozen=True, kw_only=True, gc=False, tag=RETEST_KIND):
    """A drill that is to be performed again, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    drill_id: str
    failed_at: Computed
    retest_due_at: Computed
    problems: Sequence[str]

    @property
    def times(self) -> Sequence[datetime]:
        """When it failed, and by when it is to be performed again."""
        return datetime.fromisoformat(self.failed_at), datetime.fromisoformat(self.retest_due_at)


def find_retests(
    subject: Subject, cycle_id: str, *, now: datetime, created_at: datetime, signer: str
) -> dict[str, Callable[[], RetestRecord]]:
    """Find the drills of a schedule that are to be performed again, each to be written down once.

    Those are the dated ones that are not accepted, and after which no accepted one came.

    Args:
        subject: The schedule with its history; one whose id cannot be read has none.
        cycle_id: The cycle that the schedule is in.
        now: The instant of the judgement.
        created_at: The clock of the evidence.
        signer: Who runs, for the records.

    Returns:
        By the key under which each is written once, how to make its record.
    """
    schedule = subject.schedule.document if subject.schedule else None
    history = subject.history.document if subject.history else None
    if schedule is None or not schedule.schedule_id or history is None:
        return {}
    accepted_at = find_latest_accepted_at(history, now=now)
    found: dict[str, Callable[[], RetestRecord]] = {}
    for drill in history.drills:
        failed_at = drill.executed_at
        if failed_at is None or (accepted_at and failed_at < accepted_at) or is_in_future(drill, now=now):
            continue
        if not is_accepted(drill, now=now):
            # the same also when the drill is described in other words afterwards
            key = make_once_key("retest", schedule.schedule_id, drill.drill_id, write_instant(failed_at))
            record = partial(_record, schedule, drill, failed_at, cycle_id, key, now=now)
            found[key] = partial(record, created_at=created_at, signer=signer)
    return found


def find_all_retests(
    checks: Iterable[ScheduleCheck],
    *,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> dict[str, Callable[[], RetestRecord]]:
    """Find the re-tests of every schedule of a run; see `find_retests`."""
    found: dict[str, Callable[[], RetestRecord]] = {}
    for check in checks:
        if check.subject.history is None:
            continue
        cycle_id = check.judgement.cycle.cycle_id
        found |= find_retests(check.subject, cycle_id, now=now, created_at=created_at, signer=signer)
    return found


def open_retests(
    records: Iterable[RetestRecord], accepted: Iterable[tuple[datetime, str]]
) -> list[RetestRecord]:
    """Return the re-tests of one schedule that are still to be performed, by when they are due.

    A re-test is over with the first accepted drill that was executed after the one that failed; also when the
    drill itself is accepted now, because the history was fixed: evidence was missing there.

    Args:
        records: The evidence of kind `go-backend-rollback-drill-retest`, of one schedule.
        accepted: When each of its accepted drills was executed, and its id.
    """
    performed = list(accepted)

    def is_over(record: RetestRecord) -> bool:
        failed_at = datetime.fromisoformat(record.failed_at)
        return any(
            at > failed_at or (at == failed_at and is_same(drill_id, record.drill_id))
            for at, drill_id in performed
        )

    still_open = (record for record in records if not is_over(record))
    return sorted(still_open, key=lambda record: (record.retest_due_at, record.drill_id))


def _record(
    schedule: Schedule,
    drill: Drill,
    failed_at: datetime,
    cycle_id: str,
    key: str,
    *,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> RetestRecord:
    """Write down a re-test, in the session of the drill that it repeats."""
    schedule_id = schedule.schedule_id
    return RetestRecord(
        session_id=ids.delivery_session_id(schedule_id, f"{schedule_id}\x1f{drill.drill_id or key}"),
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=schedule_id,
        cycle_id=cycle_id,
        drill_id=drill.drill_id,
        failed_at=write_instant(failed_at),
        retest_due_at=write_instant(_add_days(failed_at, schedule.retest_within_days)),
        problems=find_problems(drill, now=now),
    )


def _add_days(instant: datetime, days: float) -> datetime:
    try:
        return instant.astimezone(UTC) + timedelta(days=days)
    except OverflowError:  # beyond the year 9999
        return datetime.max.replace(tzinfo=UTC)
