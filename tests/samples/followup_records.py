"""Records of what people said and approved, with values for all that a test does not care about."""

from datetime import datetime
from typing import Any

from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.acknowledgements.acknowledgement import (
    AcknowledgementRecord,
    AcknowledgementState,
)
from rollback_drills.followup.exceptions.exception import ExceptionKind, ExceptionRecord
from tests.samples.builders import NOW


def acknowledged(
    at: datetime = NOW,
    until: datetime | None = None,
    state: str = "acknowledged",
    **changes: Any,
) -> AcknowledgementRecord:
    """Make the record of an acknowledgement by maria, of slack/team-a."""
    facts: dict[str, Any] = {
        "acknowledgement_id": "gordack-1",
        "schedule_id": "payments",
        "cycle_id": "gordcycle-1",
        "plan_id": "gordn-1",
        "provider": "slack",
        "owner": "team-a",
        "route_key": "gordroute-1",
        "acknowledged_by": "maria",
    }
    return AcknowledgementRecord(
        session_id="rcd-x",
        created_at=write_instant(at),
        signer="maria",
        acknowledgement_state=AcknowledgementState(state),
        acknowledged_at=write_instant(at),
        acknowledged_until=write_instant(until) if until else None,
        **{**facts, **changes},
    )


def excepted(
    until: datetime, at: datetime = NOW, kind: ExceptionKind = ExceptionKind.WAIVE, **changes: Any
) -> ExceptionRecord:
    """Make the record of an exception that maria approved."""
    facts = {
        "schedule_id": "payments",
        "cycle_id": "gordcycle-1",
        "exception_id": "gordex-1",
        "reason": "the cluster is moved",
        "approver": "maria",
    }
    return ExceptionRecord(
        session_id="rcd-x",
        created_at=write_instant(at),
        signer="test",
        exception=kind,
        approved_at=write_instant(at),
        expires_at=write_instant(until),
        **{**facts, **changes},
    )
