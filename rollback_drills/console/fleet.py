"""The fleet at a glance: the state of every schedule, when it is due, and what happens next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.console.facets import Facets, find_facets
from rollback_drills.console.query import ROWS_ON_A_PAGE, FleetQuery, select_schedules
from rollback_drills.console.source import Console
from rollback_drills.database.errors import DatabaseError
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.dashboard import OpenCycle, build_dashboard
from rollback_drills.followup.escalations.follow_up_rules import documents_of, find_rules
from rollback_drills.followup.next_actions import Action, CycleState
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.names import ids
from rollback_drills.readiness.due import find_latest_accepted_at
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import ScheduleFacts
from rollback_drills.readiness.states import PRESSING_FIRST, Readiness
from rollback_drills.rendering.long_lists import list_some
from rollback_drills.rendering.times import how_long

GENERATED_BY: Final = "console"


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One schedule."""

    schedule_id: str
    environment: str
    state: Readiness
    due_at: datetime | None
    last_accepted_at: datetime | None
    owners: Sequence[str]
    todo: str
    """What a person has to do."""
    warnings: Sequence[str] = ()
    """What is wrong with the drill history."""
    cycle: OpenCycle | None = None
    """How the open cycle stands, as the dashboard has it; None if none is open."""

    @property
    def next_action(self) -> str:
        """What the program does next; empty if it waits for nothing."""
        return " ".join(filter(None, self._next_action()))

    def describe_next(self, now: datetime) -> str:
        """Return what the program does next, and when; empty if it waits for nothing."""
        waiting = self.cycle.next_action if self.cycle else None
        if waiting is None or waiting.action == Action.RETIRE:
            return self.next_action
        is_ahead = datetime.fromisoformat(waiting.at) > now
        when = how_long(waiting.at, now=now) if is_ahead else "with the next run"
        action, condition = self._next_action()
        return " ".join(filter(None, (action, when, condition)))

    def _next_action(self) -> tuple[str, str]:
        """Return what the program does next, and on which condition."""
        action = self.cycle.next_action if self.cycle else None
        if action is None:
            return "", ""
        owner = action.owner or "somebody"
        next_owner = action.next_step_owner or "nobody, because everybody is absent,"
        again = " again" if self.cycle and self.cycle.state == CycleState.ACKNOWLEDGED else ""
        return {
            Action.DELIVER: (f"delivers to {owner}", ""),
            Action.ANNOUNCE: (f"notifies {owner}", "when the silence ends"),
            Action.ESCALATE: (f"escalates to {next_owner}", f"unless {owner} acknowledges{again}"),
            Action.REPEAT: (f"notifies {owner} again", ""),
            Action.CLOSE: (f"notifies {owner} that it is over", "when the silence ends"),
            Action.RETIRE: ("waits until somebody retires the schedule, whose document is gone", ""),
            Action.END_EXCEPTION: ("notifies again", "when the exception ends"),
        }[action.action]

    @property
    def next_action_at(self) -> datetime | None:
        """When it does."""
        action = self.cycle.next_action if self.cycle else None
        return datetime.fromisoformat(action.at) if action else None


