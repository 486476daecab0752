"""Decides for every route whether it is told, with the reason and, if not, until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from rollback_drills import identity
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.readiness.terms import Readiness
from rollback_drills.routing.repeats import Told, quiet_until
from rollback_drills.routing.routes import Route
from rollback_drills.routing.suppression import Absence, Suppressions

Category = Literal["deliver", "healthy_schedule", "maintenance_window", "owner_calendar", "already_notified"]
"""Why a route is told or not (contract §4)."""


_STATES: Final = {
    Readiness.READY: "the drill is up to date",
    Readiness.NOT_REQUESTED: "no drill is asked for",
    Readiness.DUE_SOON: "the drill is due soon",
    Readiness.NEEDS_ATTENTION: "the drill needs attention",
}
_NOTHING_TO_TELL: Final = {
    healthy: f"{_STATES[healthy]}; there is nothing to tell"
    for healthy in (Readiness.READY, Readiness.NOT_REQUESTED)
}
_AVAILABLE: Final = {"available": True, "reason": ""}


class Cycle(msgspec.Struct, frozen=True):
    """The unit that is notified: one schedule and one due instant (contract §8.5), and its state."""

    schedule_id: str
    """The id of the schedule, or the path of a document that has none (contract §8.6)."""
    cycle_id: str
    status: Readiness


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What the caller asks of a plan; the same for every schedule of a fleet."""

    requested: frozenset[str] | None = None
    """The providers asked for; None means all."""
    force: bool = False
    policy: RoutingPolicy | None = None
    connectors: Sequence[str] = ()
    """Names of configured connectors, for schedules that name no provider."""
    told: Mapping[str, Told] = field(default_factory=dict)
    """By route key: what was told before. Empty means: plan as if nothing was."""


def decide_routes(
    routes: Sequence[Route],
    cycle: Cycle,
    schedule: Schedule | None,
    request: PlanRequest,
    *,
    now: datetime,
) -> list[dict[str, Any]]:
    """Give the route decisions of contract §4 in the order of the routes."""
    suppressions = Suppressions(cycle.schedule_id, schedule, request.policy)
    nothing_to_tell = "" if request.force else _NOTHING_TO_TELL.get(cycle.status, "")
    return [_decide(route, cycle, suppressions, request, now, nothing_to_tell) for route in routes]


def _decide(
    route: Route,
    cycle: Cycle,
    suppressions: Suppressions,
    request: PlanRequest,
    now: datetime,
    nothing_to_tell: str,
) -> dict[str, Any]:
    key = identity.route_key(cycle.cycle_id, route.provider, route.owner)
    window = suppressions.find_window(route, now)
    absence = suppressions.find_absence(route.owner, now)
    category: Category
    quiet, until = None, None
    if request.told and not request.force:
        quiet = quiet_until(request.told.get(key), cycle.status, now=now)
    if nothing_to_tell:
        category, reason = "healthy_schedule", nothing_to_tell
    elif window:
        category, until = "maintenance_window", suppressions.deferred_until(route, quiet or window.end_at)
        reason = f"maintenance window {window.window_id or 'without an id'}: {window.reason or 'no reason'}"
    elif absence:
        category, until = "owner_calendar", suppressions.deferred_until(route, quiet or now)
        reason = f"{route.owner} cannot be told: {absence.reason}"
    elif quiet:
        category, until = "already_notified", suppressions.deferred_until(route, quiet)
        reason = f"told in this cycle already, at {write_instant(request.told[key].at)}"
    else:
        category, reason = "deliver", _STATES[cycle.status]
        if request.force:
            reason = f"{reason}, and telling is forced"
    return {
        "route_key": key,
        "schedule_id": cycle.schedule_id,
        "provider": route.provider,
        "owner": route.owner,
        "acknowledgement_minutes": route.acknowledgement_minutes,
        "escalation_owner": route.escalation_owner,
        "maintenance_window": suppressions.write(window) if window else None,
        "owner_availability": _absence(absence) if absence else _AVAILABLE,
        "action": "deliver" if category == "deliver" else "suppress",
        "category": category,
        "reason": reason,
        "deferred_until": write_instant(until) if until else None,
    }


def _absence(absence: Absence) -> dict[str, Any]:
    period = absence.period.to_wire() if absence.period else {}
    return {**period, "available": False, "reason": absence.reason}
