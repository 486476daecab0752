"""Collects from the records of an export what its report says, one record after another."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollback_drills.evidence.export.cycles import Due, PerformedDrill
from rollback_drills.evidence.export.listed import Listed
from rollback_drills.evidence.export.recovery import Recovery
from rollback_drills.evidence.export.route_lines import RouteLine, describe_outcome, describe_suppression
from rollback_drills.evidence.export.seen_schedule import SeenSchedule
from rollback_drills.evidence.records import (
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
from rollback_drills.names.ids import ALARM_PATH_PREFIX
from rollback_drills.notifications.states import DEAD, NOTIFIED
from rollback_drills.readiness.terms import Report


@dataclass(slots=True)
class Import:
    """Rows that somebody imported from one file."""

    first_row: int
    count: int = 0


class Population:
    """What an export tells of schedules, drills, notifications, acknowledgements and exceptions."""

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
        self.failures = Listed[Report]()
        self.acknowledgements = Listed[Report]()
        self.escalations = Listed[Report]()
        self.granted = Listed[Report]()
        """Cycles that were skipped, postponed or waived."""
        self.recovery = Recovery()
        self.ledger_events = Listed[Report]()
        """What the ledger says of itself, in the whole of it."""
        self.oldest = self.newest = ""
        self._take: Mapping[str, Callable[[Report], None]] = {
            PLAN_KIND: self._take_plan,
            DECISION_KIND: self._take_decision,
            DRILL_KIND: self._take_drill,
            ROUTE_DELIVERY_KIND: self._take_delivery,
            ACKNOWLEDGEMENT_KIND: self.acknowledgements.add,
            ESCALATION_KIND: self.escalations.add,
            EXCEPTION_KIND: self.granted.add,
            IMPORT_KIND: self._take_import,
            **self.recovery.takers,
        }

    def add_in_force(self, record: Report) -> None:
        """Take a plan in that was in force when the period began: its schedule was checked within it."""
        self._take_plan(record)
        self._schedule(record).changes = 0
        for decision in record["plan"]["route_decisions"]:
            if decision["action"] == "suppress":
                self._list_suppression(record, decision)

    def is_earlier(self, seen: SeenSchedule) -> bool:
        """Whether the newest plan of a schedule was written before the period."""
        return seen.row is not None and seen.row < self.first_row

    def add(self, record: Report) -> None:
        """Take a record in, if it belongs to the period."""
        kind = record["metadata_kind"]
        if kind in LEDGER_KINDS:
            self.ledger_events.add(record)
            return
        if not self.first_row <= record["leaf_index"] < self._end:
            return
        self.oldest = self.oldest or record["created_at"]
        self.newest = max(self.newest, record["created_at"])
        self.kinds[kind] += 1
        take = self._take.get(kind)
        if take and not str(record.get("schedule_id", "")).startswith(ALARM_PATH_PREFIX):
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

    def _schedule(self, record: Report) -> SeenSchedule:
        name = record["schedule_id"]
        return self.schedules.setdefault(name, SeenSchedule(name))

    def _take_plan(self, record: Report) -> None:
        seen, says = self._schedule(record), record.get("schedule", {})
        seen.environment = says.get("environment") or ""
        seen.cadence = _describe_cadence(says)
        seen.runbook_ref = says.get("runbook_ref") or ""
        seen.owners = tuple(record["plan"]["owners"])
        seen.state = record["status"]
        seen.row = record["leaf_index"]
        seen.changes += 1
        if written := record["plan"].get("next_due_at"):
            due = seen.due_times[written] = _read_due(written, says)
            seen.follow(
                says.get("cadence") or {}, due.at, datetime.fromisoformat(record["plan"]["generated_at"])
            )

    def _take_decision(self, record: Report) -> None:
        if record["action"] == "suppress":
            self.suppressions[record["category"], record["provider"], record["owner"]] += 1
            self._list_suppression(record, record)

    def _take_drill(self, record: Report) -> None:
        executed_at = record.get("executed_at") or record["drill"].get("executed_at")
        problems = record.get("problems") or ""
        drill = PerformedDrill(
            record["leaf_index"],
            record["drill_id"],
            datetime.fromisoformat(executed_at) if executed_at else None,
            record["accepted"],
            problems if isinstance(problems, str) else "; ".join(problems),
            record["drill"].get("approved_by") or record["drill"].get("reviewed_by") or "",
        )
        # Drills without an id are told apart by when they were performed.
        key = drill.drill_id, "" if drill.drill_id else executed_at or ""
        self._schedule(record).by_drill[key] = drill

    def _take_delivery(self, record: Report) -> None:
        self.outcomes[record["provider"], record["outcome"]] += 1
        self._list_route(record, describe_outcome(record))
        if record["outcome"] not in NOTIFIED:
            self.failures.add(record)

    def _list_suppression(self, record: Report, decision: Report) -> None:
        line = describe_suppression(decision, at=record["created_at"], row=record["leaf_index"])
        self._list_route(record, line)

    def _list_route(self, record: Report, line: RouteLine) -> None:
        if name := record["schedule_id"]:  # a notice to the platform owner is of no schedule
            self.routes.setdefault(name, Listed()).add(line)

    def _take_import(self, record: Report) -> None:
        key = record["imported_from"], record["signer"]
        self.imports.setdefault(key, Import(record["leaf_index"])).count += 1


def _describe_cadence(says: Report) -> str:
    if cadence := says.get("cadence"):
        return str(cadence.get("description") or "")
    return f"{says['interval_days']} days" if says.get("interval_days") else ""


def _read_due(written: str, says: Report) -> Due:
    """Return the due time of a plan; of earlier versions and unknown cadences every drill before counts."""
    at, cadence = datetime.fromisoformat(written), says.get("cadence")
    if cadence:
        counts_from = cadence.get("counts_from")
        begin = datetime.fromisoformat(counts_from) if counts_from else None
        return Due(at, begin, cadence.get("can_be_late") is not False)
    days = says.get("interval_days")
    return Due(at, at - timedelta(days=days) if days else None)
