"""Builds the notification plan of contract §4 from the decisions. Building one sends nothing."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.documents.time_data import TimeData
from rollback_drills.names import ids
from rollback_drills.planning.category import Category
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.routes import Route
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.states import Readiness
from rollback_drills.redaction.computed import Computed

PLAN_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-plan.v1"
_DELIVER, _MAINTENANCE_WINDOW, _OWNER_CALENDAR = (
    Category.DELIVER,
    Category.MAINTENANCE_WINDOW,
    Category.OWNER_CALENDAR,
)
_CONTROLS: Final = (
    "A plan sends nothing.",
    "Force overrides a healthy state and a recent notification, never a window or a calendar.",
    "A suppressed route is notified by the first run after its window or absence ends.",
)


class OwnerRoute(msgspec.Struct, frozen=True, gc=False):
    """How one owner is notified, as plans and events have it."""

    owner: str
    providers: list[str]
    acknowledgement_minutes: float | int
    escalation_owner: str


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The notification plan of one schedule (contract §4)."""

    schema_version: Computed
    product: Computed
    plan_id: Computed
    cycle_id: Computed
    schedule_id: str
    generated_at: Computed
    generated_by: str
    status: Readiness
    alert_level: Computed
    eligible_providers: list[str]
    selected_providers: list[str]
    acknowledgement_required_providers: list[str]
    suppressed_providers: list[str]
    deliverable_route_count: int
    suppressed_route_count: int
    maintenance_suppressed_count: int
    calendar_suppressed_count: int
    owners: list[str]
    owner_routes: list[OwnerRoute]
    route_decisions: list[RouteDecision]
    next_due_at: Computed | None
    reason: str
    controls: tuple[str, ...] = _CONTROLS
    time_data: TimeData | UnsetType = UNSET
    """With which data windows and absences that recur were found; UNSET if none recurs."""

    @property
    def may_notify(self) -> bool:
        """Whether somebody is notified, now or when a window or an absence ends."""
        deferred_count = self.maintenance_suppressed_count + self.calendar_suppressed_count
        return self.deliverable_route_count + deferred_count > 0


def build_plan(
    cycle: Cycle,
    schedule_report: ScheduleReport,
    eligible: list[str],
    routes: Sequence[Route],
    decisions: list[RouteDecision],
    time_data: TimeData | UnsetType,
) -> Plan:
    """Build the plan for the routes of a cycle, as of the time of its schedule report."""
    generated_at = schedule_report.generated_at
    delivering: set[str] = set()
    suppressing: set[str] = set()
    categories = []
    for each in decisions:
        (delivering if each.category is _DELIVER else suppressing).add(each.provider)
        categories.append(each.category)
    selected = sorted(delivering)
    notified = categories.count(_DELIVER)
    owner_routes = _find_owner_routes(tuple(routes))
    # As in the vectors: the providers of suppressed routes, else eligible ones that notify nobody.
    suppressed = sorted(suppressing) or [name for name in eligible if name not in selected]
    return Plan(  # in the order of the fields: keywords take three times as long
        PLAN_SCHEMA,
        PRODUCT,
        ids.plan_id(cycle.cycle_id, generated_at),
        cycle.cycle_id,
        cycle.schedule_id,
        generated_at,
        schedule_report.generated_by,
        cycle.status,
        cycle.status.alert_level,
        eligible,
        selected,
        selected,  # each is to be acknowledged
        suppressed,
        notified,
        len(categories) - notified,
        categories.count(_MAINTENANCE_WINDOW),
        categories.count(_OWNER_CALENDAR),
        [each.owner for each in owner_routes],
        list(owner_routes),
        decisions,
        schedule_report.schedule.next_due_at,
        schedule_report.schedule.message,
        _CONTROLS,
        time_data,
    )


@lru_cache(maxsize=4096)
def _find_owner_routes(routes: tuple[Route, ...]) -> tuple[OwnerRoute, ...]:
    """Put the routes of each owner together; a team has many schedules, and nothing changes a plan."""
    by_owner: dict[str, OwnerRoute] = {}  # routes have one spelling of each owner
    for route in routes:
        if route.owner in by_owner:
            by_owner[route.owner].providers.append(route.provider)
        else:
            minutes, escalation_owner = route.acknowledgement_minutes, route.escalation_owner
            by_owner[route.owner] = OwnerRoute(route.owner, [route.provider], minutes, escalation_owner)
    return tuple(by_owner.values())
