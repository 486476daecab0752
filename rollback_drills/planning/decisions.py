"""Decides for every route whether it is told, with the reason and, if not, until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, Literal

from rollback_drills import ids
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.notifications.told import Quiet, Told
from rollback_drills.planning.repeats import REPEAT_AFTER, Telling, find_spelt_routes, find_telling
from rollback_drills.planning.routes import Route
from rollback_drills.planning.suppression import Absence, Suppressions
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.terms import Readiness

Category = Literal[
    "deliver", "healthy_schedule", "maintenance_window", "owner_calendar", "already_notified", "other"
]
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
_QUIET: Final = Telling(None)
_NEVER_TOLD: Final = find_telling((), Readiness.NEEDS_ATTENTION, now=datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What the caller asks of a plan; the same for every schedule of a fleet."""

    requested: frozenset[str] | None = None
    """The providers asked for; None means all."""
    force: bool = False
    policy: RoutingPolicy | None = None
    connectors: Sequence[str] = ()
    """Names of configured connectors, for schedules that name no provider."""
    told: Mapping[str, Sequence[Told]] = field(default_factory=dict)
    """By route key: what was told before, in its order. Empty means: plan as if nothing was."""
    acknowledged: Mapping[str, Quiet] = field(default_factory=dict)
    """By route key: the last acknowledgement."""
    excepted: Mapping[str, Quiet] = field(default_factory=dict)
    """By cycle: the skip, postponement or waiver that holds."""
    distrusted: Mapping[str, str] = field(default_factory=dict)
    """By schedule why its history is not trusted; nobody is told of it."""
    spelt: Mapping[str, Sequence[str]] = field(init=False)
    """By route key of now: the keys that its routes got before names had one identity."""

    def __post_init__(self) -> None:
        """Find the routes of before."""
        object.__setattr__(self, "spelt", find_spelt_routes(self.told))


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
    repeat_after = find_repeat_after(schedule, request.policy)
    return [
        _decide(route, cycle, suppressions, request, now, nothing_to_tell, repeat_after) for route in routes
    ]


def find_repeat_after(*sources: RoutingPolicy | None) -> Mapping[Readiness, timedelta]:
    """Give how long routes stay quiet; the policy of the caller comes last and wins."""
    found = REPEAT_AFTER
    for source in sources:
        if source is not None and (given := source.repeat_after_days) is not None:
            days = {Readiness.DUE_SOON: given.due_soon, Readiness.NEEDS_ATTENTION: given.needs_attention}
            found = {**found, **{state: timedelta(days=each) for state, each in days.items() if each}}
    return found


def _decide(
    route: Route,
    cycle: Cycle,
    suppressions: Suppressions,
    request: PlanRequest,
    now: datetime,
    nothing_to_tell: str,
    repeat_after: Mapping[Readiness, timedelta],
) -> dict[str, Any]:
    key = ids.route_key(cycle.cycle_id, route.provider, route.owner)
    if keys := request.spelt.get(key):
        key = keys[0]
    window = suppressions.find_window(route, now)
    absence = suppressions.find_absence(route.owner, now)
    distrust = request.distrusted.get(cycle.schedule_id)
    category: Category
    until: datetime | None = None
    telling = _NEVER_TOLD
    if request.told and not nothing_to_tell:
        history = request.told.get(key, ())
        telling = find_telling(
            history,
            cycle.status,
            now=now,
            repeat_after=repeat_after,
            acknowledged=_find_acknowledged(request, keys or (key,)),
            force=request.force,
        )
    quiet = telling.quiet_until
    excepted = request.excepted.get(cycle.cycle_id)
    if distrust:
        category, reason, telling = "other", f"the drill history is not trusted: {distrust}", _QUIET
    elif nothing_to_tell:
        category, reason, telling = "healthy_schedule", nothing_to_tell, _QUIET
    elif excepted:
        category, reason, until, telling = "other", excepted.because, excepted.until, _QUIET
    elif window:
        category, until = "maintenance_window", suppressions.deferred_until(route, quiet or window.end_at)
        reason = f"maintenance window {window.window_id or 'without an id'}: {window.reason or 'no reason'}"
    elif absence:
        category, until = "owner_calendar", suppressions.deferred_until(route, quiet or now)
        reason = f"{route.owner} cannot be told: {absence.reason}"
    elif quiet:
        category, until = "already_notified", suppressions.deferred_until(route, quiet)
        reason = telling.because
    elif telling.reason is None:
        category, reason = "other", telling.because
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
        "notification_reason": telling.reason,
        "occurrence": telling.occurrence if category == "deliver" else telling.deferral,
        "replaces": telling.replaces,
    }


def _find_acknowledged(request: PlanRequest, keys: Sequence[str]) -> Quiet | None:
    """Return the acknowledgement that holds longest; a route has several keys only from before."""
    said = (request.acknowledged.get(key) for key in keys)
    return max(filter(None, said), key=attrgetter("until"), default=None)


def _absence(absence: Absence) -> dict[str, Any]:
    period = absence.period.to_wire() if absence.period else {}
    return {**period, "available": False, "reason": absence.reason}
