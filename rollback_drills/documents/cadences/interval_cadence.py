"""How often drills are due, in days: the cadences of the contract, one for each due policy."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from rollback_drills.documents.cadences.cadence import Cadence, is_far
from rollback_drills.documents.fields import tidy
from rollback_drills.documents.history import Drill
from rollback_drills.documents.utc import write_instant

DAY: Final = timedelta(days=1)
_NO_TIME: Final = timedelta(0)


class DuePolicy(StrEnum):
    """What moves the due time."""

    EXPLICIT = "explicit"
    """Nothing but an edit of `next_due_at`; without one the latest accepted drill."""
    AFTER_COMPLETION = "after_completion"
    """The latest accepted drill plus the interval; `next_due_at` until there is one."""
    FIXED_SEQUENCE = "fixed_sequence"
    """The calendar: `next_due_at` and every interval after it, each of which needs an accepted drill."""


class Interval(Cadence, frozen=True, gc=False):
    """A cadence in days, as in `interval_days`. It is unusable without a number greater than 0."""

    policy: ClassVar[DuePolicy]

    interval_days: float | None = None
    first: datetime | None = None
    """What `next_due_at` says."""

    @property
    def is_usable(self) -> bool:
        """Whether it determines when the next drill is due."""
        return self.interval_days is not None and self.interval_days > 0

    @property
    def problem(self) -> str:
        """Place, value and remedy if it is unusable; else empty."""
        if self.is_usable:
            return ""
        written = "is missing" if self.interval_days is None else f"is {tidy(self.interval_days)}"
        return f"$.interval_days {written}; must be a number of days greater than 0"

    @property
    def moves_due(self) -> bool:
        """Whether a drill moves the due time: not if the interval is shorter than a microsecond."""
        return self.is_usable and self._length > _NO_TIME

    def describe(self) -> str:
        """Describe it for people, such as `30 days`; empty if it is unusable."""
        return f"{tidy(self.interval_days)} days" if self.is_usable else ""

    def explain_due(self, latest: Drill | None) -> str:
        """Explain for people where the due time comes from, as a sentence without its full stop."""
        del latest
        if self.first is None:
            return "not known: $.next_due_at is missing"
        return f"written as $.next_due_at; due_policy is {self.policy}, so no drill moves it"

    def find_due(self, accepted: Sequence[datetime]) -> datetime | None:
        """Return the due time that is written."""
        del accepted
        return self.first.astimezone(UTC) if self.first else None

    def find_far_start(self, *, now: datetime) -> str:
        """Return place, value and remedy if the written due time is too far ahead; else empty."""
        if self.first is None or not self.is_usable or not is_far(self.first - now, self._length):
            return ""
        return (
            f"$.next_due_at is {write_instant(self.first)}, more than twice $.interval_days"
            f" ({self.describe()}) ahead, and no drill is demanded before it; set an earlier date, or a"
            " longer interval"
        )

    def next_after(self, at: datetime) -> datetime:
        """Return the due time that follows a drill.

        Raises:
            OverflowError: It would leave the year 9999.
        """
        return at.astimezone(UTC) + self._length

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one, if each drill is performed when it is due.

        Raises:
            OverflowError: One would leave the year 9999.
        """
        while self.moves_due:
            due_at += self._length
            yield due_at

    @property
    def _length(self) -> timedelta:
        return (self.interval_days or 0) * DAY


class EditedInterval(Interval, frozen=True, gc=False):
    """The due time is the one that is written, until somebody edits it."""

    policy = DuePolicy.EXPLICIT
    depends_on_drills: ClassVar[bool] = False


class MovingInterval(Interval, frozen=True, gc=False):
    """The next drill is due an interval after the latest accepted one; the first when it is written."""

    policy = DuePolicy.AFTER_COMPLETION
    moves_with_drills: ClassVar[bool] = True

    def explain_due(self, latest: Drill | None) -> str:
        """Explain for people where the due time comes from, as a sentence without its full stop."""
        if self.first is not None and not self.moves_due:
            return Interval.explain_due(self, latest)
        if latest is not None and latest.executed_at is not None and self.moves_due:
            performed = write_instant(latest.executed_at)
            return f"{self.describe()} after {latest.drill_id or 'the latest accepted drill'} of {performed}"
        if self.first is not None:
            return "written as $.next_due_at; no drill is accepted yet"
        return "not known: $.next_due_at is missing, and no drill is accepted"

    def find_due(self, accepted: Sequence[datetime]) -> datetime | None:
        """Return the due time after the latest accepted drill.

        Raises:
            OverflowError: It would leave the year 9999.
        """
        if accepted and self.moves_due:
            return self.next_after(accepted[-1])
        return Interval.find_due(self, accepted)


class FixedSequence(Interval, frozen=True, gc=False):
    """The due time that is written and every interval after it, each of which needs an accepted drill."""

    policy = DuePolicy.FIXED_SEQUENCE

    def explain_due(self, latest: Drill | None) -> str:
        """Explain for people where the due time comes from, as a sentence without its full stop."""
        if self.first is None or not self.moves_due:
            return Interval.explain_due(self, latest)
        begins = write_instant(self.first)
        return f"the first of every {self.describe()} from {begins} on that no accepted drill has met"

    def find_due(self, accepted: Sequence[datetime]) -> datetime | None:
        """Return the first time of the sequence that no accepted drill has met yet.

        A drill meets the next time if it is less than an interval early, and with it all that it is late for.
        One that is earlier counts for nothing: the drills of a year cannot be performed in a day.

        Raises:
            OverflowError: It would leave the year 9999.
        """
        first = due_at = Interval.find_due(self, accepted)
        if first is None or due_at is None or not self.moves_due:
            return first
        for performed_at in accepted:
            if due_at - performed_at < self._length:
                passed = (max(due_at, performed_at) - first) // self._length
                due_at = first + (passed + 1) * self._length
        return due_at


def read_interval(policy: DuePolicy, interval_days: float | None, first: datetime | None) -> Interval:
    """Return what a schedule says with `due_policy`, `interval_days` and `next_due_at`."""
    if policy is _EXPLICIT:
        return EditedInterval(interval_days, first) if first else MovingInterval(interval_days)
    if policy is _FIXED_SEQUENCE:
        return FixedSequence(interval_days, first)
    return MovingInterval(interval_days, first)


# Python 3.11 looks up members of enumerations slowly, and these are needed for every schedule.
_EXPLICIT: Final = DuePolicy.EXPLICIT
_FIXED_SEQUENCE: Final = DuePolicy.FIXED_SEQUENCE
