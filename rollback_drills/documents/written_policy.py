"""The routes, windows and calendars of a routing policy as reports write them: every key is present."""

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.documents.calendars.recurring_period import RecurringPeriod
from rollback_drills.documents.calendars.working_days import WORKING_WEEK
from rollback_drills.documents.calendars.working_time import BusinessHours
from rollback_drills.documents.maintenance_windows import MaintenanceWindow, Period
from rollback_drills.documents.owner_calendars import OwnerCalendar
from rollback_drills.documents.owner_rules import EscalationStep, OwnerRule
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.utc import write_instant


class WrittenStep(msgspec.Struct, frozen=True, gc=False):
    """Whom to notify next, and after how long."""

    owner: str
    after_minutes: float | None
    after_business_hours: float | None
    providers: tuple[str, ...]

    @classmethod
    def of(cls, step: EscalationStep) -> "WrittenStep":
        """Write the step of a document."""
        return cls(step.owner, step.after_minutes, step.after_business_hours, step.providers)


class WrittenRule(msgspec.Struct, frozen=True, gc=False):
    """How one owner is notified."""

    providers: tuple[str, ...]
    acknowledgement_minutes: float | None
    escalation_owner: str
    escalation_steps: tuple[WrittenStep, ...] | UnsetType = UNSET

    @classmethod
    def of(cls, rule: OwnerRule) -> "WrittenRule":
        """Write the rule of a document."""
        return cls(
            rule.providers,
            rule.acknowledgement_minutes,
            rule.escalation_owner,
            tuple(map(WrittenStep.of, rule.escalation_steps)) or UNSET,
        )


class WrittenRecurrence(msgspec.Struct, frozen=True, gc=False):
    """When a period recurs, by the clock on the wall."""

    rrule: str
    start: str
    end: str
    time_zone: str
    except_days: tuple[str, ...] = msgspec.field(name="except")

    @classmethod
    def of(cls, period: RecurringPeriod) -> "WrittenRecurrence":
        """Write the recurrence of a document."""
        return cls(period.rrule, period.start, period.end, period.time_zone, period.except_days)


class WrittenPeriod(msgspec.Struct, frozen=True, gc=False):
    """A period in which an owner is absent."""

    start_at: str | None
    """None if it recurs."""
    end_at: str | None
    reason: str
    recurrence: WrittenRecurrence | UnsetType = UNSET

    @classmethod
    def of(cls, period: Period) -> "WrittenPeriod":
        """Write the period of a document."""
        if period.recurrence is not None:
            return cls(None, None, period.reason, WrittenRecurrence.of(period.recurrence))
        return cls(write_instant(period.start_at), write_instant(period.end_at), period.reason)


class WrittenWindow(msgspec.Struct, frozen=True, gc=False):
    """A maintenance window with its matchers."""

    window_id: str
    start_at: str | None
    """None if it recurs."""
    end_at: str | None
    reason: str
    owners: tuple[str, ...]
    providers: tuple[str, ...]
    schedule_ids: tuple[str, ...]
    recurrence: WrittenRecurrence | UnsetType = UNSET

    @classmethod
    def of(cls, window: MaintenanceWindow) -> "WrittenWindow":
        """Write the window of a document."""
        is_fixed = window.recurrence is None
        return cls(
            window.window_id,
            write_instant(window.start_at) if is_fixed else None,
            write_instant(window.end_at) if is_fixed else None,
            window.reason,
            window.owners,
            window.providers,
            window.schedule_ids,
            UNSET if window.recurrence is None else WrittenRecurrence.of(window.recurrence),
        )


class WrittenHours(msgspec.Struct, frozen=True, gc=False):
    """From when until when an owner works, and on which days."""

    start: str
    end: str
    days: tuple[str, ...] | UnsetType = UNSET
    calendar: str | UnsetType = UNSET
    """In place of the days."""

    @classmethod
    def of(cls, hours: BusinessHours) -> "WrittenHours":
        """Write the hours of a document."""
        if hours.calendar:
            return cls(hours.start, hours.end, calendar=hours.calendar)
        return cls(hours.start, hours.end, hours.days or WORKING_WEEK)


class WrittenCalendar(msgspec.Struct, frozen=True, gc=False):
    """When one owner is absent, and when the owner works."""

    available: bool
    reason: str
    unavailable_windows: tuple[WrittenPeriod, ...]
    time_zone: str | UnsetType = UNSET
    business_hours: WrittenHours | UnsetType = UNSET
    ics: str | UnsetType = UNSET
    """The path of the calendar of which only the times are read; they are not written here."""

    @classmethod
    def of(cls, calendar: OwnerCalendar) -> "WrittenCalendar":
        """Write the calendar of a document."""
        return cls(
            calendar.available,
            calendar.reason,
            tuple(WrittenPeriod.of(each) for each in calendar.unavailable_windows if each.is_written),
            UNSET if calendar.time_zone is None else calendar.time_zone,
            UNSET if calendar.business_hours is None else WrittenHours.of(calendar.business_hours),
            calendar.ics or UNSET,
        )


def write_rules(policy: RoutingPolicy) -> dict[str, WrittenRule]:
    """Write the rules of a policy by their owners."""
    if not policy.owner_routes:
        return {}
    return {owner: WrittenRule.of(rule) for owner, rule in policy.rules_by_owner.items()}


def write_windows(policy: RoutingPolicy) -> tuple[WrittenWindow, ...]:
    """Write the maintenance windows of a policy."""
    return tuple([WrittenWindow.of(window) for window in policy.maintenance_windows])


def write_calendars(policy: RoutingPolicy) -> dict[str, WrittenCalendar]:
    """Write the calendars of a policy by their owners."""
    if not policy.owner_calendars:
        return {}
    return {owner: WrittenCalendar.of(each) for owner, each in policy.owner_calendars.items()}
