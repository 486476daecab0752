"""Collects from the records of an export what its report says, one record after another."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from rollback_drills.evidence.export.cycles import Due, PerformedDrill
from rollback_drills.evidence.export.listed import Listed
from rollback_drills.evidence.export.recovery import Recovery
from rollback_drills.evidence.export.reported_rows import (
    LedgerEvent,
    ReportedAcknowledgement,
    ReportedDecision,
    ReportedDelivery,
    ReportedDrill,
    ReportedEscalation,
    ReportedException,
    ReportedImport,
    ReportedRow,
    taking,
)
from rollback_drills.evidence.export.route_lines import RouteLine, describe_outcome, describe_suppression
from rollback_drills.evidence.export.seen_schedule import SeenSchedule
from rollback_drills.evidence.record_kinds import (
    ACKNOWLEDGEMENT_KIND,
    DECISION_KIND,
    DRILL_KIND,
    ESCALATION_KIND,
    EXCEPTION_KIND,
    IMPORT_KIND,
    LEDGER_KINDS,
    PLAN_KIND,
    ROUTE_DELIVERY_KIND,
)
from rollback_drills.evidence.recorded_plan import RecordedPlan, RecordedSchedule
from rollback_drills.evidence.written_record import WrittenRecord
from rollback_drills.names.ids import ALARM_PATH_PREFIX
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.states import DEAD, NOTIFIED
from rollback_drills.planning.category import Action


@dataclass(slots=True)
class Import:
    """Rows that somebody imported from one file."""

    first_row: int
    count: int = 0


class Population:
    """What an export shows of schedules, drills, notifications, acknowledgements and exceptions."""

    def __init__(
        self, start: int, end: int, *, has_earlier: bool, pruned_count: int, head_count: int
    ) -> None:
        """Count the rows from start to before end; others are there to prove, not to be counted.

        Args:
            start: The first leaf of the period.
            end: The leaf after the period.
            has_earlier: Whether there are rows before it, or were.
            pruned_count: How many rows of the period are gone.
            head_count: How many signed heads are exported.
        """
        self.first_row, self._end = start, end
        self.has_earlier, self.pruned_count, self.head_count = has_earlier, pruned_count, head_count
        self.schedules: dict[str, SeenSchedule] = {}
        self.kinds: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.suppressions: Counter[tuple[str, str, str]] = Counter()
        self.routes: dict[str, Listed[RouteLine]] = {}
        """By schedule: who was notified, who was not and why."""
        self.imports: dict[tuple[str, str], Import] = {}
        self.failures = Listed[ReportedDelivery]()
        self.acknowledgements = Listed[ReportedAcknowledgement]()
        self.escalations = Listed[ReportedEscalation]()
        self.granted = Listed[ReportedException]()
        """Cycles that were skipped, postponed or waived."""
        self.recovery = Recovery()
        self.ledger_events = Listed[LedgerEvent]()
        """What the ledger says of itself, in the whole of it."""
        self.oldest = self.newest = ""
        self._take: Mapping[str, Callable[[WrittenRecord], None]] = {
            PLAN_KIND: taking(RecordedPlan, self._take_plan),
            DECISION_KIND: taking(ReportedDecision, self._take_decision),
            DRILL_KIND: taking(ReportedDrill, self._take_drill),
            ROUTE_DELIVERY_KIND: taking(ReportedDelivery, self._take_delivery),
            ACKNOWLEDGEMENT_KIND: taking(ReportedAcknowledgement, self.acknowledgements.add),
            ESCALATION_KIND: taking(ReportedEscalation, self.escalations.add),
            EXCEPTION_KIND: taking(ReportedException, self.granted.add),
            IMPORT_KIND: taking(ReportedImport, self._take_import),
            **self.recovery.takers,
        }

    def add_in_force(self, plan: RecordedPlan) -> None:
        """Take a plan in that was in force when the period began: its schedule was checked within it."""
        self._take_plan(plan)
        self._schedule(plan.schedule_id).changes = 0
        for decision in plan.plan.route_decisions:
            if decision.action == Action.SUPPRESS:
                line = describe_suppression(decision, at=plan.created_at, row=plan.leaf_index)
                self._list_route(plan.schedule_id, line)

    def is_earlier(self, seen: SeenSchedule) -> bool:
        """Whether the newest plan of a schedule was written before the period."""
        return seen.row is not None and seen.row < self.first_row

    def add(self, record: WrittenRecord) -> None:
        """Take a record in, if it belongs to the period.

        Raises:
            ValidationError: It is not as this program writes it.
        """
        row = msgspec.convert(record, ReportedRow)
        if row.metadata_kind in LEDGER_KINDS:
            self.ledger_events.add(msgspec.convert(record, LedgerEvent))
            return
        if not self.first_row <= row.leaf_index < self._end:
            return
        self.oldest = self.oldest or row.created_at
        self.newest = max(self.newest, row.created_at)
        self.kinds[row.metadata_kind] += 1
        take = self._take.get(row.metadata_kind)
        if take and not row.schedule_id.startswith(ALARM_PATH_PREFIX):
            take(record)

    @property
    def row_count(self) -> int:
        """How many rows are counted."""
        return self.kinds.total()

    @property
    def dead_count(self) -> int:
        """How many outcomes are dead letters."""
        return sum(count for (_, outcome), count in self.outcomes.items() if outcome in DEAD)

    @property
    def refused_drills(self) -> list[tuple[str, PerformedDrill]]:
        """The drills that are not accepted, with their schedules."""
        return [
            (each.schedule_id, drill)
            for each in self.schedules.values()
            for drill in each.drills
            if not drill.accepted
        ]

    def _schedule(self, name: str) -> SeenSchedule:
        return self.schedules.setdefault(name, SeenSchedule(name))

    def _take_plan(self, record: RecordedPlan) -> None:
        seen, says, plan = self._schedule(record.schedule_id), record.schedule, record.plan
        seen.environment = says.environment or ""
        seen.cadence = says.describe_cadence()
        seen.runbook_ref = says.runbook_ref or ""
        seen.owners = tuple(plan.owners)
        seen.state = record.status
        seen.row = record.leaf_index
        seen.changes += 1
        if plan.next_due_at:
            due = seen.due_times[plan.next_due_at] = _read_due(plan.next_due_at, says)
            seen.follow(says.cadence, due.at, datetime.fromisoformat(plan.generated_at))

    def _take_decision(self, decision: ReportedDecision) -> None:
        if decision.action == Action.SUPPRESS:
            self.suppressions[decision.category, decision.provider, decision.owner] += 1
            line = describe_suppression(decision, at=decision.created_at, row=decision.leaf_index)
            self._list_route(decision.schedule_id, line)

    def _take_drill(self, record: ReportedDrill) -> None:
        executed_at, by = record.performed_at, record.drill
        drill = PerformedDrill(
            record.leaf_index,
            record.drill_id,
            datetime.fromisoformat(executed_at) if executed_at else None,
            record.accepted,
            record.explanation,
            by.approved_by or by.reviewed_by,
        )
        # Drills without an id are told apart by when they were performed.
        key = name_key(drill.drill_id), "" if drill.drill_id else executed_at
        self._schedule(record.schedule_id).by_drill[key] = drill

    def _take_delivery(self, delivery: ReportedDelivery) -> None:
        self.outcomes[delivery.provider, delivery.outcome] += 1
        self._list_route(delivery.schedule_id, describe_outcome(delivery))
        if delivery.outcome not in NOTIFIED:
            self.failures.add(delivery)

    def _list_route(self, schedule_id: str, line: RouteLine) -> None:
        if schedule_id:  # a notice to the platform owner is of no schedule
            self.routes.setdefault(schedule_id, Listed()).add(line)

    def _take_import(self, record: ReportedImport) -> None:
        key = record.imported_from, record.signer
        self.imports.setdefault(key, Import(record.leaf_index)).count += 1


def _read_due(written: str, says: RecordedSchedule) -> Due:
    """Return the due time of a plan; of earlier versions and unknown cadences every drill before counts."""
    at, cadence = datetime.fromisoformat(written), says.cadence
    if cadence:
        begin = datetime.fromisoformat(cadence.counts_from) if cadence.counts_from else None
        return Due(at, begin, cadence.can_be_late)
    return Due(at, at - timedelta(days=says.interval_days) if says.interval_days else None)
