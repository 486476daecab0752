"""The records of a plan: one of the plan itself, and one of every decision (contract §5)."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import DECISION_KIND, PLAN_KIND
from rollback_drills.notifications.reasons import Reason
from rollback_drills.planning.category import Action, Category
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.windows_and_absences import NamedWindow, OwnerAvailability
from rollback_drills.readiness.reports import CadenceFacts, ScheduleFacts
from rollback_drills.readiness.states import Readiness
from rollback_drills.redaction.computed import Computed


class PlannedSchedule(msgspec.Struct, frozen=True, gc=False):
    """What the record of a plan says of its schedule."""

    environment: str
    interval_days: float | int | None
    next_due_at: Computed
    runbook_ref: str
    cadence: CadenceFacts | UnsetType = UNSET
    """Of a cadence by the calendar, with the versions of the data that it depends on."""


class PlanRecord(Record, frozen=True, gc=False, tag=PLAN_KIND):
    """The record of a plan."""

    schedule_id: str
    cycle_id: Computed
    plan_id: Computed
    status: Readiness
    alert_level: Computed
    schedule: PlannedSchedule
    plan: Plan
    population_id: Computed | UnsetType = UNSET
    """The population of the check; UNSET if the check was killed."""
    finding_digest: Computed | UnsetType = UNSET
    """What the check found about the schedule, for the next check."""


class DecisionRecord(Record, frozen=True, gc=False, tag=DECISION_KIND):
    """The record of a decision: its plan, and then the fields of `RouteDecision` in their order."""

    cycle_id: Computed
    plan_id: Computed
    status: Readiness
    alert_level: Computed
    route_key: Computed
    schedule_id: str
    provider: str
    owner: str
    acknowledgement_minutes: float | int
    escalation_owner: str
    maintenance_window: NamedWindow | None
    owner_availability: OwnerAvailability
    action: Action
    category: Category
    reason: str
    deferred_until: Computed | None
    notification_reason: Reason | None
    occurrence: int
    replaces: tuple[Computed, ...]


def record_plan(
    plan: Plan, schedule: ScheduleFacts, session_id: str, *, created_at: datetime, signer: str
) -> Iterator[PlanRecord | DecisionRecord]:
    """Yield the records of a plan: first the one of the plan itself, then one of every decision.

    Args:
        plan: The plan of contract §4.
        schedule: The facts of the schedule in the report that it was made from.
        session_id: The session of the delivery.
        created_at: The clock of the evidence.
        signer: Who runs.
    """
    written_at = write_instant(created_at)
    # by their places: a record of a decision has 27 fields, and to look for each by its name takes longer
    yield PlanRecord(
        plan.schedule_id,
        plan.cycle_id,
        plan.plan_id,
        plan.status,
        plan.alert_level,
        _describe(schedule),
        plan,
        session_id=session_id,
        created_at=written_at,
        signer=signer,
    )
    for decision in plan.route_decisions:
        yield DecisionRecord(
            plan.cycle_id,
            plan.plan_id,
            plan.status,
            plan.alert_level,
            *msgspec.structs.astuple(decision),
            session_id=session_id,
            created_at=written_at,
            signer=signer,
        )


def _describe(schedule: ScheduleFacts) -> PlannedSchedule:
    return PlannedSchedule(
        schedule.environment,
        schedule.interval_days,
        schedule.next_due_at,
        schedule.runbook_ref,
        schedule.cadence,
    )
