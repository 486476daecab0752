"""Why a route is suppressed: the rules in their order. The first one that answers decides.

Those of a schedule are asked first, once for all its routes. A new reason to suppress notifications is one
function here, and one line in `SCHEDULE_RULES` or `ROUTE_RULES`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollback_drills.documents.maintenance_windows import MaintenanceWindow
from rollback_drills.planning.category import Category
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.repeats import RepeatDecision
from rollback_drills.planning.routes import Route
from rollback_drills.planning.windows_and_absences import Absence, Suppressions
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.sentences import one_line


class Suppressed(msgspec.Struct, frozen=True, gc=False):
    """Why a route is not notified."""

    category: Category
    reason: str
    until: datetime | None = None
    """When the route can be notified at the earliest; None if that is not known."""


class Context(msgspec.Struct, frozen=True, gc=False):
    """What is the same for every route of a schedule."""

    cycle: Cycle
    request: PlanRequest
    suppressions: Suppressions
    repeat_after: Mapping[Readiness, timedelta]
    now: datetime
    state: str
    """The state of the schedule in words."""
    delivery_reason: str
    """What decisions to notify give as their reason."""
    is_healthy: bool
    """Whether nobody needs to be notified; never if the caller forces it."""


class RouteFacts(msgspec.Struct, frozen=True, gc=False):
    """What is known of one route now."""

    route: Route
    window: MaintenanceWindow | None
    absence: Absence | None
    repeat: RepeatDecision
    """Whether the route would be notified if there were no windows and absences."""


def distrusted(context: Context) -> Suppressed | None:
    """Suppress everything if the drill history is not trusted."""
    distrust = context.request.distrusted.get(context.cycle.schedule_id)
    if not distrust:
        return None
    return Suppressed(Category.OTHER, f"the drill history is not trusted: {distrust}")


def healthy(context: Context) -> Suppressed | None:
    """Suppress what nobody needs to know, unless the caller forces it."""
    if not context.is_healthy:
        return None
    return Suppressed(Category.HEALTHY_SCHEDULE, f"{context.state}; no notification is needed")


def excepted(context: Context) -> Suppressed | None:
    """Suppress everything while the cycle is skipped, postponed or waived."""
    exception = context.request.excepted.get(context.cycle.cycle_id)
    return Suppressed(Category.OTHER, exception.because, exception.until) if exception else None


def in_window(facts: RouteFacts, context: Context) -> Suppressed | None:
    """Defer the notification while a maintenance window is open."""
    window = facts.window
    if window is None:
        return None
    deferral = context.suppressions.defer(facts.route, facts.repeat.quiet_until or window.end_at)
    name, why = window.window_id or "without an id", one_line(window.reason) or "no reason"
    reason = f"maintenance window {name}: {why}{deferral.note}"
    return Suppressed(Category.MAINTENANCE_WINDOW, reason, deferral.until)


def absent(facts: RouteFacts, context: Context) -> Suppressed | None:
    """Defer the notification while the owner is absent."""
    if facts.absence is None:
        return None
    deferral = context.suppressions.defer(facts.route, facts.repeat.quiet_until or context.now)
    reason = f"{facts.route.owner} cannot be notified: {one_line(facts.absence.reason)}{deferral.note}"
    return Suppressed(Category.OWNER_CALENDAR, reason, deferral.until)


def notified_recently(facts: RouteFacts, context: Context) -> Suppressed | None:
    """Suppress repeats until they are due, or until an acknowledgement ends."""
    if facts.repeat.quiet_until is None:
        return None
    deferral = context.suppressions.defer(facts.route, facts.repeat.quiet_until)
    return Suppressed(Category.ALREADY_NOTIFIED, facts.repeat.because + deferral.note, deferral.until)


def undelivered(facts: RouteFacts, _: Context) -> Suppressed | None:
    """Suppress everything while an earlier notification of the route is under way."""
    if facts.repeat.reason is not None:
        return None
    return Suppressed(Category.OTHER, facts.repeat.because)


SCHEDULE_RULES: Final[tuple[Callable[[Context], Suppressed | None], ...]] = (distrusted, healthy, excepted)
"""What suppresses every route of a schedule, in the order in which it is asked."""
ROUTE_RULES: Final[tuple[Callable[[RouteFacts, Context], Suppressed | None], ...]] = (
    in_window,
    absent,
    notified_recently,
    undelivered,
)
"""What suppresses one route, in the order in which it is asked."""


def suppress_schedule(context: Context) -> Suppressed | None:
    """Return why all routes of a schedule are suppressed; None if each is looked at."""
    for rule in SCHEDULE_RULES:
        if suppressed := rule(context):
            return suppressed
    return None


def suppress_route(facts: RouteFacts, context: Context) -> Suppressed | None:
    """Return why a route is suppressed; None if its owner is to be notified."""
    for rule in ROUTE_RULES:
        if suppressed := rule(facts, context):
            return suppressed
    return None
