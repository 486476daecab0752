"""The rows that the report of an export looks into; earlier versions left out what has a default."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from rollback_drills.evidence.index import LedgerRow
from rollback_drills.evidence.recorded_plan import RecordedDecision
from rollback_drills.evidence.written_record import WrittenRecord


class ReportedRow(LedgerRow, frozen=True, gc=False, kw_only=True):
    """What every row has."""

    created_at: str
    metadata_kind: str
    signer: str = ""
    schedule_id: str = ""


class ReportedDecision(RecordedDecision, frozen=True, gc=False, kw_only=True):
    """A decision in a row of its own."""

    leaf_index: int
    created_at: str
    schedule_id: str


class _Performed(msgspec.Struct, frozen=True, gc=False):
    executed_at: str = ""
    approved_by: str = ""
    reviewed_by: str = ""


class ReportedDrill(ReportedRow, frozen=True, gc=False, kw_only=True):
    """A drill."""

    drill_id: str
    accepted: bool
    drill: _Performed
    executed_at: str = ""
    problems: Sequence[str] | str = ()

    @property
    def performed_at(self) -> str:
        """When it was performed, as documents write it; empty if that is not known."""
        return self.executed_at or self.drill.executed_at

    @property
    def explanation(self) -> str:
        """Why it is not accepted."""
        return self.problems if isinstance(self.problems, str) else "; ".join(self.problems)


class ReportedDelivery(ReportedRow, frozen=True, gc=False, kw_only=True):
    """What became of a notification in a run."""

    provider: str
    owner: str
    outcome: str
    reason: str = ""
    error: str = ""
    completed_at: str | None = None


class ReportedAcknowledgement(ReportedRow, frozen=True, gc=False, kw_only=True):
    """Who has acknowledged what."""

    acknowledged_at: str = ""
    acknowledged_by: str = ""
    acknowledgement_state: str = ""
    acknowledged_until: str | None = None
    cycle_id: str = ""
    owner: str = ""
    provider: str = ""
    external_ref: str = ""


class ReportedEscalation(ReportedRow, frozen=True, gc=False, kw_only=True):
    """Who was notified of the silence of an owner."""

    escalated_at: str = ""
    told: str = ""
    providers: Sequence[str] = ()
    step: int | None = None
    step_due_at: str = ""
    cycle_id: str = ""
    owner: str = ""


class ReportedException(ReportedRow, frozen=True, gc=False, kw_only=True):
    """A cycle that was skipped, postponed or waived."""

    approved_at: str = ""
    exception: str = ""
    cycle_id: str = ""
    next_due_at: str | None = None
    expires_at: str | None = None
    reason: str = ""
    approver: str = ""
    remark: str | None = None


class ReportedImport(ReportedRow, frozen=True, gc=False, kw_only=True):
    """A row that somebody imported."""

    imported_from: str


class ReportedOutage(ReportedRow, frozen=True, gc=False, kw_only=True):
    """The beginning of an outage, or its end."""

    provider: str
    opened_at: str
    detail: str = ""
    closed_at: str | None = None
    """When it ended; None in the row of its beginning, as all that follows has no value there."""
    waited_count: int = 0
    delivered_count: int = 0
    waiting_count: int = 0
    dead_letter_count: int = 0
    discarded_count: int = 0
    superseded_count: int = 0
    flow_run_ids: Sequence[str] = ()
    closed_by: str = ""
    """Who closed it without a delivery; empty if a delivery did."""
    reason: str = ""


class ReportedAct(ReportedRow, frozen=True, gc=False, kw_only=True):
    """What somebody did about a connector or about undelivered notifications, or what came of it."""

    provider: str = ""
    providers: Sequence[str] = ()
    replayed_by: str | None = None
    approved_by: str | None = None
    requested_by: str | None = None
    asked_by: str | None = None
    discarded_by: str | None = None
    disabled_by: str | None = None
    enabled_by: str | None = None
    notification_count: int = 0
    delivered_count: int | None = None
    """Of the outcome of a replay, as the two counts that follow; None of everything else."""
    waiting_count: int = 0
    dead_letter_count: int = 0
    problem: str = ""
    reason: str | None = None
    replay_id: str = ""

    @property
    def by(self) -> str | None:
        """Who did it, or who did it last."""
        of_replay = self.replayed_by or self.approved_by or self.requested_by or self.asked_by
        return of_replay or self.discarded_by or self.disabled_by or self.enabled_by

    @property
    def connectors(self) -> Sequence[str]:
        """The connectors that it is about."""
        return self.providers or [self.provider]


class LedgerEvent(ReportedRow, frozen=True, gc=False, kw_only=True):
    """What the ledger says of itself: a key, a clock that went back, or a pruning."""

    public_key: str = ""
    previous_public_key: str = ""
    lost: bool = False
    seconds_back: int | None = None
    row_count: int = 0
    pruned_before: int = 0
    retention_months: int | None = None


T = TypeVar("T")


def taking(kind: type[T], take: Callable[[T], None]) -> Callable[[WrittenRecord], None]:
    """Return what takes records of one kind."""
    return lambda record: take(msgspec.convert(record, kind))
