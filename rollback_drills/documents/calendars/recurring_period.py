"""Periods that come again, such as every weekend, by the clock on the wall of a time zone."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from rollback_drills.documents.calendars.occurrences import find_occurrences
from rollback_drills.documents.calendars.recurrence import SEARCHED, SEARCHED_YEARS, Recurrence
from rollback_drills.documents.calendars.wall_time import LocalTime, read_local, read_start, to_span
from rollback_drills.documents.calendars.working_days import LocalDate, check_days
from rollback_drills.documents.calendars.working_time import check_time_zone
from rollback_drills.documents.fields import Document
from rollback_drills.documents.spans import Span, Spans
from rollback_drills.documents.unfit_keys import UnfitKeysError

_LATEST_SHIFT: Final = timedelta(days=3)
"""More than the time in UTC differs from that on any wall, and than clocks are ever changed by."""
_YEARS_KEPT: Final = 4096


class RecurringPeriod(Document, Spans, frozen=True, gc=False):
    """A rule, and from when until when its first occurrence lasts; the others last as long on the wall."""

    rrule: str
    """A rule of RFC 5545 with FREQ of DAILY, WEEKLY, MONTHLY or YEARLY."""
    start: LocalTime
    """When the first occurrence begins, by the clock on the wall."""
    end: LocalTime
    """When the first occurrence is over, by the clock on the wall."""
    time_zone: str
    """A name of the IANA database, such as `Europe/Berlin`."""
    except_days: tuple[LocalDate, ...] = msgspec.field(default=(), name="except")
    """The local days whose occurrences do not happen."""

    def __post_init__(self) -> None:
        """Ensure that the rule can be followed, and that each occurrence ends."""
        _check(self)

    @property
    def length(self) -> timedelta:
        """How long an occurrence lasts on the wall; an hour less or more passes if the clocks change."""
        return read_local(self.end, "end") - read_local(self.start)

    def find_spans(self, instant: datetime) -> Iterator[Span]:
        """Yield the occurrences that end after an instant, as they start, for the years that are searched."""
        length = self.length
        earliest = Span(instant - length - _LATEST_SHIFT, instant)
        for year in range(earliest.start_at.year, instant.year + SEARCHED_YEARS + 1):
            spans = _find_spans_of_year(self, year)
            for place in range(bisect_left(spans, earliest), len(spans)):
                if spans[place].end_at > instant:
                    yield spans[place]

    def starts_on(self, day: LocalDate) -> bool:
        """Whether an occurrence would start on a local day, if it happens."""
        return any(local.date().isoformat() == day for local in find_occurrences(self.starts, int(day[:4])))

    @property
    def starts(self) -> Recurrence:
        """When occurrences would start."""
        return Recurrence(self.rrule, self.start, self.time_zone)


@lru_cache(maxsize=_YEARS_KEPT)
def _find_spans_of_year(period: RecurringPeriod, year: int) -> tuple[Span, ...]:
    """Return the occurrences that start in a local year; every schedule of a run asks for the same few.

    An occurrence that would lie in hours that the clocks skip is none.
    """
    length, zone = period.length, period.time_zone
    spans = (
        to_span(local, local + length, zone)
        for local in find_occurrences(period.starts, year)
        if local.date().isoformat() not in period.except_days
    )
    return tuple(sorted(span for span in spans if span.start_at < span.end_at))


@lru_cache(maxsize=_YEARS_KEPT)
def _check(period: RecurringPeriod) -> None:
    """Ensure that a period can be followed; what was found to be usable is not looked at again.

    Raises:
        ValueError: It cannot; the message says which part is wrong and what to write.
    """
    check_time_zone(period.time_zone)
    check_days("except", period.except_days)
    read_start(period.start)
    length = period.length
    if length <= timedelta(0):
        raise ValueError(f"end {period.end} is not later than start {period.start}; move it")
    if length > SEARCHED:
        raise UnfitKeysError(f"lasts more than {SEARCHED_YEARS} years; let end be earlier", "start", "end")
    period.starts.check()
    if _has_no_gap(period.starts, length):
        raise UnfitKeysError(
            f"never ends: for {SEARCHED_YEARS} years each occurrence lasts until the next one starts;"
            " let end be earlier",
            *("rrule", "start", "end"),
        )


def _has_no_gap(recurrence: Recurrence, length: timedelta) -> bool:
    """Whether each occurrence lasts until the next one starts, for the years that are searched.

    Days on which none happens are no gap: there are only so many of them.
    """
    times = recurrence.local_occurrences()
    first = before = next(times)
    try:
        for local in times:
            if local - before > length:
                return False
            if local - first > SEARCHED:
                return True
            before = local
    except OverflowError:  # more occurrences than are looked at, and no gap among them
        return True
    return False
