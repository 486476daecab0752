"""When nobody is notified: periods with two ends or that recur, and maintenance windows."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Self

import msgspec

from rollback_drills.documents.calendars.recurring_period import RecurringPeriod
from rollback_drills.documents.fields import UNSET, Document, Name, Timestamp, UnsetType, fold_alias
from rollback_drills.documents.spans import Span, Spans
from rollback_drills.documents.unfit_keys import UnfitKeysError
from rollback_drills.documents.utc import ZERO_TIME, check_in_utc, write_instant

_PERIOD_KEYS: Final = ("start_at", "end_at", "starts_at", "ends_at", "recurrence")


class Period(Document, frozen=True, gc=False):
    """A half-open stretch of time, `[start_at, end_at)` (contract §8.2), or one that recurs."""

    start_at: Timestamp = ZERO_TIME
    """When it begins; an ISO 8601 timestamp."""
    end_at: Timestamp = ZERO_TIME
    """When it is over; an ISO 8601 timestamp."""
    reason: str = ""
    """Why, for the people who are not notified."""
    recurrence: RecurringPeriod | None = None
    """When it recurs; then it has no other times."""
    starts_at: Timestamp | UnsetType = UNSET
    """The same as `start_at`."""
    ends_at: Timestamp | UnsetType = UNSET
    """The same as `end_at`."""
    description: str | UnsetType = UNSET
    """The same as `reason`."""

    def __post_init__(self) -> None:
        """Fold the other spellings, and ensure that it recurs, or has two ends in the right order."""
        if not (self.starts_at is self.ends_at is self.description is UNSET):
            fold_alias(self, "starts_at", "start_at", ZERO_TIME)
            fold_alias(self, "ends_at", "end_at", ZERO_TIME)
            fold_alias(self, "description", "reason", "")
        start_at, end_at = self.start_at, self.end_at
        if self.recurrence is not None:
            if not (start_at is end_at is ZERO_TIME):
                raise UnfitKeysError(
                    "has a recurrence, and start_at or end_at as well; keep one of them", *_PERIOD_KEYS
                )
            return
        if start_at is ZERO_TIME or end_at is ZERO_TIME:
            missing = "" if start_at is ZERO_TIME else "end_at is missing; "
            raise UnfitKeysError(
                f"{missing}start_at and end_at are both needed, unless there is a recurrence", *_PERIOD_KEYS
            )
        if not (1 < start_at.year < 9999 and 1 < end_at.year < 9999):
            check_in_utc(start_at=start_at, end_at=end_at)
        if end_at <= start_at:
            raise UnfitKeysError(
                f"ends at {write_instant(self.end_at)}; end_at must be later than start_at",
                *_PERIOD_KEYS,
            )

    @property
    def repeats(self) -> Spans | None:
        """When it happens again and again; None if its times are fixed."""
        return self.recurrence

    @property
    def is_written(self) -> bool:
        """Whether its times stand in the document."""
        return True

    def find_occurrence(self, instant: datetime) -> Self | None:
        """Return the period itself, or its occurrence if it recurs, that contains an instant."""
        if (repeats := self.repeats) is None:
            return self if self.start_at <= instant < self.end_at else None
        span = repeats.find_span(instant)
        return None if span is None else self._at(span)

    def find_occurrences(self, instant: datetime) -> Iterator[Self]:
        """Yield the period itself, or its occurrences that end after an instant."""
        if (repeats := self.repeats) is None:
            return iter((self,))
        return map(self._at, repeats.find_spans(instant))

    def find_change(self, instant: datetime) -> datetime | None:
        """Return when it begins or ends next after an instant; None if nothing changes."""
        if (repeats := self.repeats) is not None:
            return repeats.find_change(instant)
        return next((bound for bound in (self.start_at, self.end_at) if bound > instant), None)

    def _at(self, span: Span) -> Self:
        return msgspec.structs.replace(self, recurrence=None, start_at=span.start_at, end_at=span.end_at)


class MaintenanceWindow(Period, frozen=True, gc=False):
    """A period in which matching routes are not notified. An empty matcher matches everything."""

    window_id: str = ""
    """The id of the window."""
    owners: tuple[Name, ...] = ()
    """The owners whose notifications it suppresses; empty for all."""
    providers: tuple[Name, ...] = ()
    """Through which connectors nobody is notified; empty for all."""
    schedule_ids: tuple[Name, ...] = ()
    """The schedules whose notifications it suppresses; empty for all."""
    id: str | UnsetType = UNSET
    """The same as `window_id`."""

    def __post_init__(self) -> None:
        """Fold the other spellings."""
        Period.__post_init__(self)
        if self.id is not UNSET:
            fold_alias(self, "id", "window_id", "")
