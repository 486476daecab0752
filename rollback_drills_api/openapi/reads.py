"""What operations that read answer, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Final

from rollback_drills_api.openapi import examples
from rollback_drills_api.openapi.json_shapes import (
    BUILT,
    COUNT,
    LIST,
    MAYBE_OBJECT,
    OBJECT,
    PAGE,
    TEXT,
    TRUTH,
    Answer,
    JsonSchema,
    object_of,
)


def _report(section: str) -> JsonSchema:
    report = object_of(mode=TEXT, status=TEXT, checks=LIST, **{section: OBJECT})
    return {"anyOf": [report, object_of(schema_version=TEXT, generated_at=TEXT, **PAGE)]}


READS: Final[Mapping[str, Answer]] = {
    "history": (
        "The history report of contract §3; of several schedules a page of them.",
        _report("history"),
        {
            "mode": "promoted",
            "status": "ready",
            "checks": [examples.CHECK],
            "history": {"drill_count": 6},
        },
    ),
    "schedule": (
        "The schedule report of contract §3; of several schedules a page of them.",
        _report("schedule"),
        {
            "mode": "promoted",
            "status": "ready",
            "checks": [examples.CHECK],
            "schedule": {"schedule_id": "payments", "next_due_at": "2026-06-20T15:40:00Z"},
        },
    ),
    "outages": (
        "A page of outages of connectors, the open ones first.",
        object_of(schema_version=TEXT, generated_at=TEXT, open_count=COUNT, **PAGE),
        {
            "schema_version": "rollback-drills.connector-outages.v1",
            "generated_at": "2026-06-01T09:00:00+00:00",
            "items": [{"provider": "slack", "is_open": True, "waited_count": 3, "waiting_count": 3}],
            "total": 1,
            "open_count": 1,
            "limit": 100,
            "offset": 0,
        },
    ),
    "replays": (
        "Requests for replays, the newest first.",
        object_of(generated_at=TEXT, **PAGE),
        {
            "generated_at": "2026-06-01T09:00:00+00:00",
            "items": [{"replay_id": "gordreplay-0123456789abcdef", "state": "approved"}],
            "total": 1,
            "limit": 100,
            "offset": 0,
        },
    ),
    "upcoming": (
        "A page of what is coming.",
        object_of(schema_version=TEXT, generated_at=TEXT, **PAGE),
        {
            "schema_version": "rollback-drills.upcoming.v1",
            "generated_at": "2026-06-01T09:00:00+00:00",
            "items": [
                {"kind": "due", "start_at": "2026-06-20T15:40:00+00:00", "schedule_ids": ["payments"]},
                {"kind": "window", "window_id": "weekend", "schedule_ids": ["payments", "search"]},
            ],
            "total": 2,
            "limit": 100,
            "offset": 0,
        },
    ),
    "readiness": (
        "The drill checks of production readiness.",
        object_of(schema_version=TEXT, status=TEXT, acceptable=TRUTH, checks=LIST),
        {
            "schema_version": "rollback-drills.production-readiness.v1",
            "status": "ready",
            "acceptable": True,
            "checks": [{"id": "go_backend_rollback_drill_schedule", "status": "pass", "state": "ready"}],
        },
    ),
    "notifications": (
        "A page of the notification history.",
        object_of(schema_version=TEXT, **PAGE),
        {
            "schema_version": "cavra.go-backend-pilot.rollback-drill-notification-history.v1",
            "items": [{"notification_id": "gordmsg-0123456789abcdef", "state": "delivered"}],
            "total": 1,
            "limit": 100,
            "offset": 0,
        },
    ),
    "routes": (
        "A page of the routing history.",
        object_of(schema_version=TEXT, **PAGE),
        {
            "schema_version": "cavra.go-backend-pilot.rollback-drill-routing-history.v1",
            "items": [{"schedule_id": "payments", "action": "suppress", "category": "maintenance_window"}],
            "total": 1,
            "limit": 100,
            "offset": 0,
        },
    ),
    "explanation": (
        "Why a schedule is in its state, and why each owner is notified or not.",
        object_of(schema_version=TEXT, schedule_id=TEXT, at=TEXT, routes=LIST, recorded=MAYBE_OBJECT),
        {
            "schema_version": "rollback-drills.explanation.v1",
            "schedule_id": "payments",
            "at": "2026-06-20T15:40:00+00:00",
            "due_because": "30 days after drill-7 of 2026-05-21T15:40:00+00:00",
            "routes": [{"provider": "slack", "owner": "payments-team", "action": "deliver", "answers": []}],
            "recorded": None,
        },
    ),
    "dashboard": (
        "Open cycles, outstanding acknowledgements, failing connectors.",
        object_of(
            schema_version=TEXT,
            alert_level=TEXT,
            open_cycle_count=COUNT,
            outstanding_acknowledgement_count=COUNT,
            outstanding=LIST,
        ),
        {
            "schema_version": "cavra.go-backend-pilot.rollback-drill-notification-dashboard.v1",
            "alert_level": "healthy",
            "open_cycle_count": 0,
            "outstanding_acknowledgement_count": 0,
            "outstanding": [],
        },
    ),
    "trend": (
        "The suppression trend.",
        object_of(trend=OBJECT, metadata=BUILT),
        {
            "trend": {"suppression_event_count": 2, "category_counts": {"maintenance_window": 2}},
            "metadata": {"metadata_kind": "go-backend-rollback-drill-routing-suppression-trend"},
        },
    ),
    "requests": (
        "A page of the requests for exceptions that wait for a decision.",
        object_of(schema_version=TEXT, generated_at=TEXT, **PAGE),
        {
            "schema_version": "rollback-drills.exception-requests.v1",
            "generated_at": "2026-12-01T09:00:00+00:00",
            "items": [examples.REQUEST],
            "total": 1,
            "limit": 100,
            "offset": 0,
        },
    ),
}
