"""Retired schedules: approved, in the evidence, and no longer followed until somebody restores them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.fields import write_instant
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.records import RETIREMENT_KIND, start_record
from rollback_drills.followup.acknowledgement import check_texts
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.names.people import is_same_person
from rollback_drills.readiness.judgement import Judgement, retire
from rollback_drills.readiness.terms import Report


class Change(StrEnum):
    """What is approved for a schedule."""

    RETIRED = "retired"
    RESTORED = "restored"


class Retirement(msgspec.Struct, frozen=True, gc=False, rename={"at": "approved_at"}):
    """What was approved for a schedule last, as the evidence has it."""

    schedule_id: str
    change: Change
    reason: str
    approver: str
    at: datetime

    @property
    def because(self) -> str:
        """Explain in one line why the schedule is not followed."""
        return f"the schedule was retired by {self.approver}: {self.reason}"


@dataclass(frozen=True, slots=True)
class GivenRetirement:
    """What a person approves."""

    schedule_id: str
    reason: str
    approver: str
    requested_by: str = ""
    """Who asked for it; empty if that is not known."""
    change: Change = Change.RETIRED


_decode: Final = msgspec.json.Decoder(Retirement).decode


def read_retired(database: Database | None) -> dict[str, Retirement]:
    """Return the retired schedules by the keys of their ids; what was approved last counts."""
    if database is None:
        return {}
    statement = select(LEDGER.c.record).where(LEDGER.c.metadata_kind == RETIREMENT_KIND)
    with database.read() as connection:
        found = map(_decode, connection.scalars(statement.order_by(LEDGER.c.leaf_index)))
        latest = {name_key(each.schedule_id): each for each in found}
    return {key: each for key, each in latest.items() if each.change is Change.RETIRED}


def apply_retirements(judgements: Sequence[Judgement], retired: Mapping[str, Retirement]) -> list[Judgement]:
    """Return the judgements; those of schedules that the evidence knows as retired ask for nothing."""
    if not retired:
        return list(judgements)
    return [
        retire(each, found.because) if (found := retired.get(name_key(each.cycle.schedule_id))) else each
        for each in judgements
    ]


def record_retirement(
    given: GivenRetirement,
    known: Collection[str],
    retired: Mapping[str, Retirement],
    *,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> Report:
    """Write down that a schedule is retired, or restored.

    Args:
        given: What is approved.
        known: The ids of the schedules that have a document or an open cycle.
        retired: The schedules that are retired now, by key.
        now: When it is approved.
        created_at: The clock of the evidence.
        signer: Who writes it down.

    Raises:
        UsageError: The schedule is unknown or in that state already, there is no reason or approver, the
            approver is who asked for it, or a text holds what evidence must not.
    """
    check_texts(reason=given.reason, approver=given.approver, requested_by=given.requested_by)
    for field in ("reason", "approver"):
        if not getattr(given, field).strip():
            raise UsageError("is empty; a retirement has a reason and somebody who approves it", field=field)
    if given.requested_by and is_same_person(given.requested_by, given.approver):
        raise UsageError(
            f"is {show(given.approver)}, who requested it; somebody else approves it", field="approver"
        )
    schedule_id = _find(given, known, retired)
    identifier = ids.retirement_id(schedule_id, given.change, write_instant(now))
    session_id = ids.delivery_session_id(schedule_id, identifier)
    return {
        **start_record(RETIREMENT_KIND, session_id, created_at=created_at, signer=signer),
        "schedule_id": schedule_id,
        "retirement_id": identifier,
        "change": str(given.change),
        "reason": given.reason,
        "approver": given.approver,
        "requested_by": given.requested_by or None,
        "approved_at": write_instant(now),
    }


def _find(given: GivenRetirement, known: Collection[str], retired: Mapping[str, Retirement]) -> str:
    """Return the id of the schedule as it is known."""
    key = name_key(given.schedule_id)
    if given.change is Change.RESTORED:
        if key not in retired:
            raise _unknown("is not retired", "retired are", (each.schedule_id for each in retired.values()))
        return retired[key].schedule_id
    if key in retired:
        raise UsageError(f"is retired already: {retired[key].because}", field="schedule_id")
    for name in known:
        if name_key(name) == key:
            return name
    raise _unknown("has neither a document nor an open cycle", "known are", known)


def _unknown(problem: str, what: str, names: Iterable[str]) -> UsageError:
    some = sorted(names)[:20]
    return UsageError(f"{problem}; {what} {', '.join(some) if some else 'none'}", field="schedule_id")
