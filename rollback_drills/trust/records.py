"""The evidence of the guard: what was not trusted, and what settled it."""

from collections.abc import Sequence
from datetime import datetime

from rollback_drills.documents.evidence_texts import require_person, require_reason
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import TRUSTED_KIND, UNTRUSTED_KIND
from rollback_drills.names import ids
from rollback_drills.redaction.computed import Computed
from rollback_drills.trust.signs import Distrust, OpenDistrust, Sign


class UntrustedRecord(Record, frozen=True, kw_only=True, gc=False, tag=UNTRUSTED_KIND):
    """Why a schedule is not trusted, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    sign: Sign
    reason: str
    missing_rows: Sequence[int] = ()
    """The rows that hold the drills that are gone."""


class TrustedRecord(Record, frozen=True, kw_only=True, gc=False, tag=TRUSTED_KIND):
    """What settled it, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    signs: Sequence[Sign]
    trusted_by: str = ""
    """Who confirmed it; empty if a run found nothing to distrust any more."""
    reason: str
    forgiven_rows: Sequence[int] = ()
    """The rows that hold drills that are rightly gone."""


_RETURNED = "what was missing is there again, or what was bad is good again"


def record_distrust(each: Distrust, cycle_id: str, *, created_at: datetime, signer: str) -> UntrustedRecord:
    """Write down why a schedule is not trusted, and which rows hold the drills that are gone."""
    return UntrustedRecord(
        session_id=ids.delivery_session_id(each.schedule_id, cycle_id),
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=each.schedule_id,
        cycle_id=cycle_id,
        sign=each.sign,
        reason=each.reason,
        missing_rows=list(each.missing_rows),
    )


def record_return(
    schedule_id: str, settled: Sequence[OpenDistrust], *, created_at: datetime, signer: str
) -> TrustedRecord:
    """Write down that a run found nothing any more to distrust of what stood open."""
    return _record_trust(schedule_id, settled, _RETURNED, created_at=created_at, signer=signer)


def record_confirmation(
    schedule_id: str, settled: Sequence[OpenDistrust], *, by: str, reason: str, created_at: datetime
) -> TrustedRecord:
    """Write down that a person says that the schedule is right as it is: what is gone is rightly gone.

    Raises:
        UsageError: The texts are empty, or hold what evidence must not.
    """
    require_person(by, field="by")
    require_reason(reason)
    forgiven = sorted({row for each in settled for row in each.missing_rows})
    return _record_trust(
        schedule_id, settled, reason, created_at=created_at, signer=by, trusted_by=by, forgiven_rows=forgiven
    )


def _record_trust(
    schedule_id: str,
    settled: Sequence[OpenDistrust],
    reason: str,
    *,
    created_at: datetime,
    signer: str,
    trusted_by: str = "",
    forgiven_rows: Sequence[int] = (),
) -> TrustedRecord:
    cycle_id = settled[-1].cycle_id
    return TrustedRecord(
        session_id=ids.delivery_session_id(schedule_id, cycle_id),
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=schedule_id,
        cycle_id=cycle_id,
        signs=sorted({each.sign for each in settled}),
        trusted_by=trusted_by,
        reason=reason,
        forgiven_rows=forgiven_rows,
    )
