"""Small builders of documents and judgements."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rollback_drills.documents.fleet import Subject
from rollback_drills.documents.history import History
from rollback_drills.documents.reading import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.judging import Judgement, find_due, judge, plan_at_once
from rollback_drills.readiness.terms import Criteria, Report
from rollback_drills.routing.decisions import PlanRequest

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)

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


def judged(subject: Subject, *, now: datetime = NOW, criteria: Criteria | None = None) -> Judgement:
    """Judge a subject."""
    return judge(subject, find_due(subject, now=now), criteria or Criteria(), now=now)


def planned(subject: Subject, request: PlanRequest | None = None, *, now: datetime = NOW) -> Report:
    """Judge and plan a subject."""
    return plan_at_once(subject, judged(subject, now=now), request or PlanRequest(), now=now)


def check_of(report: Report, check_id: str) -> dict[str, str]:
    """Give one check of a report by the end of its id."""
    (found,) = [each for each in report["checks"] if each["id"].endswith(check_id)]
    result: dict[str, str] = found
    return result
