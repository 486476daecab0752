"""Turns the plans of a run into what is committed to the outbox."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

import msgspec
from msgspec import UNSET

from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.names import ids
from rollback_drills.names.ids import SOURCE_ID
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outbox_entry import Departure, Hold, OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import WAITING
from rollback_drills.planning.closings import Closing, find_closings
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.escalation_chain import Chain, resolve_chains
from rollback_drills.planning.event import build_event
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.notification_text import build_notification
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import Route
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import AT_REST


def known_names(subjects: Sequence[Subject], judgements: Sequence[Judgement]) -> list[str]:
    """Return every name under which the schedules and their source may be in the outbox: ids and paths."""
    names = [SOURCE_ID, *(judgement.cycle.schedule_id for judgement in judgements)]
    return names + [name for subject in subjects for name in _names_without_id(subject)]


def _names_without_id(subject: Subject) -> tuple[str, ...]:
    """Return the names of a document while it had no id that could be read."""
    source = subject.schedule
    return (source.identity, *source.former_identities) if source else ()


def find_entries(
    check: ScheduleCheck, request: PlanRequest, evidence_head: str = ""
) -> Iterator[OutboxEntry]:
    """Yield what a plan commits: its notifications, and those that are deferred.

    Each carries the escalation chain of its owner, frozen as it is now, and the head of the evidence, size
    and root: a copy outside the database, which shows later whether the evidence was changed.
    """
    judgement, plan = check.judgement, check.plan
    wanted = find_commitments(plan.route_decisions, check.schedule, request)
    if not wanted:
        return
    event = build_event(judgement.schedule_report, plan)
    calendars = Suppressions(check.schedule_id, check.schedule, request.policy)
    for decision, of_owner in wanted:
        own_event = msgspec.structs.replace(
            event,
            evidence_head=evidence_head or UNSET,
            escalation_chain=of_owner,
            deferred_until=decision.deferred_until,
            deferred_by=None if decision.is_delivered else decision.category,
        )
        owner_key = _find_owner_key(decision, request)
        notification = build_notification(
            judgement.schedule_report,
            plan,
            own_event,
            decision,
            owner_key,
            calendars.find_time_zone(decision.owner),
        )
        yield _entry(judgement, plan, decision, notification)


def find_commitments(
    decisions: Sequence[RouteDecision], schedule: Schedule | None, request: PlanRequest
) -> list[tuple[RouteDecision, Chain]]:
    """Return the decisions that put a notification into the outbox, each with the chain of its owner."""
    wanted = [each for each in decisions if _is_committed(each)]
    if not wanted:
        return []
    routes = [
        Route(each.owner, each.provider, each.acknowledgement_minutes, each.escalation_owner)
        for each in decisions
    ]
    owners = [each.owner for each in wanted]
    chains = resolve_chains(routes, schedule, request.policy, of=owners)
    return [(each, chains[each.owner]) for each in wanted]


def _is_committed(decision: RouteDecision) -> bool:
    return decision.notification_reason is not None and (
        decision.is_delivered or decision.category.is_deferral
    )


def _find_owner_key(decision: RouteDecision, request: PlanRequest) -> str | None:
    """Return what stands for the owner of a route that was notified before; None if it was not."""
    key = decision.route_key
    if key not in request.notified:
        return None
    first = request.notified[key][0]
    return ids.owner_reference(key, first.cycle_id, first.provider, first.owner)


def find_holds(plans: Iterable[Plan], request: PlanRequest, *, now: datetime) -> Iterator[Hold]:
    """Yield what waits for another attempt on deferred routes; without a known end, for a day."""
    for decision in chain.from_iterable(each.route_decisions for each in plans) if request.notified else ():
        if decision.category.is_deferral:
            until = decision.deferred_until
            for sent in request.notified.get(decision.route_key, ()):
                if sent.state in WAITING:
                    end = datetime.fromisoformat(until) if until else now + timedelta(days=1)
                    yield Hold(sent.notification_id, end)


def find_departures(
    checks: Sequence[ScheduleCheck],
    request: PlanRequest,
    *,
    now: datetime,
    clock: datetime,
) -> tuple[list[OutboxEntry], list[Departure]]:
    """Return the messages that close cycles, and the routes that are closed without one.

    `now` and `clock` are those of `find_closings`.
    """
    by_name: dict[str, dict[str, Sequence[SentNotification]]] = {}
    by_path: dict[str, dict[str, Sequence[SentNotification]]] = {}
    for route_key, history in request.notified.items():
        name = history[-1].schedule_id
        by_name.setdefault(name_key(name), {})[route_key] = history
        by_path.setdefault(name, {})[route_key] = history
    entries, departures = [], []
    for check in checks if request.notified else ():
        if check.schedule_id in request.distrusted:
            continue
        histories = by_name.get(name_key(check.schedule_id), {})
        for name in _names_without_id(check.subject):
            histories = histories | by_path.get(name, {})
        for closing in find_closings(check, request, histories, now=now, clock=clock) if histories else ():
            if closing.notification is None:
                departures.append(Departure(closing.route_key, closing.ending.replaces))
            else:
                entries.append(_closing_entry(closing, closing.notification, check.plan))
    return entries, departures


def _entry(
    judgement: Judgement, plan: Plan, decision: RouteDecision, notification: Notification
) -> OutboxEntry:
    return OutboxEntry(
        notification_id=notification.notification_id,
        route_key=decision.route_key,
        cycle_id=plan.cycle_id,
        schedule_id=plan.schedule_id,
        provider=decision.provider,
        owner=decision.owner,
        reason=decision.sent_reason,
        status=judgement.readiness,
        cycle_due=plan.next_due_at or "",
        planned_at=datetime.fromisoformat(plan.generated_at),
        notification=notification,
        is_kept_back=not decision.is_delivered,
        replaces=decision.replaces,
        # A forced notification of a healthy schedule opens nothing.
        closes=judgement.readiness in AT_REST,
    )


def _closing_entry(closing: Closing, notification: Notification, plan: Plan) -> OutboxEntry:
    return OutboxEntry(
        notification_id=notification.notification_id,
        route_key=closing.route_key,
        cycle_id=closing.opened.cycle_id,
        schedule_id=closing.opened.schedule_id,
        provider=notification.provider,
        owner=notification.owner,
        reason=Reason.RESOLVED,
        status=closing.opened.status,
        cycle_due=closing.opened.due_at,
        planned_at=datetime.fromisoformat(plan.generated_at),
        notification=notification,
        replaces=closing.ending.replaces,
        closes=True,
    )
