"""The record of a plan as readers need it; an earlier version may have left out what has a default."""

from collections.abc import Sequence

import msgspec

from rollback_drills.evidence.index import LedgerRow


class RecordedWindow(msgspec.Struct, frozen=True, gc=False):
    """The maintenance window that suppressed a route."""

    start_at: str
    end_at: str
    window_id: str | None = None
    reason: str | None = None


class RecordedDecision(msgspec.Struct, frozen=True, gc=False):
    """What a plan decided for one route."""

    provider: str
    owner: str
    action: str
    category: str = ""
    reason: str = ""
    deferred_until: str | None = None
    maintenance_window: RecordedWindow | None = None


class RecordedCadence(msgspec.Struct, frozen=True, gc=False):
    """What a plan says of a cadence by the calendar."""

    description: str = ""
    counts_from: str = ""
    can_be_late: bool = True
    document: object = None
    """As the schedule had it; None in plans of earlier versions."""
    calendar: object = None


class RecordedSchedule(msgspec.Struct, frozen=True, gc=False):
    """What a plan says of its schedule."""

    environment: str | None = None
    interval_days: float | int | None = None
    runbook_ref: str | None = None
    cadence: RecordedCadence | None = None

    def describe_cadence(self) -> str:
        """Describe how often a drill is due; empty if that is not known."""
        if self.cadence:
            return self.cadence.description
        return f"{self.interval_days} days" if self.interval_days else ""


class PlanContent(msgspec.Struct, frozen=True, gc=False):
    """The plan itself."""

    plan_id: str
    status: str
    generated_at: str
    next_due_at: str | None
    deliverable_route_count: int
    suppressed_route_count: int
    owners: Sequence[str]
    route_decisions: Sequence[RecordedDecision]


class RecordedPlan(LedgerRow, frozen=True, gc=False):
    """The record of a plan."""

    created_at: str
    session_id: str
    schedule_id: str
    cycle_id: str
    plan_id: str
    status: str
    plan: PlanContent
    population_id: str = ""
    schedule: RecordedSchedule = RecordedSchedule()
    flow_run_id: str = ""
    """The run that wrote it; empty if it was none."""
