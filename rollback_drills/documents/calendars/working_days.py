"""Working days: calendars with public holidays, and due times that move to a working day."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from msgspec import Meta

from rollback_drills.documents.calendars.wall_time import check_year
from rollback_drills.documents.fields import Document, Name
from rollback_drills.documents.quotation import quote, show
from rollback_drills.documents.unfit_keys import UnfitKeysError
from rollback_drills.errors.extras import describe_missing
from rollback_drills.names.keys import find_spelling
from rollback_drills.names.similar_names import find_similar

if TYPE_CHECKING:
    from holidays import HolidayBase

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKING_WEEK: Final = WEEK[:5]

LocalDate: TypeAlias = str
"""A day by the calendar on the wall, such as 2026-12-24."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY: Final = timedelta(days=1)
_LONGEST_BREAK: Final = timedelta(days=366)
LONGEST_SHIFT: Final = timedelta(days=400)
"""More than the longest break, with the days off before it on which nothing is closed."""


class WorkCalendar(Document, frozen=True, gc=False):
    """Which days are working days."""

    working_days: Annotated[tuple[Day, ...], Meta(min_length=1)] = WORKING_WEEK
    """The days of the week on which people work."""
    holidays: Annotated[str, Meta(min_length=1)] = ""
    """A country, or a country and one of its parts: `DE`, `DE-BE` (ISO 3166)."""
    closed: tuple[LocalDate, ...] = ()
    """Further days on which nobody works."""
    open: tuple[LocalDate, ...] = ()
    """Days on which people work although the rest says otherwise."""

    def __post_init__(self) -> None:
        """Ensure that the days exist, and that the holidays are known.

        Raises:
            ValueError: They do not, or are not.
        """
        check_days("closed", self.closed)
        check_days("open", self.open)
        if both := set(self.closed) & set(self.open):
            raise ValueError(f"closed and open both have {min(both)}; keep it in one of them")
        if self.holidays:
            find_holidays(self.holidays)
        self._check_closed()

    def _check_closed(self) -> None:
        """Ensure that a working day follows within a year, wherever a search begins."""
        day = date.min
        for each in sorted(map(read_day, self.closed)):
            day = max(day, each)
            while not self.is_working_day(day):
                day += _DAY
                if day - each > _LONGEST_BREAK:
                    raise UnfitKeysError(
                        f"closed leaves no working day in the year from {each} on; open one",
                        *self.__struct_fields__,
                    )

    def is_working_day(self, day: date) -> bool:
        """Whether people work on a day."""
        written = day.isoformat()
        if written in self.open:
            return True
        if written in self.closed or WEEK[day.weekday()] not in self.working_days:
            return False
        return not self.holidays or day not in find_holidays(self.holidays)


def find_calendar(name: str, calendars: Mapping[str, WorkCalendar]) -> WorkCalendar | None:
    """Return the calendar with a name, in any spelling; None if no calendar has it."""
    spelling = find_spelling(name, calendars)
    return None if spelling is None else calendars[spelling]


def check_calendar_name(name: str, calendars: Mapping[str, WorkCalendar], place: tuple[str, ...]) -> None:
    """Ensure that a document has a calendar that it names.

    Args:
        name: The name.
        calendars: Those of the document.
        place: Where the document names it.

    Raises:
        ValueError: It does not.
    """
    if find_calendar(name, calendars) is None:
        near = find_similar(name, calendars)
        names = ", ".join(show(each).strip('"') for each in calendars) or "none"
        known = f"did you mean {show(near)}?" if near else f"there are: {names}"
        what = f"is {show(name)}, which is not in calendars; {known}"
        raise UnfitKeysError(what, ("calendars", name), at=place)


class Shift(Document, frozen=True, gc=False):
    """Moves a due time to the same time of a working day."""

    to: Literal["next_business_day", "previous_business_day", "nearest_business_day"]
    """Which working day takes the place of a day without work."""
    calendar: Name
    """One of `calendars` of the same document."""

    def move(self, local: datetime, calendar: WorkCalendar) -> datetime:
        """Return the local time on a working day; of two that are as near, the earlier one."""
        for days in range(LONGEST_SHIFT.days):
            earlier, later = local - days * _DAY, local + days * _DAY
            if self.to != "next_business_day" and calendar.is_working_day(earlier.date()):
                return earlier
            if self.to != "previous_business_day" and calendar.is_working_day(later.date()):
                return later
        raise AssertionError  # a calendar has a working day in every year


def describe_shift(shift: Shift | None) -> str:
    """Describe a shift for people, for the end of a sentence; empty without one."""
    return f", moved to the {shift.to.replace('_', ' ')} of {shift.calendar}" if shift else ""


@lru_cache(maxsize=64)
def find_holidays(region: str) -> "HolidayBase":
    """Return the public holidays of a country or one of its parts.

    Raises:
        ValueError: It is not known, or the extra that knows them is not installed.
    """
    try:
        import holidays
    except ImportError as error:
        raise ValueError(f"holidays {describe_missing(error)}") from None
    country, _, part = region.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        meant = country.upper() if country.upper() in known else ""
        remedy = f"did you mean {meant}?" if meant else "write a code of ISO 3166 such as DE"
        raise ValueError(f"holidays has the unknown country {quote(country)}; {remedy}")
    if part and part not in known[country]:
        similar = find_similar(part, known[country])
        meant = f"; did you mean {country}-{similar}?" if similar else f"; leave it out: {country}"
        raise ValueError(f"holidays has the unknown part {quote(part)} of {country}{meant}")
    return holidays.country_holidays(country, subdiv=part or None)


def check_days(key: str, days: Iterable[LocalDate]) -> None:
    """Ensure that there are the days that a key lists.

    Raises:
        ValueError: There is one that is not, or lies outside of the years in which something recurs.
    """
    for index, each in enumerate(days):
        try:
            read_day(each)
        except ValueError as error:
            raise UnfitKeysError(str(error), at=(key, index)) from None


def read_day(text: LocalDate) -> date:
    """Read a day.

    Raises:
        ValueError: There is no such day, or it lies outside of the years in which something recurs.
    """
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            pass
        else:
            check_year(day, f"is {text}, which")
            return day
    raise ValueError(f"is {show(text)}, which is no day of the calendar; write one such as 2026-12-24")
