"""The period that is looked back on, by the clock of the evidence, and the ISO weeks that it touches."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from sqlalchemy import ColumnElement

from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError

MOST_WEEKS: Final = 520
"""Ten years: a longer time axis is a slip of the keyboard."""
_USUAL_WEEKS: Final = 12
WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant on, up to but without another one; None is open.

    Raises:
        UsageError: It is empty, or an instant has a fraction of a second.
    """

    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Ensure that it is one."""
        for instant in (self.since, self.until):
            if instant is not None and instant.microsecond:
                raise UsageError(f"{instant.isoformat()} has a fraction of a second; write whole seconds")
        if self.since and self.until and self.since >= self.until:
            start, end = write_instant(self.since), write_instant(self.until)
            raise UsageError(f"the period from {start} to {end} is empty; its end must be after its start")

    def to_sql(self) -> list[ColumnElement[bool]]:
        """Return the conditions on rows of the ledger.

        The bounds have no offset: collations differ in how they order a fraction of a second and an offset.
        """
        conditions: list[ColumnElement[bool]] = []
        if self.since:
            conditions.append(LEDGER.c.created_at >= write_instant(self.since)[:19])
        if self.until:
            conditions.append(LEDGER.c.created_at < write_instant(self.until)[:19])
        return conditions

    def contains(self, instant: datetime) -> bool:
        """Whether an instant is in it."""
        return (self.since is None or self.since <= instant) and (self.until is None or instant < self.until)

    def to_wire(self) -> dict[str, str | None]:
        """Return it as the documents have it."""
        return {
            "from": write_instant(self.since) if self.since else None,
            "to": write_instant(self.until) if self.until else None,
        }


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week in UTC, by its Monday."""

    starts: date

    @property
    def name(self) -> str:
        """Return the name of ISO 8601, such as 2026-W53; its year is that of its Thursday."""
        year, week, _ = self.starts.isocalendar()
        return f"{year:04}-W{week:02}"

    def is_within(self, since: datetime, until: datetime) -> bool:
        """Whether all of it is in a period."""
        begins = datetime.combine(self.starts, time(), UTC)
        return since <= begins and until.astimezone(UTC).date() - self.starts >= WEEK


@lru_cache(maxsize=MOST_WEEKS)
def monday_of(day: date) -> date:
    """Return the first day of the ISO week of a day."""
    return day - timedelta(days=day.weekday())


def weeks_of(since: datetime, until: datetime) -> list[Week]:
    """Return every ISO week that a period touches, also those in which nothing happened.

    Raises:
        UsageError: They are more than anybody reads.
    """
    first = monday_of(since.astimezone(UTC).date())
    last = monday_of((until.astimezone(UTC) - timedelta(microseconds=1)).date())
    count = (last - first).days // 7 + 1
    if count > MOST_WEEKS:
        raise UsageError(f"the period has {count} weeks; choose one of at most {MOST_WEEKS}")
    return [Week(first + number * WEEK) for number in range(count)]


def last_weeks(count: int, until: datetime) -> Period:
    """Return the period that ends with an instant and touches so many ISO weeks.

    Args:
        count: How many weeks, the one that holds the end included.
        until: The end; a fraction of a second is counted in.

    Raises:
        UsageError: The number of weeks is none, too large, or leads out of the calendar.
    """
    if not 1 <= count <= MOST_WEEKS:
        raise UsageError(f"the number of weeks is {count}; must be from 1 to {MOST_WEEKS}")
    try:
        return _last_weeks(count, until.astimezone(UTC))
    except OverflowError:
        raise UsageError(f"{count} weeks up to {until.isoformat()} leave the years 1 to 9999") from None


def trend_period(
    since: datetime | None, until: datetime | None, weeks: int | None, *, now: datetime
) -> Period:
    """Return the period of a trend: between two instants, or so many weeks up to an instant.

    Args:
        since: Where it begins; None: so many weeks before its end.
        until: Where it ends; None: now.
        weeks: How many weeks; None: twelve.
        now: The end if none is given.

    Raises:
        UsageError: Both a beginning and a number of weeks are given, or the period is empty.
    """
    if weeks is not None and since is not None:
        raise UsageError("weeks and from both say where the period begins; give one of them")
    if since:
        return Period(since, until or last_weeks(1, now).until)
    return last_weeks(_USUAL_WEEKS if weeks is None else weeks, until or now)


def _last_weeks(count: int, end: datetime) -> Period:
    if end.microsecond:
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    monday = monday_of((end - timedelta(microseconds=1)).date())
    return Period(datetime.combine(monday, time(), UTC) - (count - 1) * WEEK, end)
