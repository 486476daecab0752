"""Recurrence rules to try properties with, and what the walls of time zones show."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rollback_drills.documents.calendars.recurrence import Recurrence

ZONES: Final = (
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Europe/Berlin",
    "America/New_York",
)
"""Zones that change their clocks by half an hour, in Ramadan, at other hours; and one that has ceased to."""

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _some(values: st.SearchStrategy[int] | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=3, unique=True).map(lambda some: ",".join(map(str, some)))


_PARTS: Final = {
    "DAILY": {"BYMONTH": _some(st.integers(1, 12)), "BYDAY": _some(st.sampled_from(_DAYS))},
    "WEEKLY": {"BYDAY": _some(st.sampled_from(_DAYS)), "WKST": st.sampled_from(["SU", "MO", "WE"])},
    "MONTHLY": {
        "BYMONTHDAY": _some(st.integers(1, 31) | st.integers(-5, -1)),
        "BYDAY": _some(st.sampled_from(["1TU", "-1FR", "MO", "5TH"])),
        "BYMONTH": _some(st.integers(1, 12)),
    },
    "YEARLY": {
        "BYMONTH": _some(st.integers(1, 12)),
        "BYMONTHDAY": _some(st.integers(1, 31)),
        "BYWEEKNO": _some(st.integers(1, 53)),
        "BYYEARDAY": _some(st.integers(1, 366) | st.integers(-3, -1)),
    },
}


@st.composite
def recurrences(draw: st.DrawFn, zones: st.SearchStrategy[str] | None = None) -> Recurrence:
    """Draw a rule that can be followed, with a start in 2023 or 2024."""
    frequency = draw(st.sampled_from(list(_PARTS)))
    parts = {"FREQ": frequency}
    if draw(st.booleans()):
        parts["INTERVAL"] = str(draw(st.integers(1, 5)))
    for name, values in _PARTS[frequency].items():
        if draw(st.integers(0, 2)) == 0:
            parts[name] = draw(values)
    if draw(st.integers(0, 3)) == 0:
        parts["BYHOUR"] = draw(_some(st.integers(0, 23)))
    end = draw(st.integers(0, 4))
    if end == 0:
        parts["COUNT"] = str(draw(st.integers(1, 400)))
    elif end == 1:
        parts["UNTIL"] = draw(st.dates(datetime(2025, 1, 1).date(), datetime(2028, 1, 1).date())).strftime(  # noqa: DTZ001 - on the wall
            "%Y%m%d"
        )
    start = draw(st.datetimes(datetime(2023, 1, 1), datetime(2024, 12, 31)))  # noqa: DTZ001 - on the wall
    return Recurrence(
        ";".join(f"{name}={value}" for name, value in parts.items()),
        start.replace(second=0, microsecond=0).isoformat(),
        draw(zones or st.sampled_from(ZONES)),
    )


def _transitions_of(zone: str) -> list[datetime]:
    """Find when the clocks of a zone change from 2026 to 2028, by looking at its wall."""

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(ZoneInfo(zone)).utcoffset()

    found, first = [], datetime(2026, 1, 1, tzinfo=UTC)
    for day in (first + timedelta(days=days) for days in range(3 * 365 + 1)):
        if offset(day) != offset(day + timedelta(days=1)):
            halves = (day + timedelta(minutes=30 * count) for count in range(1, 49))
            found.append(next(each for each in halves if offset(each) != offset(day)))
    return found


MOMENTS: Final = [(zone, each) for zone in ZONES for each in _transitions_of(zone)] + [
    (zone, datetime(2027, 6, 1, tzinfo=UTC)) for zone in ZONES
]
"""A zone, and a time about which to look: each change of its clocks, and one without."""


def is_busy(
    instant: datetime, zone: str, days: set[int], start: time, length: timedelta, without: set[date]
) -> bool:
    """An oracle that knows nothing of rules: whether an event of some day of the days before is not over.

    Events begin by the wall, and last as long as a watch measures.
    """
    wall = instant.astimezone(ZoneInfo(zone)).date()
    for back in range(-1, length.days + 3):
        day = wall - timedelta(days=back)
        since = datetime.combine(day, start, ZoneInfo(zone)).timestamp()
        is_on = day.weekday() in days and day not in without
        if is_on and since <= instant.timestamp() < since + length.total_seconds():
            return True
    return False
