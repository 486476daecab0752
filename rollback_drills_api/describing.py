"""What the OpenAPI document says of each operation: its answer with an example, and its problems."""

from collections.abc import Mapping
from typing import Any, Final

from rollback_drills_api import examples
from rollback_drills_api.problems import Responses, problem_responses

JsonSchema = dict[str, Any]
_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_OBJECT: Final = {"type": "object"}
_LIST: Final = {"type": "array", "items": _OBJECT}
_TRUTH: Final = {"type": "boolean"}
_MAYBE_OBJECT: Final = {"type": ["object", "null"]}


def _object(**properties: JsonSchema) -> JsonSchema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _report(section: str) -> JsonSchema:
    report = _object(mode=_TEXT, status=_TEXT, checks=_LIST, **{section: _OBJECT})
    return {"anyOf": [report, _object(schema_version=_TEXT, generated_at=_TEXT, **_PAGE)]}


_PAGE: Final[dict[str, JsonSchema]] = {"items": _LIST, "total": _COUNT, "limit": _COUNT, "offset": _COUNT}
_BUILT: Final = _object(schema_version=_TEXT, metadata_kind=_TEXT, session_id=_TEXT, indexed=_TRUTH)
_RUN: Final = _object(
    schedule=_OBJECT,
    plan=_OBJECT,
    delivery=_OBJECT,
    plan_metadata=_OBJECT,
    metadata=_MAYBE_OBJECT,
    success=_TRUTH,
    event_id=_TEXT,
)
_ANSWERS: Final[dict[str, tuple[str, JsonSchema, Mapping[str, object]]]] = {
    "history": (
        "The history report of contract §3; of several schedules a page of them.",
        _report("history"),
        {"mode": "promoted", "status": "ready", "checks": [examples.CHECK], "history": {"drill_count": 6}},
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
        _object(schema_version=_TEXT, generated_at=_TEXT, open_count=_COUNT, **_PAGE),
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
        _object(generated_at=_TEXT, **_PAGE),
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
        _object(schema_version=_TEXT, generated_at=_TEXT, **_PAGE),
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
        _object(schema_version=_TEXT, status=_TEXT, acceptable=_TRUTH, checks=_LIST),
        {
            "schema_version": "rollback-drills.production-readiness.v1",
            "status": "ready",
            "acceptable": True,
            "checks": [{"id": "go_backend_rollback_drill_schedule", "status": "pass", "state": "ready"}],
        },
    ),
    "notifications": (
        "A page of the notification history.",
        _object(schema_version=_TEXT, **_PAGE),
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
        _object(schema_version=_TEXT, **_PAGE),
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
        _object(schema_version=_TEXT, schedule_id=_TEXT, at=_TEXT, routes=_LIST, recorded=_MAYBE_OBJECT),
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
        _object(
            schema_version=_TEXT,
            alert_level=_TEXT,
            open_cycle_count=_COUNT,
            outstanding_acknowledgement_count=_COUNT,
            outstanding=_LIST,
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
        _object(trend=_OBJECT, metadata=_BUILT),
        {
            "trend": {"suppression_event_count": 2, "category_counts": {"maintenance_window": 2}},
            "metadata": {"metadata_kind": "go-backend-rollback-drill-routing-suppression-trend"},
        },
    ),
    "deliver": (
        "What was planned and delivered; of several schedules `runs` of these.",
        {"anyOf": [_RUN, _object(runs={"type": "array", "items": _RUN})]},
        {
            "schedule": {"status": "needs_attention"},
            "plan": {"plan_id": "gordn-0123456789abcdef"},
            "delivery": {"success": True, "deliveries": [{"provider": "slack", "outcome": "delivered"}]},
            "plan_metadata": {"metadata_kind": "go-backend-rollback-drill-notification-plan"},
            "metadata": {"metadata_kind": "release-connector-delivery"},
            "success": True,
            "event_id": "gordevent-0123456789abcdef",
        },
    ),
    "acknowledge": (
        "The acknowledgements that were written down, one for each route.",
        _object(
            acknowledgement=_OBJECT, metadata=_OBJECT, acknowledgement_count=_COUNT, acknowledgements=_LIST
        ),
        {
            "acknowledgement": examples.ACKNOWLEDGEMENT,
            "metadata": examples.ACKNOWLEDGEMENT,
            "acknowledgement_count": 1,
            "acknowledgements": [examples.ACKNOWLEDGEMENT],
        },
    ),
    "bulk": (
        "The acknowledgements that were written down, one for each route.",
        _object(
            schema_version=_TEXT,
            bulk_id=_TEXT,
            acknowledgement_state=_TEXT,
            acknowledgement_count=_COUNT,
            acknowledgements=_LIST,
            metadata=_LIST,
        ),
        {
            "schema_version": "cavra.go-backend-pilot.rollback-drill-bulk-acknowledgement.v1",
            "bulk_id": "gordbulkack-1-gordack-0123456789abcdef",
            "acknowledgement_state": "acknowledged",
            "acknowledgement_count": 1,
            "acknowledgements": [examples.ACKNOWLEDGEMENT],
            "metadata": [examples.ACKNOWLEDGEMENT],
        },
    ),
    "record": (
        "The drill as it was recorded: 201 if it is new, 200 if it was recorded before.",
        _object(drill=_OBJECT, accepted={"type": "boolean"}, problems=_LIST, metadata=_OBJECT),
        {
            "drill": {"drill_id": "payments-2026-12-01", "status": "pass"},
            "accepted": True,
            "problems": [],
            "metadata": {"metadata_kind": "go-backend-rollback-drill", "drill_id": "payments-2026-12-01"},
        },
    ),
    "exception": (
        "The exception that was written down.",
        _object(exception=_OBJECT, metadata=_OBJECT),
        {"exception": examples.EXCEPTION, "metadata": examples.EXCEPTION},
    ),
    "retirement": (
        "The retirement that was written down.",
        _object(retirement=_OBJECT, metadata=_OBJECT),
        {"retirement": examples.RETIREMENT, "metadata": examples.RETIREMENT},
    ),
    "requests": (
        "A page of the requests for exceptions that wait for a decision.",
        _object(schema_version=_TEXT, generated_at=_TEXT, **_PAGE),
        {
            "schema_version": "rollback-drills.exception-requests.v1",
            "generated_at": "2026-12-01T09:00:00+00:00",
            "items": [examples.REQUEST],
            "total": 1,
            "limit": 100,
            "offset": 0,
        },
    ),
    "request": (
        "The request that was written down.",
        _object(request=_OBJECT, metadata=_OBJECT),
        {"request": examples.REQUEST, "metadata": examples.REQUEST},
    ),
    "decline": (
        "The decline that was written down.",
        _object(decline=_OBJECT, metadata=_OBJECT),
        {"decline": examples.DECLINE, "metadata": examples.DECLINE},
    ),
    "replay_request": (
        "The request for a replay that was written down.",
        _object(replay=_OBJECT, metadata=_OBJECT),
        {"replay": examples.REPLAY, "metadata": examples.REPLAY},
    ),
    "replay_approval": (
        "The approval that was written down.",
        _object(replay=_OBJECT, metadata=_OBJECT),
        {"replay": examples.REPLAY_APPROVAL, "metadata": examples.REPLAY_APPROVAL},
    ),
    "replay_execution": (
        "The execution that was written down; `GET …/replays` and the outbox say what came of it.",
        _object(replay=_OBJECT, metadata=_OBJECT),
        {"replay": examples.REPLAY_EXECUTION, "metadata": examples.REPLAY_EXECUTION},
    ),
    "package": (
        "The audit package, sealed by a digest.",
        _object(audit_package=_OBJECT, metadata=_BUILT),
        {
            "audit_package": {"audit_id": "gordackaudit-0123456789abcdef", "route_count": 4},
            "metadata": {"metadata_kind": "go-backend-rollback-drill-acknowledgement-audit-package"},
        },
    ),
    "escalation": (
        "The escalation plan.",
        _object(plan=_OBJECT, metadata=_BUILT),
        {
            "plan": {"plan_id": "gordesc-0123456789abcdef", "breached_count": 0, "routes": []},
            "metadata": {"metadata_kind": "go-backend-rollback-drill-notification-escalation-plan"},
        },
    ),
}
_RUNS_A_FLOW: Final = (
    *("deliver", "acknowledge", "bulk", "exception", "record"),
    *("retirement", "request", "decline"),
    *("replay_request", "replay_approval", "replay_execution"),
)
_HAS_BODY: Final = (*_RUNS_A_FLOW, "package", "escalation")


def described(operation: str, *statuses: int) -> Responses:
    """Return the answers of an operation: what it returns, and the problems it can have."""
    description, schema, example = _ANSWERS[operation]
    more = {*statuses}
    if operation in _RUNS_A_FLOW:
        more |= {404, 502, 504}
    if operation in _HAS_BODY:
        more |= {408, 415}
    if operation in ("history", "schedule"):
        more |= {404}
    answer = {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    new: Responses = {201: answer} if operation == "record" else {}
    return {200: answer, **new, **problem_responses(*more)}


def described_text(media_type: str, description: str, example: str, *statuses: int) -> Responses:
    """Return the answers of an operation that returns a text."""
    answer = {"description": description, "content": {media_type: {"schema": _TEXT, "example": example}}}
    return {200: answer, **problem_responses(*statuses)}
