"""Who is notified through what, and when not: owner rules, maintenance windows, owner calendars."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from rollback_drills.documents.calendars.recurring_period import RecurringPeriod
from rollback_drills.documents.calendars.working_days import WorkCalendar, check_calendar_name
from rollback_drills.documents.calendars.working_time import BusinessHours, check_time_zone
from rollback_drills.documents.fields import (
    LONGEST_INTERVAL_DAYS,
    UNSET,
    Document,
    Minutes,
    Name,
    NameOrNone,
    ReviewedValue,
    Timestamp,
    UnsetType,
    fold_alias,
)
from rollback_drills.documents.quotation import json_path
from rollback_drills.documents.spans import Span, Spans
from rollback_drills.documents.utc import ZERO_TIME, check_in_utc, write_instant

RepeatDays = Annotated[float, Meta(gt=0, le=LONGEST_INTERVAL_DAYS)]
"""A number of days, more than zero."""

BusinessHoursCount = Annotated[float, Meta(ge=0, le=1000)]
"""A number of working hours: half a year of them at most."""


class EscalationStep(Document, frozen=True, gc=False):
    """Whom to notify next, and how long after the step before, if nobody has acknowledged."""

    owner: Name
    """Who is notified next."""
    after_minutes: Minutes | None = None
    """How many minutes after the step before."""
    after_business_hours: BusinessHoursCount | None = None
    """How many hours after the step before, in the working time of the owner who was notified then."""
    providers: tuple[Name, ...] = ()
    """Through which connectors; those of the schedule if it is empty."""

    def __post_init__(self) -> None:
        """Ensure that one wait is given."""
        if (self.after_minutes is None) == (self.after_business_hours is None):
            raise ValueError("give either after_minutes or after_business_hours")


class OwnerRule(Document, frozen=True, gc=False):
    """How one owner is notified. Absent settings are inherited from the policy."""

    providers: tuple[Name, ...] = ()
    """Through which connectors the owner is notified; those of the schedule if it is empty."""
    acknowledgement_minutes: Minutes | None = None
    """Within how many minutes the owner must acknowledge."""
    escalation_owner: NameOrNone = ""
    """Who is notified if the owner does not acknowledge."""
    escalation_steps: tuple[EscalationStep, ...] = ()
    """After the escalation owner: whom to notify next, each after the one before."""
    notification_providers: tuple[Name, ...] | UnsetType = UNSET
    """The same as `providers`."""
    ack_minutes: Minutes | UnsetType = UNSET
    """The same as `acknowledgement_minutes`."""
    manager: NameOrNone | UnsetType = UNSET
    """The same as `escalation_owner`."""

    def __post_init__(self) -> None:
        """Fold the other spellings that the contract accepts."""
        fold_alias(self, "notification_providers", "providers", ())
        fold_alias(self, "ack_minutes", "acknowledgement_minutes", None)
        fold_alias(self, "manager", "escalation_owner", "")


class SharedOwnerRule(OwnerRule, frozen=True, gc=False, kw_only=True):
    """One rule of the list spelling: an owner rule for several owners."""

    owners: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """To whom the rule applies."""


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
                raise ValueError("give either start_at and end_at, or recurrence")
            return
        if start_at is ZERO_TIME or end_at is ZERO_TIME:
            missing = "" if start_at is ZERO_TIME else "end_at is missing; "
            raise ValueError(f"{missing}start_at and end_at are both needed, unless there is a recurrence")
        if not (1 < start_at.year < 9999 and 1 < end_at.year < 9999):
            check_in_utc(start_at, end_at)
        if end_at <= start_at:
            raise ValueError(
                f"ends at {write_instant(self.end_at)}, before it starts; end_at must be later than start_at"
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


class OwnerCalendar(Document, frozen=True, gc=False):
    """When one owner cannot be notified: always (`available: false`) or in the listed periods."""

    available: bool = True
    """Whether the owner can be notified at all."""
    reason: str = ""
    """Why the owner cannot be notified."""
    unavailable_windows: tuple[Period, ...] = ()
    """When the owner is absent."""
    time_zone: str | None = None
    """Where the owner works; UTC if it is absent."""
    business_hours: BusinessHours | None = None
    """When the owner works; counts for `after_business_hours`."""
    ics: str = ""
    """The path of an iCalendar file below the folder of the document; the owner is absent at its events."""
    blackout_windows: tuple[Period, ...] | UnsetType = UNSET
    """The same as `unavailable_windows`."""

    def __post_init__(self) -> None:
        """Fold the other spelling, and see that the time zone is known."""
        fold_alias(self, "blackout_windows", "unavailable_windows", ())
        if self.time_zone is not None:
            check_time_zone(self.time_zone)


class ServiceLevel(Document, frozen=True, gc=False):
    """Policy-wide service levels."""

    acknowledgement_minutes: Minutes | None = None
    """Within how many minutes owners must acknowledge, unless their rule says otherwise."""


class RepeatAfter(Document, frozen=True, gc=False):
    """After how many days a route is notified again, by the state of its schedule."""

    due_soon: RepeatDays | None = None
    """While the drill is due soon."""
    needs_attention: RepeatDays | None = None
    """While the schedule needs attention."""


class RoutingPolicy(Document, frozen=True, gc=False):
    """A routing policy, in a file of its own or inside the schedule (contract §1)."""

    schema_version: str = ""
    """Which kind of document this is."""
    owner_routes: dict[Name, OwnerRule] | tuple[SharedOwnerRule, ...] = {}
    """How owners are notified: by owner, or as rules for several owners each, of which later ones win."""
    maintenance_windows: tuple[MaintenanceWindow, ...] = ()
    """When nobody is notified."""
    owner_calendars: dict[Name, OwnerCalendar] = {}
    """When owners are absent, and where and when they work."""
    calendars: dict[Name, WorkCalendar] = {}
    """Working days, by the names that this document gives them."""
    acknowledgement_minutes: Minutes | None = None
    """Within how many minutes owners must acknowledge."""
    default_slo: ServiceLevel | None = None
    """Another place for `acknowledgement_minutes`."""
    repeat_after_days: RepeatAfter | None = None
    """After how many days an owner is notified again."""
    reviewed_values: tuple[ReviewedValue, ...] = ()
    """Texts that look private and were checked by somebody."""
    blackout_windows: tuple[MaintenanceWindow, ...] | UnsetType = UNSET
    """The same as `maintenance_windows`."""
    schema_ref: str | UnsetType = msgspec.field(default=UNSET, name="$schema")
    """The path of the JSON Schema with which an editor checks the document."""

    def __post_init__(self) -> None:
        """Fold the other spelling, and ensure that the calendars that owners work by are there."""
        if self.blackout_windows is not UNSET:
            fold_alias(self, "blackout_windows", "maintenance_windows", ())
        for owner, calendar in self.owner_calendars.items():
            if calendar.business_hours and calendar.business_hours.calendar:
                place = json_path(("owner_calendars", owner, "business_hours", "calendar"))
                check_calendar_name(calendar.business_hours.calendar, self.calendars, f"{place} is")

    @property
    def rules_by_owner(self) -> dict[str, OwnerRule]:
        """The owner rules in either spelling; of the list, later rules win (contract §1)."""
        if isinstance(self.owner_routes, dict):
            return self.owner_routes
        return {owner: rule for rule in self.owner_routes for owner in rule.owners}
