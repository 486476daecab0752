"""What every cadence answers: the rule by which the due times of a schedule follow one another."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import dropwhile
from typing import Annotated, ClassVar, Final, TypeAlias

import msgspec
from msgspec import Meta

from rollback_drills.documents.calendars.working_days import WorkCalendar
from rollback_drills.documents.fields import Document
from rollback_drills.documents.history import Drill
from rollback_drills.documents.utc import write_instant

ZoneName: TypeAlias = Annotated[str, Meta(examples=["Europe/Berlin"])]
FAR: Final = timedelta(days=183)
"""Nobody is warned of a due time that is nearer."""


def is_far(ahead: timedelta, step: timedelta) -> bool:
    """Whether a first due time lies so far ahead that its date is probably a mistake: by two steps, too."""
    return ahead > FAR and ahead - step > step


class Cadence(msgspec.Struct, frozen=True, gc=False):
    """The rule by which the due times of a schedule follow one another."""

    depends_on_drills: ClassVar[bool] = True
    """Whether the accepted drills decide what is due."""
    moves_with_drills: ClassVar[bool] = False
    """Whether each accepted drill moves the next due time, also an early one."""

    @property
    def is_usable(self) -> bool:
        """Whether it determines when the next drill is due."""
        return True

    @property
    def problem(self) -> str:
        """Place, value and remedy if it is unusable; else empty."""
        return ""

    @property
    def ends(self) -> bool:
        """Whether there is a last due time."""
        return False

    def describe(self) -> str:
        """Describe it for people; empty if it is unusable."""
        raise NotImplementedError

    def explain_due(self, latest: Drill | None) -> str:
        """Explain for people where the due time comes from, as a sentence without its full stop.

        Args:
            latest: The latest accepted drill; None if there is none.
        """
        raise NotImplementedError

    def find_due(self, accepted: Sequence[datetime]) -> datetime | None:
        """Return the due time in UTC after the accepted drills; None if nothing is due, or it is not known.

        Args:
            accepted: When the accepted drills were performed, the earliest first.

        Raises:
            OverflowError: It leaves the years of the calendar.
        """
        raise NotImplementedError

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one, if each drill is performed when it is due.

        Raises:
            OverflowError: One leaves the years of the calendar.
        """
        raise NotImplementedError

    def find_punctual(self, due_at: datetime) -> datetime:
        """Return the time of a drill that is just in time for a due time."""
        return due_at

    def find_far_start(self, *, now: datetime) -> str:
        """Return place, value and remedy if it begins so late that this is probably a mistake; else empty."""
        raise NotImplementedError

    def find_warning(self, *, now: datetime) -> str:
        """Return place, value and remedy of what is probably a mistake, or ends soon; else empty."""
        return self.find_far_start(now=now)


class CalendarCadence(Cadence, frozen=True, gc=False, kw_only=True):
    """A cadence by the calendar: the key `cadence` of a schedule, with the calendar that it names.

    Its due times are a sequence, of which the one that is due follows from the accepted drills alone. A
    cadence whose due times move with the drills follows them in its own way.
    """

    can_be_late: ClassVar[bool] = True
    """Whether a later drill meets a due time; else it is missed for good."""

    time_zone: str
    """The zone of its local times."""
    calendar: WorkCalendar | None = None
    """The working days that it depends on; None if it depends on none."""

    def explain_due(self, latest: Drill | None) -> str:
        """Explain for people where the due time comes from, as a sentence without its full stop."""
        del latest
        return f"the first due time of {self.describe()} that no accepted drill has met"

    def due_times(self, near: datetime | None = None) -> Iterator[datetime]:
        """Yield the due times in UTC.

        Args:
            near: Leave out what lies long before this time, so that nobody counts through the years. If there
                is a due time before it, at least one is yielded.

        Raises:
            OverflowError: One leaves the years of the calendar.
        """
        raise NotImplementedError

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one.

        Raises:
            OverflowError: One leaves the years of the calendar.
        """
        return dropwhile(lambda each: each <= due_at, self.due_times(near=due_at))

    def find_far_start(self, *, now: datetime) -> str:
        """Return place, value and remedy if its first due time is too far ahead; else empty."""
        try:
            times = self.due_times()
            first, second = next(times, None), next(times, None)
        except OverflowError:  # that it has no due time is a mistake of its own
            return ""
        if first is None or second is None or not is_far(first - now, second - first):
            return ""
        return (
            f"$.cadence is first due {write_instant(first)}, and no drill is demanded before it;"
            " let it start earlier"
        )

    def counts_from(self, due_at: datetime) -> datetime | None:
        """Return after which time a drill counts for a due time; None if every earlier one does.

        Raises:
            OverflowError: It leaves the years of the calendar.
        """
        raise NotImplementedError


class CadenceKeys(Document, frozen=True, gc=False):
    """The keys of one kind of cadence by the calendar. The first key identifies the kind."""

    counting: ClassVar[str]
    """Which drills count for a due time: a sentence in the report of an export."""

    @property
    def calendar_name(self) -> str:
        """The calendar of the document that it names; empty if it names none."""
        return ""

    def read(self, calendar: WorkCalendar | None) -> CalendarCadence:
        """Return what they mean, with the calendar that they name."""
        raise NotImplementedError