@dataclass(frozen=True, slots=True)
class FleetView:
    """A page of the fleet."""

    at: datetime
    query: FleetQuery
    counts: Mapping[Readiness, int]
    """By state, of the whole fleet; the most pressing first."""
    facets: Facets
    """The environments and owners of the whole fleet."""
    rows: Sequence[FleetRow]
    total: int
    """How many the query finds, on all pages."""
    problem: str = ""
    """Why the evidence cannot be read; empty if it can."""
    warnings: Sequence[str] = ()
    """What of the documents is left out or unclear, a sentence each."""

    @property
    def fleet_size(self) -> int:
        """How many schedules there are."""
        return sum(self.counts.values())

    @property
    def page_count(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // ROWS_ON_A_PAGE))

    @property
    def first(self) -> int:
        """The number of the first row, from 1."""
        return (self.query.page - 1) * ROWS_ON_A_PAGE + 1


def read_fleet(console: Console, query: FleetQuery) -> FleetView:
    """Read a page of the fleet. Without evidence the states are there, and the view says what is missing.

    Raises:
        UsageError: There is no page of this number.
    """
    places = select_schedules(console.judgements, query)
    some = places[(query.page - 1) * ROWS_ON_A_PAGE :][:ROWS_ON_A_PAGE]
    if query.page > 1 and not some:
        raise UsageError(f"there is no page {query.page} of this view")
    rows, problem = read_rows(console, some)
    counts, facets = count_states(console.judgements), find_facets(console.judgements)
    warnings = list_some(console.warnings)
    return FleetView(console.at, query, counts, facets, rows, len(places), problem, warnings)


def read_rows(console: Console, places: Sequence[int]) -> tuple[list[FleetRow], str]:
    """Return the rows of some schedules, and why the evidence cannot be read; empty if it can."""
    cycles: Mapping[str, OpenCycle] = {}
    problem = ""
    try:
        ids = [console.judgements[place].cycle.schedule_id for place in places]
        database = console.evidence()
        found = read_open_cycles(database, now=console.at, schedule_ids=ids)
        cycles = describe_cycles(console, found, places)
    except DatabaseError as error:
        problem = console.explain(error)
    rows = [
        make_row(console.subjects[place], console.judgements[place], cycles, now=console.at)
        for place in places
    ]
    return rows, problem


def count_states(judgements: Sequence[Judgement]) -> dict[Readiness, int]:
    """Count the schedules by their state."""
    states = [each.cycle.status for each in judgements]
    return {state: states.count(state) for state in PRESSING_FIRST}


def describe_cycles(
    console: Console, cycles: Sequence[CycleFacts], places: Sequence[int]
) -> dict[str, OpenCycle]:
    """Return how open cycles stand, as the dashboard does: by their ids, and by those they would get now.

    Args:
        console: The database and the time.
        cycles: The open cycles.
        places: Of their schedules among those of the console.
    """
    dashboard = build_dashboard(
        cycles,
        (),
        now=console.at,
        generated_by=GENERATED_BY,
        rules=find_rules(
            console.database,
            cycles,
            documents_of(console.subjects[place] for place in places),
            judgements=[console.judgements[place] for place in places],
        ),
    )
    return {
        cycle_id: each
        for each in dashboard.cycles
        for cycle_id in (each.cycle_id, ids.cycle_id(each.schedule_id, each.next_due_at))
    }


def make_row(
    subject: Subject, judgement: Judgement, cycles: Mapping[str, OpenCycle], *, now: datetime
) -> FleetRow:
    """Return the row of one schedule.

    Args:
        subject: The documents.
        judgement: What is said of them.
        cycles: How open cycles stand, by cycle.
        now: The instant.
    """
    section = judgement.schedule
    history = subject.history.document if subject.history else None
    return FleetRow(
        judgement.cycle.schedule_id,
        section.environment,
        judgement.cycle.status,
        datetime.fromisoformat(section.next_due_at) if section.next_due_at else None,
        find_latest_accepted_at(history, now=now) if history else None,
        section.owners,
        _find_todo(subject, judgement),
        judgement.schedule_report.warnings,
        cycles.get(judgement.cycle.cycle_id),
    )


def _find_todo(subject: Subject, judgement: Judgement) -> str:
    section = judgement.schedule
    match judgement.cycle.status:
        case Readiness.READY:
            return "nothing to do"
        case Readiness.DUE_SOON:
            return _name_drill(section)
        case Readiness.NOT_REQUESTED:
            return judgement.cycle.retired or "nothing is asked for"
        case Readiness.NEEDS_ATTENTION:
            is_usable = subject.schedule is not None and subject.schedule.document is not None
            overdue = is_usable and section.stale and section.next_due_at
            if overdue and section.active:
                return _name_drill(section)
            history = judgement.history_report.rollback_drill_history_path
            if judgement.history.open_findings and section.message.startswith(history):
                return "close the findings"
            is_history_fault = section.message.startswith(tuple(judgement.schedule_report.warnings))
            return "fix the drill history" if is_history_fault else "fix the schedule"


def _name_drill(section: ScheduleFacts) -> str:
    """Return what to do, and the change that makes the drill due, if there is one."""
    change = section.change
    because = f": {change.change_id} was promoted" if change and change.moves_due else ""
    return f"perform the drill{because}"
