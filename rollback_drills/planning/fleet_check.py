"""One check of a fleet: for each schedule its documents, judgement, routes, decisions and plan."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec import UnsetType

from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.time_data import TimeData
from rollback_drills.planning.decisions import RouteDecision, decide_routes, make_context
from rollback_drills.planning.plan import Plan, build_plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import Route, eligible_providers, resolve_routes
from rollback_drills.readiness.judgement import Judgement


@dataclass(slots=True, eq=False)
class ScheduleCheck:
    """The check of one schedule. What a step finds out can be read once the step is done."""

    subject: Subject
    judgement: Judgement
    eligible: list[str] = field(init=False)
    """The providers of the schedule that were asked for."""
    routes: list[Route] = field(init=False)
    decisions: list[RouteDecision] = field(init=False)
    time_data: TimeData | UnsetType = field(init=False)
    """With which data windows and absences that recur were found; UNSET if none recurs."""
    plan: Plan = field(init=False)

    @property
    def schedule_id(self) -> str:
        """The id of the schedule, or the path of a document that has none."""
        return self.judgement.cycle.schedule_id

    @property
    def schedule(self) -> Schedule | None:
        """The schedule, if it can be read."""
        return self.subject.schedule.document if self.subject.schedule else None

    def find_routes(self, request: PlanRequest) -> None:
        """Find who can be notified, and through what."""
        schedule = self.schedule
        self.eligible = eligible_providers(schedule, request.connectors, request.requested)
        self.routes = resolve_routes(schedule, request.policy, self.eligible, request.requested)

    def decide(self, request: PlanRequest, *, now: datetime) -> None:
        """Decide for every route whether it is notified."""
        context = make_context(self.judgement.cycle, self.schedule, request, now=now)
        self.decisions = decide_routes(self.routes, context)
        self.time_data = context.suppressions.find_time_data()

    def build_plan(self) -> None:
        """Build the plan from the decisions."""
        judgement = self.judgement
        self.plan = build_plan(
            judgement.cycle,
            judgement.schedule_report,
            self.eligible,
            self.routes,
            self.decisions,
            self.time_data,
        )

    def plan_at_once(self, request: PlanRequest, *, now: datetime) -> None:
        """Find the routes, decide and plan, where nobody looks at the steps."""
        self.find_routes(request)
        self.decide(request, now=now)
        self.build_plan()


class FleetCheck(msgspec.Struct, frozen=True):
    """The checks of all schedules. It is a Struct because Prefect does not look into those."""

    checks: list[ScheduleCheck]
    is_single: bool
    """Whether the caller named one document, and expects one result."""
    known_names: list[str]
    """Every name under which the schedules and their source may be in the outbox."""
    warnings: tuple[str, ...] = ()
    """What of the documents is left out or unclear, a sentence each."""

    @property
    def subjects(self) -> list[Subject]:
        """The documents."""
        return [each.subject for each in self.checks]

    @property
    def judgements(self) -> list[Judgement]:
        """What was found about each schedule."""
        return [each.judgement for each in self.checks]

    @property
    def plans(self) -> list[Plan]:
        """The plans, once they are built."""
        return [each.plan for each in self.checks]

    @property
    def schedule_ids(self) -> list[str]:
        """The ids of the schedules."""
        return [each.schedule_id for each in self.checks]


def start_checks(subjects: Sequence[Subject], judgements: Sequence[Judgement]) -> list[ScheduleCheck]:
    """Put documents and judgements together, schedule by schedule."""
    return [ScheduleCheck(*each) for each in zip(subjects, judgements, strict=True)]
