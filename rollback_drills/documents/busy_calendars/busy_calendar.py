"""When a person is busy, by an iCalendar file (RFC 5545): only its times are read."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from rollback_drills.documents.busy_calendars.calendar_checks import check_events, list_times
from rollback_drills.documents.calendars.recurrence import SEARCHED_YEARS
from rollback_drills.documents.calendars.wall_time import FIRST_YEAR, LAST_YEAR, to_instant
from rollback_drills.documents.maintenance_windows import Period
from rollback_drills.documents.spans import Span, Spans
from rollback_drills.errors.extras import describe_missing

if TYPE_CHECKING:
    from icalendar.cal import Component
    from recurring_ical_events import CalendarQuery

_KEPT: Final = 256
_LENGTH: Final = "X-LENGTH"
"""Our own property of an event that recurs: how long each occurrence lasts."""


class BusyCalendar(Spans):
    """The events of a calendar that keep its owner busy."""

    __slots__ = ("_query", "_spans", "_zone", "sha256")

    def __init__(self, query: "CalendarQuery", zone: str, sha256: str) -> None:
        """Keep what was read.

        Args:
            query: The calendar, without what is not read of it.
            zone: Where days and times without a zone are meant.
            sha256: Of the file.
        """
        self._query, self._zone, self.sha256 = query, zone, sha256
        self._spans: dict[int, tuple[Span, ...]] = {}

    def find_spans(self, instant: datetime) -> Iterator[Span]:
        """Yield the events that end after an instant, as they start, for the years that are searched."""
        last = min(instant.year + SEARCHED_YEARS, LAST_YEAR)
        for year in range(max(instant.year, FIRST_YEAR), last + 1):
            for span in self.find_spans_of_year(year):
                is_new = year in (instant.year, span.start_at.year)
                if is_new and span.end_at > instant:
                    yield span

    def find_spans_of_year(self, year: int) -> tuple[Span, ...]:
        """Return the events that touch a year in UTC, which are found once."""
        if year not in self._spans:
            first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
            spans = {
                _find_span(event, self._zone)
                for event in self._query.between((year - 1, 12, 29), (year + 1, 1, 4))
                if _keeps_busy(event)
            }
            found = [
                each for each in spans if each.start_at < last and each.end_at > max(first, each.start_at)
            ]
            self._spans[year] = tuple(sorted(found))
        return self._spans[year]


class CalendarAbsence(Period, frozen=True, gc=False, kw_only=True):
    """The times at which a calendar keeps its owner busy."""

    busy: BusyCalendar

    def __post_init__(self) -> None:
        """Accept that there are no other times."""

    @property
    def repeats(self) -> Spans:
        """The times."""
        return self.busy

    @property
    def is_written(self) -> bool:
        """Whether its times stand in the document: they do not."""
        return False


@lru_cache(maxsize=_KEPT)
def read_busy_times(data: bytes, zone: str) -> BusyCalendar:
    """Read an iCalendar file; the same file is read once, however many documents name it.

    Args:
        data: The file.
        zone: Where days and times without a zone are meant.

    Raises:
        ValueError: It cannot be read; the message says which event is wrong, and not what it is about. Or the
                extra that reads it is not installed.
    """
    try:
        import recurring_ical_events  # a quarter of a second, and few documents have a calendar
        from icalendar import Calendar
    except ImportError as error:
        raise ValueError(describe_missing(error)) from None
    try:
        calendar = Calendar.from_ical(data)
    except Exception:  # whose text may have titles  # noqa: BLE001 - the library raises what its parts raise
        raise ValueError("is no iCalendar file (RFC 5545); export the calendar again") from None
    events = calendar.walk("VEVENT")
    check_events(events)
    try:
        for event in events:
            _keep_length(event, zone)
        query = recurring_ical_events.of(calendar, components=["VEVENT"])
        busy = BusyCalendar(query, zone, sha256(data).hexdigest())
        for event in events[-1:]:  # a trial, of which the year is kept
            year = list_times(event["DTSTART"])[0].year
            busy.find_spans_of_year(min(max(year, FIRST_YEAR), LAST_YEAR))
    except Exception:  # noqa: BLE001 - the library raises what its parts raise
        raise ValueError("has events that do not fit together; export the calendar again") from None
    return busy


def _keep_length(event: "Component", zone: str) -> None:
    """Keep how long each occurrence of an event lasts (RFC 5545, 3.8.5.3).

    With DTEND as many seconds as the first one. With DURATION so many days on the wall, and then so many
    seconds. The library adds either to the clock on the wall: another length when the clocks change.
    """
    (start,) = list_times(event["DTSTART"])
    if not isinstance(start, datetime) or not ("RRULE" in event or "RDATE" in event):
        return
    if "DURATION" in event:
        (added,) = list_times(event["DURATION"])
        length, days = added, added.days
    elif "DTEND" in event:
        (end,) = list_times(event["DTEND"])
        length, added, days = _to_instant(end, zone) - _to_instant(start, zone), end - start, 0
    else:
        return
    rest = length - timedelta(days=days)
    event.add(_LENGTH, f"{added.total_seconds()} {days} {rest.total_seconds()}")


def _find_span(occurrence: "Component", zone: str) -> Span:
    """Return when an occurrence begins and ends."""
    (start,), (end,) = list_times(occurrence["DTSTART"]), list_times(occurrence["DTEND"])
    added, days, rest = map(float, occurrence.get(_LENGTH, "0 0 0").split())
    if not added or (end - start).total_seconds() != added:  # a single one, or with an end of its own
        return Span(_to_instant(start, zone), _to_instant(end, zone))
    last = _to_instant(start + timedelta(days=days), zone)
    return Span(_to_instant(start, zone), last + timedelta(seconds=rest))


def _to_instant(value: date, zone: str) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return to_instant(value, zone) if value.tzinfo is None else value.astimezone(UTC)


def _keeps_busy(event: "Component") -> bool:
    is_free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    return not is_free and str(event.get("STATUS", "")).upper() != "CANCELLED"
