"""Small ledgers as runs and imports leave them, for the tests of what looks back on them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.checks.population import Concluded, Population, name_population
from rollback_drills.evidence.imported_index import import_records
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.names import ids
from rollback_drills.planning.finding import find_finding
from rollback_drills.planning.plan_request import PlanRequest
from tests.samples.builders import NOW, checked, judged, make_subject, open_key, planned

WINDOW: Mapping[str, Any] = {
    "window_id": "freeze",
    "start_at": "2020-01-01T00:00:00Z",
    "end_at": "2030-01-01T00:00:00Z",
    "owners": ["team-b"],
    "reason": "production change freeze",
}
"""Keeps team-b silent; team-a is told."""


def at(text: str) -> datetime:
    """Read an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def append_plan(database: Database, created_at: datetime = NOW, **changes: Any) -> PlainJson:
    """Plan an overdue schedule with changes, and append the plan and its four decisions at an instant."""
    subject = make_subject([], **changes)
    plan = planned(subject, PlanRequest(), now=NOW)
    # as a run would name it that judged at this instant
    plan = msgspec.structs.replace(plan, plan_id=ids.plan_id(plan.cycle_id, created_at.isoformat()))
    session = ids.delivery_session_id(plan.schedule_id, plan.plan_id)
    schedule = judged(subject, now=NOW).schedule
    append(
        database,
        list(record_plan(plan, schedule, session, created_at=created_at, signer="drill-check")),
        open_key,
    )
    return to_plain(plan)


def append_check(
    database: Database, created_at: datetime, *schedules: Mapping[str, Any], name: str = "fleet"
) -> None:
    """Check overdue schedules, each with changes, and append what a run writes down at an instant."""
    population = name_population(name, requested=None)
    concluded = []
    for changes in schedules:
        check = checked(make_subject([], **changes), now=NOW)
        session = ids.delivery_session_id(check.schedule_id, check.plan.plan_id)
        facts = check.judgement.schedule
        record = partial(record_plan, check.plan, facts, session, created_at=created_at, signer="drill-check")
        digest = find_finding(check).digest()
        concluded.append(
            Concluded(check.schedule_id, digest, check.judgement.readiness, check.plan.plan_id, False, record)
        )
    index_run(
        database,
        [],
        created_at=created_at,
        signer="drill-check",
        redact=lambda each: each,
        open_key=open_key,
        looked=Population(population, name, created_at, concluded),
    )


def import_foreign(database: Database, *records: Mapping[str, Any]) -> None:
    """Import records of the system that this one takes over from."""
    whole = [{**_FOREIGN, **record} for record in records]
    import_records(
        database,
        {sha256(write_canonical(record)).hexdigest(): record for record in whole},
        file_name="index.json",
        created_at=NOW,
        signer="maria",
        open_key=open_key,
    )


_FOREIGN: Mapping[str, Any] = {
    "schema_version": "cavra.evidence.metadata.v1",
    "product": "CAVRA",
    "session_id": "gordn_1",
    "created_at": "2026-05-04T10:00:00Z",
    "signer": "release-governance",
}

FOREIGN_PLAN: Mapping[str, Any] = {
    "metadata_kind": "go-backend-rollback-drill-notification-plan",
    "schedule_id": "payments",
    "plan_id": "gordn_1",
    "alert_level": "critical",
    "plan": {
        "plan_id": "gordn_1",
        "schedule_id": "payments",
        "status": "needs_attention",
        "alert_level": "critical",
        "generated_at": "2026-05-04T10:00:00+00:00",
        "next_due_at": "2026-05-01T00:00:00+00:00",
        "deliverable_route_count": 1,
        "suppressed_route_count": 3,
        "route_decisions": [
            {
                "provider": "slack",
                "owner": "team-a",
                "action": "deliver",
                "reason": "rollback drill schedule requires notification",
                "acknowledgement_minutes": 30,
                "escalation_owner": "platform-lead",
                "maintenance_window": None,
                "owner_availability": {"available": True, "reason": ""},
            },
            {
                "provider": "slack",
                "owner": "team-b",
                "action": "suppress",
                "reason": "change freeze",
                "maintenance_window": {"window_id": "old-freeze", "reason": "change freeze"},
                "owner_availability": {"available": True, "reason": ""},
            },
            {
                "provider": "slack",
                "owner": "team-c",
                "action": "suppress",
                "reason": "regional holiday",
                "maintenance_window": None,
                "owner_availability": {"available": False, "reason": "regional holiday"},
            },
            {
                "provider": "slack",
                "owner": "team-d",
                "action": "suppress",
                "reason": "schedule is healthy",
                "maintenance_window": None,
            },
        ],
    },
}
FOREIGN_ACKNOWLEDGEMENT: Mapping[str, Any] = {
    "metadata_kind": "go-backend-rollback-drill-notification-ack",
    "created_at": "2026-05-04T10:20:00Z",
    "session_id": "gordack-1",
    "schedule_id": "payments",
    "plan_id": "gordn_1",
    "provider": "slack",
    "acknowledgement_state": "acknowledged",
    "acknowledgement": {
        "acknowledgement_id": "gordack-1",
        "schedule_id": "payments",
        "plan_id": "gordn_1",
        "provider": "slack",
        "acknowledged_by": "release-manager",
        "acknowledgement_state": "acknowledged",
        "acknowledged_at": "2026-05-04T12:20:00+02:00",
        "external_ref": "CHG-1",
        "notes": "",
    },
}
FOREIGN_DELIVERY: Mapping[str, Any] = {
    "metadata_kind": "release-connector-delivery",
    "connector_delivery_source": "go_backend_rollback_drill_notification",
    "session_id": "rcd-payments-0123456789ab",
    "schedule_id": "payments",
    "providers": ["slack", "teams"],
    "failed_providers": ["teams"],
    "delivery_success": False,
    "delivery": {
        "deliveries": [
            {"provider": "slack", "success": True, "status_code": 200, "attempt_count": 1},
            {
                "provider": "teams",
                "success": False,
                "status_code": 500,
                "attempt_count": 3,
                "error": "server error",
                "completed_at": "2026-05-04T10:00:09+00:00",
            },
        ]
    },
}
