"""How often drills are due, in days: the cadence of the contract."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollback_drills.documents.fields import tidy

DAY: Final = timedelta(days=1)
_NO_TIME: Final = timedelta(0)


class Interval(msgspec.Struct, frozen=True, gc=False):
    """A cadence of so many days, as `interval_days` writes it; unusable without a number greater than 0."""

    interval_days: float | None = None

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

    def next_after(self, at: datetime) -> datetime:
        """Return the due time that follows a drill.

        Raises:
            OverflowError: It would leave the year 9999.
        """
        return at + self._length

    def next_in_sequence(self, first: datetime, at: datetime) -> datetime:
        """Return the first due time after a time, in the sequence that begins with `first`.

        Raises:
            OverflowError: It would leave the year 9999.
        """
        return first + ((at - first) // self._length + 1) * self._length

    def following(self, due_at: datetime) -> Iterator[datetime]:
        """Yield the due times after one, if each drill is performed when it is due.

        Raises:
            OverflowError: One would leave the year 9999.
        """
        while self.moves_due:
            due_at += self._length
            yield due_at

    def is_met_by(self, due_at: datetime, performed_at: datetime) -> bool:
        """Whether a drill counts for a due time of a sequence: not if it is a whole interval early."""
        return due_at - performed_at < self._length

    @property
    def _length(self) -> timedelta:
        return (self.interval_days or 0) * DAY
