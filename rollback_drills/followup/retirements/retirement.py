"""Retired schedules: approved, in the evidence, and no longer followed until somebody restores them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.quotation import show
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import read_if_readable
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import RETIREMENT_KIND
from rollback_drills.followup.approval import check_approval
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.outbox.known_cycles import keep_known_cycles
from rollback_drills.readiness.judgement import Judgement, retire
from rollback_drills.redaction.computed import Computed
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.sentences import one_line


class Change(StrEnum):
    """What is approved for a schedule."""

    RETIRED = "retired"
    RESTORED = "restored"


class RetirementRecord(Record, frozen=True, kw_only=True, gc=False, tag=RETIREMENT_KIND):
    """What was approved for a schedule, as the evidence has it."""

    schedule_id: str
    retirement_id: Computed
    change: Change
    reason: str
    approver: str
    requested_by: str | None = None
    approved_at: Computed

    @property
    def because(self) -> str:
        """Explain in one line why the schedule is not followed."""
        return f"the schedule was retired by {self.approver}: {one_line(self.reason)}"


@dataclass(frozen=True, slots=True)
class GivenRetirement:
    """What a person approves."""

    schedule_id: str
    reason: str
    approver: str
    requested_by: str = ""
    """Who asked for it; empty if that is not known."""
    change: Change = Change.RETIRED


def read_retired(database: Database | None) -> dict[str, RetirementRecord]:
    """Return the retired schedules by the keys of their ids; what was approved last counts.

    A schedule is followed if nobody can read what was approved last.
    """
    if database is None:
        return {}
    rows = select(LEDGER.c.leaf_index, LEDGER.c.schedule_id, LEDGER.c.record)
    rows = rows.where(LEDGER.c.metadata_kind == RETIREMENT_KIND).order_by(LEDGER.c.leaf_index)
    with database.read() as connection:
        latest = {
            name_key(row.schedule_id): read_if_readable(row.leaf_index, row.record, RetirementRecord)
            for row in connection.execute(rows)
        }
    return {key: each for key, each in latest.items() if each and each.change is Change.RETIRED}


def apply_retirements(
    judgements: Sequence[Judgement], retired: Mapping[str, RetirementRecord]
) -> list[Judgement]:
    """Return the judgements; those of schedules that the evidence knows as retired ask for nothing."""
    if not retired:
        return list(judgements)
    return [
        retire(each, found.because) if (found := retired.get(name_key(each.cycle.schedule_id))) else each
        for each in judgements
    ]


def keep_followed_cycles(database: Database | None, judgements: Sequence[Judgement]) -> list[Judgement]:
    """Apply the retirements of the evidence, and keep the ids that open cycles have in the outbox."""
    return keep_known_cycles(database, apply_retirements(judgements, read_retired(database)))


def record_retirement(
    given: GivenRetirement,
    known: Collection[str],
    retired: Mapping[str, RetirementRecord],
    *,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> RetirementRecord:
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
    check_approval(
        "a retirement", reason=given.reason, approver=given.approver, requested_by=given.requested_by
    )
    schedule_id = _find(given, known, retired)
    identifier = ids.retirement_id(schedule_id, given.change, write_instant(now))
    return RetirementRecord(
        session_id=ids.delivery_session_id(schedule_id, identifier),
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=schedule_id,
        retirement_id=identifier,
        change=given.change,
        reason=given.reason,
        approver=given.approver,
        requested_by=given.requested_by or None,
        approved_at=write_instant(now),
    )


def _find(given: GivenRetirement, known: Collection[str], retired: Mapping[str, RetirementRecord]) -> str:
    """Return the id of the schedule as it is known."""
    key, shown = name_key(given.schedule_id), show(given.schedule_id)
    if given.change is Change.RESTORED:
        if key not in retired:
            raise _unknown(
                f"{shown} is not retired", "retired are", (each.schedule_id for each in retired.values())
            )
        return retired[key].schedule_id
    if key in retired:
        raise UsageError(f"{shown} is retired already: {retired[key].because}", field="schedule_id")
    for name in known:
        if name_key(name) == key:
            return name
    raise _unknown(f"{shown} has neither a document nor an open cycle", "known are", known)


def _unknown(problem: str, what: str, names: Iterable[str]) -> UsageError:
    return UsageError(f"{problem}; {what} {name_some(sorted(names), 20) or 'none'}", field="schedule_id")
