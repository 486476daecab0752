"""Builds the notification plan of contract §4 from the decisions. Building one sends nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rollback_drills import PRODUCT, ids
from rollback_drills.planning.routes import Route
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.terms import Report

PLAN_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-plan.v1"
_CONTROLS: Final = (
    "A plan sends nothing.",
    "Force overrides a healthy state and a recent notification, never a window or a calendar.",
    "A suppressed route is told by the first run after its window or absence ends.",
)


def build_plan(
    cycle: Cycle,
    schedule_report: ScheduleReport,
    eligible: Sequence[str],
    routes: Sequence[Route],
    decisions: Sequence[Report],
) -> Report:
    """Write down what was decided for the routes of a cycle, at the instant of its schedule report."""
    generated_at = schedule_report.generated_at
    owner_routes = _owner_routes(routes)
    return {
        "schema_version": PLAN_SCHEMA,
        "product": PRODUCT,
        "plan_id": ids.plan_id(cycle.cycle_id, generated_at),
        "cycle_id": cycle.cycle_id,
        "schedule_id": cycle.schedule_id,
        "generated_at": generated_at,
        "generated_by": schedule_report.generated_by,
        "status": cycle.status,
        "alert_level": cycle.status.alert_level,
        "eligible_providers": list(eligible),
        **_summarise(decisions, eligible),
        "owners": list(owner_routes),
        "owner_routes": list(owner_routes.values()),
        "route_decisions": list(decisions),
        "next_due_at": schedule_report.schedule.next_due_at,
        "reason": schedule_report.schedule.message,
        "controls": list(_CONTROLS),
    }


def _summarise(decisions: Sequence[Mapping[str, Any]], eligible: Sequence[str]) -> dict[str, Any]:
    selected: set[str] = set()
    suppressed: set[str] = set()
    categories = []
    for decision in decisions:
        (selected if decision["action"] == "deliver" else suppressed).add(decision["provider"])
        categories.append(decision["category"])
    told = categories.count("deliver")
    return {
        "selected_providers": sorted(selected),
        "acknowledgement_required_providers": sorted(selected),
        # As in the vectors: providers of suppressed routes, else those that are eligible and told nobody.
        "suppressed_providers": sorted(suppressed) or [name for name in eligible if name not in selected],
        "deliverable_route_count": told,
        "suppressed_route_count": len(categories) - told,
        "maintenance_suppressed_count": categories.count("maintenance_window"),
        "calendar_suppressed_count": categories.count("owner_calendar"),
    }


def _owner_routes(routes: Sequence[Route]) -> dict[str, dict[str, Any]]:
    by_owner: dict[str, dict[str, Any]] = {}  # routes have one spelling of each owner
    for route in routes:
        if route.owner in by_owner:
            by_owner[route.owner]["providers"].append(route.provider)
        else:
            by_owner[route.owner] = {
                "owner": route.owner,
                "providers": [route.provider],
                "acknowledgement_minutes": route.acknowledgement_minutes,
                "escalation_owner": route.escalation_owner,
            }
    return by_owner
