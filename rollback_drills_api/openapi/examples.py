"""Records as the HTTP API answers them, for its description."""

from typing import Final

CHECK: Final = {
    "id": "go_rollback_drill_schedule_not_stale",
    "status": "pass",
    "message": "the next drill is due in 20 days",
}
ACKNOWLEDGEMENT: Final = {
    "metadata_kind": "go-backend-rollback-drill-notification-ack",
    "acknowledgement_id": "gordack-0123456789abcdef",
    "schedule_id": "payments",
    "provider": "slack",
    "acknowledged_by": "release-manager via pipeline",
    "acknowledgement_state": "acknowledged",
}
EXCEPTION: Final = {
    "metadata_kind": "go-backend-rollback-drill-exception",
    "exception_id": "gordexc-0123456789abcdef",
    "schedule_id": "payments",
    "exception": "postpone",
    "reason": "a change freeze",
    "approver": "release-board via administration",
    "expires_at": "2026-12-20T09:00:00+00:00",
}
RETIREMENT: Final = {
    "metadata_kind": "go-backend-rollback-drill-retirement",
    "retirement_id": "gordret-0123456789abcdef",
    "schedule_id": "payments",
    "change": "retired",
    "reason": "the backend is gone",
    "approver": "release-board via administration",
}
REQUEST: Final = {
    "metadata_kind": "go-backend-rollback-drill-exception-request",
    "request_id": "gordexreq-0123456789abcdef",
    "schedule_id": "payments",
    "exception": "postpone",
    "reason": "a change freeze",
    "requested_by": "maria via pipeline",
    "expires_at": "2026-12-20T09:00:00+00:00",
    "open_until": "2026-12-14T09:00:00+00:00",
}
DECLINE: Final = {
    "metadata_kind": "go-backend-rollback-drill-exception-decline",
    "request_id": "gordexreq-0123456789abcdef",
    "schedule_id": "payments",
    "declined_by": "anna via administration",
    "reason": "there is time",
}
REPLAY: Final = {
    "metadata_kind": "go-backend-rollback-drill-replay-request",
    "replay_id": "gordreplay-0123456789abcdef",
    "requested_by": "maria via pipeline",
    "reason": "the service key was replaced",
    "open_until": "2026-12-08T09:00:00+00:00",
    "notification_count": 2,
}
REPLAY_APPROVAL: Final = {
    "metadata_kind": "go-backend-rollback-drill-replay-approval",
    "replay_id": "gordreplay-0123456789abcdef",
    "requested_by": "maria via pipeline",
    "approved_by": "jo via administration",
}
REPLAY_EXECUTION: Final = {
    "metadata_kind": "go-backend-rollback-drill-replay-execution",
    "replay_id": "gordreplay-0123456789abcdef",
    "replayed_by": "maria via pipeline",
    "notification_count": 2,
}
