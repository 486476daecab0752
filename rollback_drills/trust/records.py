"""The evidence of the guard: what was not trusted, and what settled it."""

from collections.abc import Sequence
from datetime import datetime

from rollback_drills.documents.privacy_rules import find_private
from rollback_drills.errors import UsageError
from rollback_drills.evidence.records import TRUSTED_KIND, UNTRUSTED_KIND, start_record
from rollback_drills.names import ids
from rollback_drills.readiness.terms import Report
from rollback_drills.trust.signs import Distrust, OpenDistrust

_RETURNED = "what was missing is there again, or what was bad is good again"


def record_distrust(each: Distrust, cycle_id: str, *, created_at: datetime, signer: str) -> Report:
    """Write down why a schedule is not trusted, and which rows hold the drills that are gone."""
    session_id = ids.delivery_session_id(each.schedule_id, cycle_id)
    return {
        **start_record(UNTRUSTED_KIND, session_id, created_at=created_at, signer=signer),
        "schedule_id": each.schedule_id,
        "cycle_id": cycle_id,
        "sign": str(each.sign),
        "reason": each.reason,
        "missing_rows": list(each.missing_rows),
    }


def record_return(
    schedule_id: str, settled: Sequence[OpenDistrust], *, created_at: datetime, signer: str
) -> Report:
    """Write down that a run found nothing any more to distrust of what stood open."""
    return _record_trust(schedule_id, settled, _RETURNED, (), created_at=created_at, signer=signer)


def record_confirmation(
    schedule_id: str, settled: Sequence[OpenDistrust], *, by: str, reason: str, created_at: datetime
) -> Report:
    """Write down that a person says that the schedule is right as it is: what is gone is rightly gone.

    Raises:
        UsageError: The texts are empty, or hold what evidence must not.
    """
    for field, text, what in (("by", by, "who"), ("reason", reason, "why")):
        if not text.strip():
            raise UsageError(f"is empty; say {what}", field=field)
        if kind := find_private(text):
            raise UsageError(f"holds {kind}, which evidence must not name; leave it out", field=field)
    forgiven = sorted({row for each in settled for row in each.missing_rows})
    return _record_trust(schedule_id, settled, reason, forgiven, created_at=created_at, signer=by) | {
        "trusted_by": by
    }


def _record_trust(
    schedule_id: str,
    settled: Sequence[OpenDistrust],
    reason: str,
    forgiven_rows: Sequence[int],
    *,
    created_at: datetime,
    signer: str,
) -> Report:
    cycle_id = settled[-1].cycle_id
    session_id = ids.delivery_session_id(schedule_id, cycle_id)
    return {
        **start_record(TRUSTED_KIND, session_id, created_at=created_at, signer=signer),
        "schedule_id": schedule_id,
        "cycle_id": cycle_id,
        "signs": sorted({str(each.sign) for each in settled}),
        "trusted_by": "",
        "reason": reason,
        "forgiven_rows": list(forgiven_rows),
    }
