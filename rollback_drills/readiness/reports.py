"""The history report and the schedule report of contract §3: fields have its names and its order."""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.documents.cadences.calendar_cadence import WrittenCadence
from rollback_drills.documents.cadences.interval_cadence import DuePolicy
from rollback_drills.documents.calendars.working_days import WorkCalendar
from rollback_drills.documents.written_policy import WrittenCalendar, WrittenRule, WrittenWindow
from rollback_drills.readiness.open_findings import OpenFinding
from rollback_drills.readiness.states import Mode, Readiness
from rollback_drills.rendering.counts import write_count

HISTORY_REPORT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-history.v1"
SCHEDULE_REPORT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-schedule.v1"


class Check(msgspec.Struct, frozen=True, gc=False):
    """One check of a report: what holds, or what was found instead."""

    id: str
    status: Literal["pass", "warn"]
    message: str

    @property
    def fails(self) -> bool:
        """Whether it needs attention."""
        return self.status == "warn"


class HistoryFacts(msgspec.Struct, frozen=True, gc=False):
    """The facts of a drill history and of its latest drill."""

    valid: bool
    schema_version: str
    environment: str
    drill_count: int
    latest_drill_id: str
    latest_status: str
    latest_target_mode: str
    latest_executed_at: str
    age_days: float | None
    fresh: bool
    fallback_verified: bool
    recovery_sla_met: bool
    recovery_minutes: float | int | None
    max_recovery_minutes: float | int | None
    runbook_ref: str
    evidence_refs: tuple[str, ...]
    message: str
    open_findings: tuple[OpenFinding, ...] | UnsetType = UNSET
    """What drills have shown to be wrong and nobody has closed; UNSET if there is nothing."""

    def describe_latest(self) -> str:
        """Describe in numbers what is known of the latest drill."""
        if not self.drill_count:
            return "No drill is known."
        took, limit = self.recovery_minutes, self.max_recovery_minutes
        return (
            f"Drills known: {self.drill_count};"
            f" the latest is {self.latest_drill_id or 'without an id'},"
            f" {self._describe_age()};"
            f" recovery took {'unknown' if took is None else took}"
            f" of at most {'unknown' if limit is None else limit} minutes."
        )

    def _describe_age(self) -> str:
        if self.age_days is None:
            return "undated"
        days = f"{abs(self.age_days):.1f} days"
        return f"{days} in the future" if round(self.age_days, 1) < 0 else f"{days} old"


class HistoryReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is found about a drill history at one time."""

    schema_version: str = HISTORY_REPORT_SCHEMA
    product: str = PRODUCT
    generated_at: str
    generated_by: str
    mode: Mode
    status: Readiness
    rollback_drill_history_path: str
    rollback_drill_max_age_days: float
    checks: tuple[Check, ...]
    history: HistoryFacts
    warnings: tuple[str, ...]
    """Faults of the history, which may explain why no drill is accepted."""
    operator_notes: tuple[str, ...]


class CadenceFacts(msgspec.Struct, frozen=True, gc=False):
    """A cadence by the calendar, and with which data it was followed."""

    description: str
    time_zone: str
    has_ended: bool
    """Whether the last due time is over, and nothing is due any more."""
    counts_from: str
    """After which time a drill counts for the due time; empty if every earlier one does."""
    can_be_late: bool
    """Whether a later drill meets the due time; a period that is over is missed for good."""
    time_zone_data: str
    """The version of the IANA database."""
    holiday_data: str
    """The version of the package `holidays`; empty if no holidays were asked for."""
    document: WrittenCadence
    """As the schedule has it, so that due times of past periods can be found again."""
    calendar: WorkCalendar | UnsetType = UNSET
    """By which due times move to working days."""


class ChangeFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What was promoted since the latest accepted drill, which so proves nothing about what runs now."""

    change_id: str
    """Of the earliest change."""
    promoted_at: str
    what: str
    reference: str
    further_count: int
    """How many changes came after it."""
    redrill_due_at: str
    """By when the schedule demands a drill; empty if it demands none after a change."""
    cadence_due_at: str
    """When the drill would be due without the change; empty if it is not known."""
    moves_due: bool
    """Whether the next drill is due earlier because of it."""

    def describe(self) -> str:
        """Describe what is not proven, without a full stop."""
        more = "" if self.further_count == 0 else f" and {write_count(self.further_count, 'later change')}"
        name = f"{self.what} ({self.change_id})" if self.what else self.change_id
        return f"no accepted drill since the promotion of {name} on {self.promoted_at}{more}"

    def name_change(self) -> str:
        """Return what was promoted, where more is known about it, and when."""
        facts = (self.what, self.change_id, self.reference, f"promoted {self.promoted_at}")
        return ", ".join(dict.fromkeys(filter(None, facts)))

    def explain_due(self) -> str:
        """Explain a due time as the rest of a sentence; empty if the change does not move it."""
        return f", because there is {self.describe()}" if self.moves_due else ""


class ScheduleFacts(msgspec.Struct, frozen=True, gc=False):
    """The facts of a drill schedule, and how far away its due time is."""

    valid: bool
    schema_version: str
    schedule_id: str
    environment: str
    status: str
    active: bool
    cadence_valid: bool
    interval_days: float | int | None
    due_policy: DuePolicy
    next_due_at: str
    """Empty if it is not known."""
    days_until_due: float | None
    stale: bool
    due_soon: bool
    notification_routes_valid: bool
    owners: tuple[str, ...]
    notification_providers: tuple[str, ...]
    owner_routes: dict[str, WrittenRule]
    maintenance_windows: tuple[WrittenWindow, ...]
    owner_calendars: dict[str, WrittenCalendar]
    runbook_ref: str
    message: str
    cadence: CadenceFacts | UnsetType = UNSET
    """Of a cadence by the calendar."""
    change: ChangeFacts | UnsetType = UNSET
    """What makes the proof stale; UNSET if nothing does, or no changes are configured."""


class ScheduleReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is found about a drill schedule at one time."""

    schema_version: str = SCHEDULE_REPORT_SCHEMA
    product: str = PRODUCT
    generated_at: str
    generated_by: str
    mode: Mode
    status: Readiness
    rollback_drill_schedule_path: str
    rollback_drill_due_soon_days: float
    rollback_drill_history_path: str
    checks: tuple[Check, ...]
    schedule: ScheduleFacts
    history: HistoryFacts
    warnings: tuple[str, ...]
    """Faults of the drill history, and a due time that is probably a mistake."""
    operator_notes: tuple[str, ...]

    @property
    def display_name(self) -> str:
        """The id of the schedule; the path of a document that has none."""
        return self.schedule.schedule_id or self.rollback_drill_schedule_path
