"""The records of a check in the evidence: written at its end, and read again by later ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.checks.plans_in_force import Departures
from rollback_drills.evidence.checks.population import Changes, KnownFindings, Summary, digest_population
from rollback_drills.evidence.index import LedgerRow
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import CHECK_KIND
from rollback_drills.redaction.computed import Computed


class CheckRecord(Record, frozen=True, kw_only=True, gc=False, tag=CHECK_KIND):
    """The record of a check: that a run looked at a whole population, and what it concluded in all."""

    session_id: Computed
    """The population."""
    population_id: Computed
    watched: str
    as_of: Computed
    is_fleet: bool
    schedule_count: int
    state_counts: Mapping[Computed, int]
    changed_count: int
    unchanged_count: int
    came: Sequence[str]
    gone: Sequence[str]
    lost: Sequence[str] = ()
    """The schedules that are gone, although nobody retired them, and that no run before has named."""
    population_digest: Computed


def record_check(
    summary: Summary, changes: Changes, lost: Sequence[str], *, created_at: datetime, signer: str
) -> CheckRecord:
    """Write down that a run looked at a whole population."""
    count = len(summary.findings)
    return CheckRecord(
        session_id=summary.population_id,
        created_at=write_instant(created_at),
        signer=signer,
        population_id=summary.population_id,
        watched=summary.watched,
        as_of=write_instant(summary.as_of),
        is_fleet=summary.is_fleet,
        schedule_count=count,
        state_counts=summary.states,
        changed_count=len(changes.changed),
        unchanged_count=count - len(changes.changed),
        came=changes.came,
        gone=changes.gone,
        lost=lost,
        population_digest=digest_population(summary.findings),
    )


class RecordedFinding(LedgerRow, frozen=True, gc=False):
    """What the record of a plan says of a population; empty in plans of earlier versions."""

    schedule_id: str
    population_id: str = ""
    finding_digest: str = ""


class RecordedCheck(Departures, frozen=True, gc=False):
    """What the record of a check says of a population."""

    created_at: str
    schedule_count: int
    population_digest: str
    as_of: str = ""
    """The time that it judged by."""
    lost: Sequence[str] = ()
    flow_run_id: str = ""
    is_fleet: bool = True
    """Earlier versions did not say so."""


class SeenPopulations:
    """Follows plans and checks of the ledger in their order, and keeps what is known of each population."""

    def __init__(self) -> None:
        """Begin before the first record."""
        self.known: dict[str, KnownFindings] = {}

    def take_plan(self, plan: RecordedFinding) -> None:
        """Take a plan; one of an earlier version says nothing about populations."""
        if plan.finding_digest:
            self.known.setdefault(plan.population_id, {})[plan.schedule_id] = plan.finding_digest

    def take_check(self, check: RecordedCheck) -> None:
        """Take a check."""
        of_population = self.known.setdefault(check.population_id, {})
        for name in check.gone:
            of_population.pop(name, None)
