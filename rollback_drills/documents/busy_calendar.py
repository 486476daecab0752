"""When a person is busy, by an iCalendar file (RFC 5545): only its times are read."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from rollback_drills.documents.recurrence import SEARCHED_YEARS, Recurrence
from rollback_drills.documents.routing_policy import Period
from rollback_drills.documents.rule_parts import read_parts
from rollback_drills.documents.spans import Span, Spans
from rollback_drills.documents.wall_time import FIRST_YEAR, LAST_YEAR, to_instant

if TYPE_CHECKING:
    from icalendar.cal import Component
    from recurring_ical_events import CalendarQuery

MOST_EVENTS: Final = 5_000
_READ: Final = frozenset(
    "UID SEQUENCE DTSTART DTEND DURATION RRULE EXDATE RDATE RECURRENCE-ID TRANSP STATUS".split()
)
"""What is kept of an event; titles, places and people are not."""
_TIMES: Final = ("DTSTART", "DTEND", "EXDATE", "RDATE", "RECURRENCE-ID")
_SINGLE: Final = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID")
_KEPT: Final = 256


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
                Span(self._to_instant(event["DTSTART"].dt), self._to_instant(event["DTEND"].dt))
                for event in self._query.between((year - 1, 12, 29), (year + 1, 1, 4))
                if _keeps_busy(event)
            }
            found = [
                each for each in spans if each.start_at < last and each.end_at > max(first, each.start_at)
            ]
            self._spans[year] = tuple(sorted(found))
        return self._spans[year]

    def _to_instant(self, value: date) -> datetime:
        if not isinstance(value, datetime):
            value = datetime.combine(value, time())
        return to_instant(value, self._zone) if value.tzinfo is None else value.astimezone(UTC)


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
        ValueError: It cannot be read; the message says which event is wrong, and not what it is about.
    """
    import recurring_ical_events  # a quarter of a second, and few documents have a calendar
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(data)
    except Exception:  # whose text may have titles  # noqa: BLE001 - the library raises what its parts raise
        raise ValueError("is no iCalendar file (RFC 5545); export the calendar again") from None
    events = calendar.walk("VEVENT")
    if len(events) > MOST_EVENTS:
        raise ValueError(f"has {len(events):,} events, of at most {MOST_EVENTS:,}; export fewer months")
    for number, event in enumerate(events, 1):
        try:
            _check(event)
        except ValueError as error:
            raise ValueError(f"cannot be read: event {number} {error}") from None
    try:
        query = recurring_ical_events.of(calendar, components=["VEVENT"])
        busy = BusyCalendar(query, zone, sha256(data).hexdigest())
        for event in events[-1:]:  # a trial, of which the year is kept
            busy.find_spans_of_year(_list_times(event["DTSTART"])[0].year)
    except Exception:  # noqa: BLE001 - the library raises what its parts raise
        raise ValueError("has events that do not fit together; export the calendar again") from None
    return busy


def _check(event: "Component") -> None:
    """Ensure that an event can be followed, and drop what is not read of it."""
    broken = {name for name, _ in event.errors if name in _READ}
    broken |= {name for name in _SINGLE if isinstance(event.get(name), list)}
    if broken:
        raise ValueError(f"has an unreadable {min(broken)}; fix it, or export the calendar again")
    if "DTSTART" not in event:
        raise ValueError("has no DTSTART; export the calendar again")
    for name in event.keys() - _READ:
        del event[name]
    for name in _TIMES:
        for value in _list(event.get(name)):
            if "TZID" in value.params and not all(map(_has_zone, _list_times(value))):
                raise ValueError(f"has a {name} in an unknown time zone; write a name such as Europe/Berlin")
    for rule in _list(event.get("RRULE")):
        _check_rule(rule.to_ical().decode(), _list_times(event["DTSTART"])[0])


def _check_rule(rule: str, start: date) -> None:
    """Ensure that a rule is one of days or rarer, and occurs; it may end whenever it does."""
    parts = {name: text for name, text in read_parts(rule).items() if name not in ("COUNT", "UNTIL")}
    lasting = ";".join(f"{name}={text}" for name, text in parts.items())
    Recurrence(lasting, f"{start:%Y-%m-%dT%H:%M:%S}", "UTC").check()


def _keeps_busy(event: "Component") -> bool:
    is_free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    return not is_free and str(event.get("STATUS", "")).upper() != "CANCELLED"


def _list(value: Any) -> list[Any]:
    """Return the values of a property, of which an event may have none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _list_times(value: Any) -> list[Any]:
    return [each.dt for each in value.dts] if hasattr(value, "dts") else [value.dt]


def _has_zone(value: Any) -> bool:
    start = value[0] if isinstance(value, tuple) else value  # a period has a start and an end
    return not isinstance(start, datetime) or start.tzinfo is not None
