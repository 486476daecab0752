"""Decides for every route of a schedule whether it is notified, why, and if not, until when."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import msgspec

from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.utc import write_instant
from rollback_drills.names import ids
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import Suppression
from rollback_drills.planning.category import Action, Category
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.repeats import NEVER_NOTIFIED, REPEAT_AFTER, RepeatDecision, decide_repeat
from rollback_drills.planning.routes import Route
from rollback_drills.planning.suppression_rules import (
    Context,
    RouteFacts,
    Suppressed,
    suppress_route,
    suppress_schedule,
)
from rollback_drills.planning.windows_and_absences import (
    NamedWindow,
    OwnerAvailability,
    Suppressions,
)
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.states import AT_REST, Readiness
from rollback_drills.redaction.computed import Computed

_AVAILABLE: Final = OwnerAvailability(available=True, reason="")
_NOT_SENT: Final = RepeatDecision(None)
_STATES: Final = {
    Readiness.READY: "the drill is up to date",
    Readiness.NOT_REQUESTED: "no drill is asked for",
    Readiness.DUE_SOON: "the drill is due soon",
    Readiness.NEEDS_ATTENTION: "the drill needs attention",
}
# Python 3.11 looks up members of enumerations slowly, and these are needed for every route.
_DELIVER, _SUPPRESS = Action.DELIVER, Action.SUPPRESS
_TO_DELIVER: Final = Category.DELIVER


class RouteDecision(msgspec.Struct, frozen=True, gc=False):
    """What a plan decides for one route (contract §4)."""

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
    """When a suppressed route can be notified at the earliest; None if that is not known."""
    notification_reason: Reason | None
    """Why the owner is notified, now or when a window or absence ends; None if nothing is to be sent."""
    occurrence: int
    """Sequence number, from 1, among the notifications of the route with this reason, or its deferrals."""
    replaces: tuple[Computed, ...]
    """Unsent notifications that this one makes pointless."""

    @property
    def is_delivered(self) -> bool:
        """Whether the owner is notified now."""
        return self.action is Action.DELIVER

    @property
    def sent_reason(self) -> Reason:
        """The reason of the notification in the outbox."""
        if self.notification_reason is None or not self.is_delivered:
            return Reason.DEFERRED
        return self.notification_reason

    @property
    def notification_id(self) -> str:
        """The id of what the decision puts into the outbox, also of a deferred notification.

        Empty if it puts nothing there.
        """
        if self.notification_reason is None:
            return ""
        return ids.notification_id(self.route_key, self.sent_reason, self.occurrence)


def decide_routes(routes: Sequence[Route], context: Context) -> list[RouteDecision]:
    """Return the route decisions of contract §4, in the order of the routes.

    An owner is decided about once for all providers, unless a window names providers, or something was sent
    on the route: then the decision depends on the provider.
    """
    whole = suppress_schedule(context)
    sent, spelt = context.request.notified, context.request.spelt
    names_providers = context.suppressions.names_providers
    by_owner: dict[str, RouteDecision] = {}
    decisions = []
    for route, key in zip(routes, ids.route_keys(context.cycle.cycle_id, routes), strict=True):
        if names_providers or (sent and (key in sent or key in spelt)):
            decision = _decide(route, key, context, whole)
        elif known := by_owner.get(route.owner):
            decision = msgspec.structs.replace(known, route_key=key, provider=route.provider)
        else:
            decision = by_owner[route.owner] = _decide(route, key, context, whole)
        decisions.append(decision)
    return decisions


def make_context(cycle: Cycle, schedule: Schedule | None, request: PlanRequest, *, now: datetime) -> Context:
    """Put together what is the same for every route of a schedule."""
    state = cycle.retired or _STATES[cycle.status]
    return Context(
        cycle,
        request,
        Suppressions(cycle.schedule_id, schedule, request.policy),
        find_repeat_after(schedule, request.policy) if request.notified else REPEAT_AFTER,
        now,
        state,
        f"{state}, and the notification is forced" if request.force else state,
        bool(cycle.retired) or (not request.force and cycle.status in AT_REST),
    )


def find_repeat_after(*sources: RoutingPolicy | None) -> Mapping[Readiness, timedelta]:
    """Return how long repeats are suppressed; the policy of the caller comes last and wins."""
    found = REPEAT_AFTER
    for source in sources:
        if source is not None and (given := source.repeat_after_days) is not None:
            days = {Readiness.DUE_SOON: given.due_soon, Readiness.NEEDS_ATTENTION: given.needs_attention}
            found = {**found, **{state: timedelta(days=each) for state, each in days.items() if each}}
    return found


def find_facts(route: Route, context: Context) -> RouteFacts:
    """Return what is known of a route now, as a trace of its decision needs it."""
    suppressions, now = context.suppressions, context.now
    window, absence = suppressions.find_window(route, now), suppressions.find_absence(route.owner, now)
    return RouteFacts(route, window, absence, _find_repeat(_find_keys(route, context), context))


def find_change(route: Route, context: Context) -> datetime | None:
    """Return when a route that is not notified now can be next, or when its deferral begins.

    Only what passes by itself counts: a quiet time, a window, an absence. None if nothing of it does.
    """
    repeat = _find_repeat(_find_keys(route, context), context)
    return repeat.quiet_until or context.suppressions.defer(route, context.now).until


def _find_keys(route: Route, context: Context) -> Sequence[str]:
    """Return the keys of a route; it has several only from former versions."""
    key = ids.route_key(context.cycle.cycle_id, route.provider, route.owner)
    return context.request.spelt.get(key, (key,))


def _decide(route: Route, key: str, context: Context, whole: Suppressed | None) -> RouteDecision:
    suppressions, now = context.suppressions, context.now
    window = suppressions.find_window(route, now)
    absence = suppressions.find_absence(route.owner, now)
    keys = context.request.spelt.get(key, (key,))
    if whole is None:
        repeat = _find_repeat(keys, context)
        suppressed = suppress_route(RouteFacts(route, window, absence, repeat), context)
    else:
        repeat, suppressed = _NOT_SENT, whole
    if suppressed is None:
        action, category, reason = _DELIVER, _TO_DELIVER, context.delivery_reason
        until, occurrence = None, repeat.occurrence
    else:
        action, category, reason = _SUPPRESS, suppressed.category, suppressed.reason
        until, occurrence = suppressed.until, repeat.deferral
    return RouteDecision(
        keys[0],
        context.cycle.schedule_id,
        route.provider,
        route.owner,
        route.acknowledgement_minutes,
        route.escalation_owner,
        None if window is None else suppressions.write(window),
        _AVAILABLE if absence is None else absence.write(),
        action,
        category,
        reason,
        None if until is None else write_instant(until),
        repeat.reason,
        occurrence,
        repeat.replaces,
    )


def _find_repeat(keys: Sequence[str], context: Context) -> RepeatDecision:
    """Decide from the earlier notifications of a route."""
    request = context.request
    if not request.notified:
        return NEVER_NOTIFIED
    return decide_repeat(
        request.notified.get(keys[0], ()),
        context.cycle.status,
        now=context.now,
        repeat_after=context.repeat_after,
        acknowledged=_find_acknowledgement(request, keys),
        force=request.force,
    )


def _find_acknowledgement(request: PlanRequest, keys: Sequence[str]) -> Suppression | None:
    """Return the acknowledgement that holds longest."""
    found = (request.acknowledged.get(key) for key in keys)
    return max(filter(None, found), key=attrgetter("until"), default=None)
