"""What operations that write or build something answer, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Final

from rollback_drills_api.openapi import examples
from rollback_drills_api.openapi.json_shapes import (
    BUILT,
    COUNT,
    LIST,
    MAYBE_OBJECT,
    OBJECT,
    TEXT,
    TRUTH,
    Answer,
    object_of,
)

_RUN: Final = object_of(
    schedule=OBJECT,
    plan=OBJECT,
    delivery=OBJECT,
    plan_metadata=OBJECT,
    metadata=MAYBE_OBJECT,
    success=TRUTH,
    event_id=TEXT,
)
WRITES: Final[Mapping[str, Answer]] = {
    "deliver": (
        "What was planned and delivered; of several schedules `runs` of these.",
        {"anyOf": [_RUN, object_of(runs={"type": "array", "items": _RUN})]},
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
        object_of(
            acknowledgement=OBJECT, metadata=OBJECT, acknowledgement_count=COUNT, acknowledgements=LIST
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
        object_of(
            schema_version=TEXT,
            bulk_id=TEXT,
            acknowledgement_state=TEXT,
            acknowledgement_count=COUNT,
            acknowledgements=LIST,
            metadata=LIST,
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
        object_of(drill=OBJECT, accepted={"type": "boolean"}, problems=LIST, metadata=OBJECT),
        {
            "drill": {"drill_id": "payments-2026-12-01", "status": "pass"},
            "accepted": True,
            "problems": [],
            "metadata": {"metadata_kind": "go-backend-rollback-drill", "drill_id": "payments-2026-12-01"},
        },
    ),
    "exception": (
        "The exception that was written down.",
        object_of(exception=OBJECT, metadata=OBJECT),
        {"exception": examples.EXCEPTION, "metadata": examples.EXCEPTION},
    ),
    "retirement": (
        "The retirement that was written down.",
        object_of(retirement=OBJECT, metadata=OBJECT),
        {"retirement": examples.RETIREMENT, "metadata": examples.RETIREMENT},
    ),
    "request": (
        "The request that was written down.",
        object_of(request=OBJECT, metadata=OBJECT),
        {"request": examples.REQUEST, "metadata": examples.REQUEST},
    ),
    "decline": (
        "The decline that was written down.",
        object_of(decline=OBJECT, metadata=OBJECT),
        {"decline": examples.DECLINE, "metadata": examples.DECLINE},
    ),
    "replay_request": (
        "The request for a replay that was written down.",
        object_of(replay=OBJECT, metadata=OBJECT),
        {"replay": examples.REPLAY, "metadata": examples.REPLAY},
    ),
    "replay_approval": (
        "The approval that was written down.",
        object_of(replay=OBJECT, metadata=OBJECT),
        {"replay": examples.REPLAY_APPROVAL, "metadata": examples.REPLAY_APPROVAL},
    ),
    "replay_execution": (
        "The execution that was written down; `GET …/replays` and the outbox say what came of it.",
        object_of(replay=OBJECT, metadata=OBJECT),
        {"replay": examples.REPLAY_EXECUTION, "metadata": examples.REPLAY_EXECUTION},
    ),
    "package": (
        "The audit package, sealed by a digest.",
        object_of(audit_package=OBJECT, metadata=BUILT),
        {
            "audit_package": {"audit_id": "gordackaudit-0123456789abcdef", "route_count": 4},
            "metadata": {"metadata_kind": "go-backend-rollback-drill-acknowledgement-audit-package"},
        },
    ),
    "escalation": (
        "The escalation plan.",
        object_of(plan=OBJECT, metadata=BUILT),
        {
            "plan": {"plan_id": "gordesc-0123456789abcdef", "breached_count": 0, "routes": []},
            "metadata": {"metadata_kind": "go-backend-rollback-drill-notification-escalation-plan"},
        },
    ),
}
