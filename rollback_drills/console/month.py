"""A month of the calendar: what is due, which windows are open and who is absent, day by day in UTC."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from rollback_drills.console.csv_table import CsvTable
from rollback_drills.console.links import Links
from rollback_drills.console.query import MonthQuery, narrow_schedules
from rollback_drills.console.source import Console
from rollback_drills.documents.quotation import show
from rollback_drills.documents.spans import Span
from rollback_drills.errors import UsageError
from rollback_drills.planning.upcoming import Kind, Upcoming, find_upcoming

MOST_ON_A_DAY: Final = 12
_MOST_OWNERS: Final = 40
_MONTHS: Final = 12
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something on a day."""

    item: Upcoming
    when: str
    """At which time of the day."""
    is_overdue: bool = False
    is_continued: bool = False
    """Whether the day before shows it with its details."""


@dataclass(slots=True)
class Day:
    """A day of the month."""

    day: date
    is_today: bool
    entries: list[Entry] = field(default_factory=list)
    """What is due first; at most `MOST_ON_A_DAY`."""
    left_out: int = 0
    """How many more there are."""

    def add(self, entry: Entry) -> None:
        """Show something, or count it if the day is full."""
        if len(self.entries) < MOST_ON_A_DAY:
            self.entries.append(entry)
        else:
            self.left_out += 1


@dataclass(frozen=True, slots=True)
class MonthView:
    """A month of the calendar."""

    at: datetime
    query: MonthQuery
    first: date
    days: Sequence[Day]
    items: Sequence[Upcoming]
    """All that the days show."""
    owners: Sequence[str]
    """To choose from: of the schedules that are shown; none if they are too many."""
    previous: MonthQuery | None
    """None if the calendar goes no further back."""
    following: MonthQuery | None

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many due times, windows and absences the month has."""
        kinds = [item.kind for item in self.items]
        return {kind: kinds.count(kind) for kind in Kind}

    @property
    def always_absent(self) -> list[Upcoming]:
        """Who is absent without an end that is known."""
        return [item for item in self.items if item.start_at is None]


def list_months(at: datetime, links: Links) -> Iterator[MonthQuery]:
    """Yield every month that the calendar has; the current one has no name."""
    for number in range(-links.months_back, links.months_ahead + 1):
        yield MonthQuery(month=_name(_add_months(_first_of(at), number)) if number else "")


def read_month(console: Console, query: MonthQuery, links: Links) -> MonthView:
    """Read a month of the calendar; it needs the documents alone.

    Raises:
        UsageError: The calendar does not have the month.
    """
    current = _first_of(console.at)
    first = date.fromisoformat(f"{query.month}-01") if query.month else current
    distance = (first.year - current.year) * _MONTHS + first.month - current.month
    if not -links.months_back <= distance <= links.months_ahead:
        raise UsageError(
            f"the calendar has no page of {show(query.month)}; it goes from"
            f" {_name(_add_months(current, -links.months_back))} to"
            f" {_name(_add_months(current, links.months_ahead))}"
        )
    previous, following = (
        query.changed(month=_name(_add_months(first, step)) if distance + step else "")
        if -links.months_back <= distance + step <= links.months_ahead
        else None
        for step in (-1, 1)
    )
    places = narrow_schedules(console.judgements, query)
    items = find_upcoming(
        [console.judgements[place] for place in places],
        [console.subjects[place].document for place in places],
        Span(_midnight(first), _midnight(_add_months(first, 1))),
        now=console.at,
        owner=query.owner,
    )
    days = list(_list_days(first, console.at))
    placed = [item for kind in Kind for item in items if item.kind is kind and _place(item, days, console.at)]
    owners = sorted({name for place in places for name in console.judgements[place].schedule.owners})
    return MonthView(
        console.at,
        query.changed(month=_name(first) if distance else ""),
        first,
        days,
        placed,
        owners if len(owners) <= _MOST_OWNERS else (),
        previous,
        following,
    )


def list_month(console: Console, query: MonthQuery, links: Links) -> CsvTable:
    """Return what a month of the calendar has, for CSV.

    Raises:
        UsageError: The calendar does not have the month.
    """
    columns = ("kind", "start_at", "end_at", "status", "schedule_ids", "window_id", "owners", "reason")
    items = read_month(console, query, links).items
    return CsvTable.of(items, columns)


def _place(item: Upcoming, days: Sequence[Day], now: datetime) -> bool:
    """Show something on each of its days; return whether it belongs to the month.

    A drill that was due in an earlier month is shown today.
    """
    if item.start_at is None:
        return True
    if item.kind is Kind.DUE:
        is_earlier = item.start_at < _midnight(days[0].day)
        if is_earlier and not any(day.is_today for day in days):
            return False
        when = f"since {item.start_at.day} {item.start_at:%b %Y}" if is_earlier else f"{item.start_at:%H:%M}"
        days[(now if is_earlier else item.start_at).day - 1].add(Entry(item, when, item.start_at < now))
        return True
    assert item.end_at is not None  # noqa: S101 - only due times, and absences without a start, have no end
    for day in days:
        start, end = _midnight(day.day), _midnight(day.day) + _DAY
        if item.start_at < end and item.end_at > start:
            hours = _write_hours(max(item.start_at, start), min(item.end_at, end), start)
            day.add(Entry(item, hours, is_continued=item.start_at < start and day is not days[0]))
    return True


def _write_hours(start_at: datetime, end_at: datetime, midnight: datetime) -> str:
    """Write from when until when something lasts on a day."""
    starts, ends = start_at == midnight, end_at == midnight + _DAY
    if starts and ends:
        return "all day"
    if starts:
        return f"until {end_at:%H:%M}"
    return f"from {start_at:%H:%M}" if ends else f"{start_at:%H:%M} to {end_at:%H:%M}"


def _list_days(first: date, now: datetime) -> Iterator[Day]:
    day, today = first, now.astimezone(UTC).date()
    while day.month == first.month:
        yield Day(day, day == today)
        day += _DAY


def _first_of(at: datetime) -> date:
    return at.astimezone(UTC).date().replace(day=1)


def _add_months(first: date, count: int) -> date:
    year, month = divmod(first.year * _MONTHS + first.month - 1 + count, _MONTHS)
    return date(year, month + 1, 1)


def _name(first: date) -> str:
    return f"{first:%Y-%m}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
