"""The drill schedule document, contract §1."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from rollback_drills.documents.cadence import Interval
from rollback_drills.documents.fields import Days, Name, Timestamp, check_in_utc
from rollback_drills.documents.routing_policy import RepeatDays, RoutingPolicy

SCHEDULE_SCHEMA: Final = "cavra.go-backend-rollback-drill-schedule.v1"


class DuePolicy(StrEnum):
    """What moves the due instant."""

    EXPLICIT = "explicit"
    """Nothing but an edit of `next_due_at`; without one the latest accepted drill."""
    AFTER_COMPLETION = "after_completion"
    """The latest accepted drill plus the interval; `next_due_at` until there is one."""
    FIXED_SEQUENCE = "fixed_sequence"
    """The calendar: `next_due_at` and every interval after it, each of which needs an accepted drill."""


POSTPONE_LIMIT_DAYS: Final = 30.0


class Schedule(RoutingPolicy, frozen=True, gc=False):
    """How often a rollback drill is due, and who is notified.

    Every field may be absent: what is missing is judged (`readiness`), not refused here.
    """

    schedule_id: Annotated[str, Meta(max_length=200)] = ""
    environment: str = ""
    status: str = ""
    interval_days: Days | None = None
    next_due_at: Timestamp | None = None
    due_policy: DuePolicy = DuePolicy.EXPLICIT
    owners: tuple[Name, ...] = ()
    notification_providers: tuple[Name, ...] = ()
    runbook_ref: str = ""
    retest_within_days: RepeatDays = 14.0
    """Within how many days a drill that was not accepted is to be performed again."""
    postpone_limit_days: Annotated[float, Meta(ge=0, le=366)] = POSTPONE_LIMIT_DAYS
    """How far beyond its due instant a cycle can be postponed, whoever approves it."""

    @property
    def cadence(self) -> Interval:
        """How often a drill is due."""
        return Interval(self.interval_days)

    def __post_init__(self) -> None:
        """Fold the other spelling, and ensure that the due instant can be written in UTC."""
        RoutingPolicy.__post_init__(self)
        check_in_utc(self.next_due_at)
