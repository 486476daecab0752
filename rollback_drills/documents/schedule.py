"""The drill schedule document, contract §1."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rollback_drills.documents.cadences.cadence import Cadence
from rollback_drills.documents.cadences.calendar_cadence import WrittenCadence
from rollback_drills.documents.cadences.interval_cadence import DuePolicy, read_interval
from rollback_drills.documents.calendars.working_days import check_calendar_name
from rollback_drills.documents.fields import Days, Name, NameOrNone, Timestamp
from rollback_drills.documents.quotation import show
from rollback_drills.documents.routing_policy import RepeatDays, RoutingPolicy
from rollback_drills.documents.unfit_keys import UnfitKeysError
from rollback_drills.documents.utc import check_in_utc
from rollback_drills.names.ids import find_reserved

POSTPONE_LIMIT_DAYS: Final = 30.0


class Schedule(RoutingPolicy, frozen=True, gc=False):
    """How often a rollback drill is due, and who is notified.

    Every field may be absent: what is missing is judged (`readiness`), not refused here.
    """

    schedule_id: NameOrNone = ""
    """The name of the schedule in records and messages; never reuse it for another schedule."""
    environment: str = ""
    """Where the drills are performed, such as `production`."""
    status: str = ""
    """`active`, or `retired` to end the follow-up."""
    interval_days: Days | None = None
    """How many days of 24 hours lie between drills."""
    written_cadence: WrittenCadence | None = msgspec.field(default=None, name="cadence")
    """When drills are due by the calendar; in place of `interval_days`."""
    next_due_at: Timestamp | None = None
    """When the next drill is due; an ISO 8601 timestamp."""
    due_policy: DuePolicy = DuePolicy.EXPLICIT
    """What moves the due time."""
    owners: tuple[Name, ...] = ()
    """Who is notified."""
    notification_providers: tuple[Name, ...] = ()
    """Through which connectors the owners are notified, by their names."""
    runbook_ref: str = ""
    """Where the runbook of the rollback is: a path or an opaque reference, no URL."""
    retest_within_days: RepeatDays = 14.0
    """Within how many days a drill that was not accepted is to be performed again."""
    postpone_limit_days: Annotated[float, Meta(ge=0, le=366)] = POSTPONE_LIMIT_DAYS
    """How many days beyond its due time a cycle can be postponed, whoever approves it."""
    redrill_after_change_days: Annotated[float, Meta(gt=0, le=366)] | None = None
    """Within how many days after a change the next drill is due; absent if changes do not matter."""
    blocking_severities: tuple[Name, ...] = ()
    """Open findings of these severities need attention, whatever the drills say."""

    @property
    def cadence(self) -> Cadence:
        """How often a drill is due."""
        if self.written_cadence is None:
            return read_interval(self.due_policy, self.interval_days, self.next_due_at)
        return self.written_cadence.read(self.calendars)

    def __post_init__(self) -> None:
        """Fold the other spelling, and ensure that the due instant can be written in UTC.

        Raises:
            ValueError: It cannot, its id is reserved, or a cadence does not fit the rest of the document.
        """
        RoutingPolicy.__post_init__(self)
        check_in_utc(next_due_at=self.next_due_at)
        if ":" in self.schedule_id and (start := find_reserved(self.schedule_id)):
            raise UnfitKeysError(
                f"has a schedule_id that begins with {show(start)}, which stands for messages about something"
                " else; rename the schedule",
                "schedule_id",
            )
        if self.written_cadence is not None:
            self._check_cadence(self.written_cadence)

    def _check_cadence(self, cadence: WrittenCadence) -> None:
        if self.interval_days is not None:
            raise UnfitKeysError(
                "has both interval_days and cadence; keep one of them", "interval_days", "cadence"
            )
        if self.next_due_at is not None or self.due_policy is not DuePolicy.EXPLICIT:
            name = "due_policy" if self.next_due_at is None else "next_due_at"
            raise UnfitKeysError(
                f"has both {name} and cadence, which says when drills are due; leave out {name}",
                name,
                "cadence",
            )
        if cadence.calendar_name:
            check_calendar_name(cadence.calendar_name, self.calendars, ("cadence", "shift", "calendar"))
