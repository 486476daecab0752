"""The document that says who is notified through what, and when not."""

from typing import Annotated

import msgspec
from msgspec import Meta

from rollback_drills.documents.calendars.working_days import WorkCalendar, check_calendar_name
from rollback_drills.documents.fields import (
    LONGEST_INTERVAL_DAYS,
    UNSET,
    Document,
    Minutes,
    Name,
    ReviewedValue,
    UnsetType,
    fold_alias,
)
from rollback_drills.documents.maintenance_windows import MaintenanceWindow
from rollback_drills.documents.owner_calendars import OwnerCalendar
from rollback_drills.documents.owner_rules import OwnerRule, SharedOwnerRule

RepeatDays = Annotated[float, Meta(gt=0, le=LONGEST_INTERVAL_DAYS)]
"""A number of days, more than zero."""


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
                place = ("owner_calendars", owner, "business_hours", "calendar")
                check_calendar_name(calendar.business_hours.calendar, self.calendars, place)

    @property
    def rules_by_owner(self) -> dict[str, OwnerRule]:
        """The owner rules in either spelling; of the list, later rules win (contract §1)."""
        if isinstance(self.owner_routes, dict):
            return self.owner_routes
        return {owner: rule for rule in self.owner_routes for owner in rule.owners}
