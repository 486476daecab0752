"""The acknowledgement of contract §6: one (cycle, provider, owner), by one person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from rollback_drills import identity
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.privacy import find_private
from rollback_drills.errors import UsageError
from rollback_drills.evidence.records import ACKNOWLEDGEMENT_KIND, start_record
from rollback_drills.readiness.terms import Report

ACKNOWLEDGEMENT_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-ack.v1"


class AcknowledgementState(StrEnum):
    """What the person says."""

    ACKNOWLEDGED = "acknowledged"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What one person says about one route of a cycle."""

    acknowledged_by: str
    state: AcknowledgementState = AcknowledgementState.ACKNOWLEDGED
    external_ref: str = ""
    notes: str = ""


def record_acknowledgement(
    given: Acknowledgement, decision: Mapping[str, Any], *, now: datetime, created_at: datetime
) -> Report:
    """Write down an acknowledgement of a route, as its latest decision in the evidence has it.

    Args:
        given: What is said.
        decision: The record of the decision.
        now: When it is said.
        created_at: The clock of the evidence.

    Raises:
        UsageError: The texts hold what evidence must not, or nobody is named.
    """
    if not given.acknowledged_by.strip():
        raise UsageError("--by is empty; say who acknowledges")
    for flag, text in (
        ("--by", given.acknowledged_by),
        ("--ref", given.external_ref),
        ("--notes", given.notes),
    ):
        if kind := find_private(text):
            raise UsageError(f"{flag} holds {kind}, which evidence must not name; leave it out")
    key = decision["route_key"]
    start = start_record(
        ACKNOWLEDGEMENT_KIND, decision["session_id"], created_at=created_at, signer=given.acknowledged_by
    )
    return {
        **start,
        "ack_schema_version": ACKNOWLEDGEMENT_SCHEMA,
        "acknowledgement_id": identity.acknowledgement_id(key, write_instant(now)),
        **{
            name: decision[name]
            for name in ("schedule_id", "cycle_id", "plan_id", "provider", "owner", "route_key")
        },
        "acknowledged_by": given.acknowledged_by,
        "acknowledgement_state": str(given.state),
        "acknowledged_at": write_instant(now),
        "external_ref": given.external_ref,
        "notes": given.notes,
    }
