"""Small builders of documents and judgements."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from rollback_drills.documents.history import History
from rollback_drills.documents.plain_json import to_plain
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import State
from rollback_drills.planning.event import build_event
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.notification_text import build_notification
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement, find_due, judge
from rollback_drills.readiness.reports import Check, HistoryReport, ScheduleReport
from rollback_drills.readiness.states import Readiness

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
KEY = SigningKey("rollback-drills/0123456789abcdef", bytes(32))


def open_key(_: PublicKey | None) -> SigningKey:
    """Open a key for the ledger that is always the same."""
    return KEY


SCHEDULE: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
    "schedule_id": "payments",
    "environment": "production",
    "status": "active",
    "interval_days": 30,
    "next_due_at": "2026-11-27T09:00:00Z",
    "owners": ["team-a", "team-b"],
    "notification_providers": ["slack", "teams"],
    "runbook_ref": "docs/runbook.md",
}
DRILL: Mapping[str, Any] = {
    "drill_id": "drill-1",
    "executed_at": "2026-11-20T09:00:00Z",
    "actor": "release-agent",
    "source_mode": "promoted",
    "target_mode": "disabled",
    "status": "pass",
    "fallback_verified": True,
    "recovery_minutes": 7,
    "max_recovery_minutes": 15,
    "runbook_ref": "docs/runbook.md",
    "evidence_refs": ["go-rollback-drill://ci/run-1"],
}


def written(document: Mapping[str, Any]) -> bytes:
    """Write a document; what is None is left out."""
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


def make_subject(drills: list[Mapping[str, Any]] | None = None, **changes: Any) -> Subject:
    """Make a schedule with changes, and a history of the given drills; None for no history."""
    schedule = parse_document(Schedule, written({**SCHEDULE, **changes}), "schedule.json")
    assert schedule.document, schedule.problem
    history = None
    if drills is not None:
        document = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": drills}
        history = parse_document(History, written(document), "history.json")
        assert history.document, history.problem
    return Subject(schedule, history)


def called(subject: Subject, name: str) -> Subject:
    """Change the schedule id of a subject, also one that a document is refused for."""
    assert subject.schedule
    assert subject.schedule.document
    document = msgspec.structs.replace(subject.schedule.document, schedule_id=name)
    return msgspec.structs.replace(
        subject, schedule=msgspec.structs.replace(subject.schedule, document=document)
    )


def judged(subject: Subject, *, now: datetime = NOW, criteria: Criteria | None = None) -> Judgement:
    """Judge a subject."""
    return judge(subject, find_due(subject, now=now), criteria or Criteria(), now=now)


def checked(subject: Subject, request: PlanRequest | None = None, *, now: datetime = NOW) -> ScheduleCheck:
    """Judge and plan a subject, and return the whole check."""
    check = ScheduleCheck(subject, judged(subject, now=now))
    check.plan_at_once(request or PlanRequest(), now=now)
    return check


def planned(subject: Subject, request: PlanRequest | None = None, *, now: datetime = NOW) -> Plan:
    """Judge and plan a subject."""
    return checked(subject, request, now=now).plan


def plan_of(subject: Subject, request: PlanRequest | None = None, *, now: datetime = NOW) -> dict[str, Any]:
    """Judge and plan a subject, and write the plan as JSON has it."""
    return to_plain(planned(subject, request, now=now))


def check_of(report: HistoryReport | ScheduleReport, check_id: str) -> Check:
    """Return one check of a report by the end of its id."""
    (found,) = [each for each in report.checks if each.id.endswith(check_id)]
    return found


def make_told(
    number: int = 1,
    *,
    at: datetime = NOW,
    state: State = State.DELIVERED,
    status: Readiness = Readiness.NEEDS_ATTENTION,
    reason: Reason = Reason.FIRST,
    **changes: Any,
) -> SentNotification:
    """Make one notification of a route, as the outbox tells of it."""
    route = {"schedule_id": "payments", "cycle_id": "gordcycle-1", "provider": "slack", "owner": "team-a"}
    return SentNotification(
        f"gordmsg-{number}", **{**route, **changes}, reason=reason, status=status, at=at, state=state
    )


def build_notifications(schedule_report: ScheduleReport, plan: Plan, **facts: Any) -> Iterator[Notification]:
    """Word a notification for every route of a plan that is to be told."""
    event = msgspec.structs.replace(build_event(schedule_report, plan), **facts)
    for decision in plan.route_decisions:
        if decision.is_delivered:
            yield build_notification(schedule_report, plan, event, decision)
