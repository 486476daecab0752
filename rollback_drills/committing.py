"""Turns the plans of a run into what is committed to the outbox."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rollback_drills.closing import Closing, find_closings
from rollback_drills.delivery.reasons import Reason
from rollback_drills.delivery.states import WAITING
from rollback_drills.documents.fleet import Subject
from rollback_drills.judging import Judgement
from rollback_drills.notification import Notification, build_notifications
from rollback_drills.outbox.intake import Departure, Entry, Hold
from rollback_drills.readiness.terms import Readiness, Report
from rollback_drills.routing.decisions import PlanRequest, name_notification
from rollback_drills.routing.telling import Told

_KEPT_BACK = ("maintenance_window", "owner_calendar")


def known_names(subjects: Sequence[Subject], judgements: Sequence[Judgement]) -> list[str]:
    """Give every name under which the schedules may stand in the outbox: their ids, and their paths."""
    names = [judgement.cycle.schedule_id for judgement in judgements]
    return names + [subject.schedule.path for subject in subjects if subject.schedule]


def find_entries(judgement: Judgement, plan: Report, evidence_head: str = "") -> Iterator[Entry]:
    """Give what a plan commits: its notifications, and the places of those that are kept back."""
    # in the order of the decisions to deliver
    of_deliveries = build_notifications(judgement.schedule, plan, evidence_head)
    for decision in plan["route_decisions"]:
        its_id = name_notification(decision)
        if decision["action"] == "deliver":
            yield _entry(judgement, plan, decision, its_id, next(of_deliveries))
        elif decision["category"] in _KEPT_BACK and its_id:
            yield _entry(judgement, plan, decision, its_id, None)


def find_holds(plan: Report, request: PlanRequest, *, now: datetime) -> Iterator[Hold]:
    """Give what waits for another attempt on routes that are silent now; without a known end, for a day."""
    for decision in plan["route_decisions"]:
        if decision["category"] in _KEPT_BACK:
            until = decision["deferred_until"]
            for told in request.told.get(decision["route_key"], ()):
                if told.state in WAITING:
                    end = datetime.fromisoformat(until) if until else now + timedelta(days=1)
                    yield Hold(told.notification_id, end)


def find_departures(
    subjects: Sequence[Subject],
    judgements: Sequence[Judgement],
    plans: Sequence[Report],
    request: PlanRequest,
    *,
    now: datetime,
) -> tuple[list[Entry], list[Departure]]:
    """Give the messages that close cycles that are over, and the routes that leave one without a word."""
    by_schedule: dict[str, dict[str, Sequence[Told]]] = {}
    for route_key, history in request.told.items():
        by_schedule.setdefault(history[-1].schedule_id, {})[route_key] = history
    entries, departures = [], []
    for subject, judgement, plan in zip(subjects, judgements, plans, strict=True):
        path = subject.schedule.path if subject.schedule else ""
        histories = by_schedule.get(judgement.cycle.schedule_id, {}) | by_schedule.get(path, {})
        for closing in find_closings(subject, judgement, plan, request, histories, now=now):
            if closing.notification is None:
                departures.append(Departure(closing.route_key, closing.ending.replaces))
            else:
                entries.append(_closing_entry(closing, closing.notification, plan))
    return entries, departures


def _entry(
    judgement: Judgement,
    plan: Report,
    decision: Mapping[str, Any],
    notification_id: str,
    notification: Notification | None,
) -> Entry:
    return Entry(
        notification_id=notification_id,
        route_key=decision["route_key"],
        cycle_id=plan["cycle_id"],
        schedule_id=plan["schedule_id"],
        provider=decision["provider"],
        owner=decision["owner"],
        reason=Reason(decision["notification_reason"]) if notification else Reason.DEFERRED,
        status=judgement.readiness,
        cycle_due=plan["next_due_at"] or "",
        planned_at=datetime.fromisoformat(plan["generated_at"]),
        notification=notification,
        replaces=decision["replaces"],
        # A healthy schedule that is told because somebody forced it opens nothing.
        closes=judgement.readiness in (Readiness.READY, Readiness.NOT_REQUESTED),
    )


def _closing_entry(closing: Closing, notification: Notification, plan: Report) -> Entry:
    return Entry(
        notification_id=notification.notification_id,
        route_key=closing.route_key,
        cycle_id=closing.opened.cycle_id,
        schedule_id=closing.opened.schedule_id,
        provider=notification.provider,
        owner=notification.owner,
        reason=Reason.RESOLVED,
        status=closing.opened.status,
        cycle_due=closing.opened.due_at,
        planned_at=datetime.fromisoformat(plan["generated_at"]),
        notification=notification,
        replaces=closing.ending.replaces,
        closes=True,
    )
