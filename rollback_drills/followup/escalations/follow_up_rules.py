"""What documents and evidence say of the follow-up now: the same rules for runs and for plans."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType

from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.time_data import TimeData, find_holiday_version, find_time_zone_version
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.escalations.escalation_steps import PlannedStep, plan_step
from rollback_drills.followup.next_actions import Action, NextAction, find_next_actions
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.planning.closings import is_over
from rollback_drills.planning.decisions import find_repeat_after
from rollback_drills.planning.escalation_chain import Link
from rollback_drills.planning.repeats import REPEAT_AFTER
from rollback_drills.planning.routes import Route
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement, find_due, judge
from rollback_drills.readiness.states import Readiness

_ASKED_AGAIN_AFTER: Final = timedelta(days=1)

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """By schedule, what decides who is notified next; a schedule without a document has no windows."""

    repeat_after: Mapping[str, Mapping[Readiness, timedelta]] = field(default_factory=dict)
    """How long a route stays quiet after its owner was notified."""
    suppressions: Mapping[str, Suppressions] = field(default_factory=dict)
    """The windows and calendars that delay a step."""
    distrusted: Collection[str] = ()
    """The keys of the schedules whose history is not trusted: the platform owner looks after those."""
    gone: Collection[str] = ()
    """The keys of the schedules that have an open cycle and no document any more."""
    over: Collection[str] = ()
    """The ids of the cycles that are over, and wait only for silent routes to learn it."""

    def is_gone(self, cycle: CycleFacts) -> bool:
        """Whether the document of a cycle's schedule is gone."""
        return name_key(cycle.schedule_id) in self.gone

    def plan_step(self, cycle: CycleFacts, owner: str, *, now: datetime) -> PlannedStep | None:
        """Return the next step of an owner's chain; None if no run takes one."""
        if name_key(cycle.schedule_id) in self.distrusted or cycle.cycle_id in self.over:
            return None
        suppressions = self._suppressions_of(cycle)
        return plan_step(cycle, owner, suppressions, now=now, repeat_after=self._repeat_after(cycle))

    def find_time_zone(self, cycle: CycleFacts, owner: str) -> str:
        """Return the time zone in which somebody works who is notified of a cycle."""
        return self._suppressions_of(cycle).find_time_zone(owner)

    def find_time_data(self, cycle: CycleFacts, waits: Sequence[Link]) -> TimeData | UnsetType:
        """Return with which data it was found who is notified after these waits; UNSET if with none."""
        found = self._suppressions_of(cycle).find_time_data()
        counted = [each for each in waits if each.after_business_hours is not None]
        if not counted:
            return found
        calendars = [each.working_time.calendar for each in counted]
        holidays = find_holiday_version() if any(each and each.holidays for each in calendars) else UNSET
        return TimeData(find_time_zone_version(), holidays, found.calendars if found else ())

    def find_actions(self, cycle: CycleFacts, *, now: datetime) -> list[NextAction]:
        """Return everything that will happen to an open cycle, the earliest first."""
        if cycle.cycle_id in self.over:
            return sorted(self._find_closings(cycle, now))
        found = []
        for action in find_next_actions(cycle, repeat_after=self._repeat_after(cycle)):
            if action.action is Action.REPEAT and self.is_gone(cycle):
                found.append(replace(action, action=Action.RETIRE))
            elif action.action is not Action.ESCALATE:
                found.append(action)
            elif step := self.plan_step(cycle, action.owner, now=now):
                found.append(NextAction(step.at, action.action, action.owner, step.step, step.escalates_to))
        return sorted(found)

    def _find_closings(self, cycle: CycleFacts, now: datetime) -> Iterator[NextAction]:
        """Yield when each route of a cycle that is over learns it; without a known end it is asked again."""
        suppressions = self._suppressions_of(cycle)
        for route in cycle.routes:
            until = suppressions.defer(Route(route.owner, route.provider, 0, route.owner), now).until
            yield NextAction(until or now + _ASKED_AGAIN_AFTER, Action.CLOSE, route.owner)

    def _suppressions_of(self, cycle: CycleFacts) -> Suppressions:
        return self.suppressions.get(cycle.schedule_id) or Suppressions(cycle.schedule_id)

    def _repeat_after(self, cycle: CycleFacts) -> Mapping[Readiness, timedelta]:
        return self.repeat_after.get(cycle.schedule_id, REPEAT_AFTER)


NO_RULES: Final = FollowUpRules()
"""Without documents: nobody is absent, and no window is open."""


def find_rules(
    database: "Database | None",
    cycles: Sequence[CycleFacts],
    documents: Mapping[str, Schedule],
    policy: RoutingPolicy | None = None,
    gone: Collection[str] = (),
    judgements: Sequence[Judgement] = (),
) -> FollowUpRules:
    """Return the rules for the schedules of these cycles.

    Args:
        database: Has the evidence, which knows whose history is not trusted.
        cycles: The open cycles.
        documents: By schedule id, the document as it is now, for windows and calendars.
        policy: The routing policy of the caller.
        gone: The keys of the schedules without a document, as `find_gone` returns them.
        judgements: What is said of the schedules now, to know which cycles are over.
    """
    if database is None or not cycles:
        return NO_RULES
    from rollback_drills.trust.known_history import find_open  # SQLAlchemy takes half a second to import

    by_key = {name_key(name): document for name, document in documents.items()}
    of_cycles = {cycle.schedule_id: by_key.get(name_key(cycle.schedule_id)) for cycle in cycles}
    return FollowUpRules(
        {name: find_repeat_after(document, policy) for name, document in of_cycles.items()},
        {name: Suppressions(name, document, policy) for name, document in of_cycles.items()},
        frozenset(map(name_key, find_open(database))),
        gone,
        find_over(cycles, judgements),
    )


def documents_of(subjects: Iterable[Subject]) -> dict[str, Schedule]:
    """Return the readable schedule documents by their ids."""
    sources = (subject.schedule.document for subject in subjects if subject.schedule)
    return {document.schedule_id: document for document in sources if document}


def find_over(cycles: Sequence[CycleFacts], judgements: Iterable[Judgement]) -> frozenset[str]:
    """Return the ids of open cycles that are over by what is said of their schedules now.

    A cycle may have the id that it got when names had several spellings; it is known by both.
    """
    current = {name_key(each.cycle.schedule_id): each.cycle for each in judgements}
    found = ((each, current.get(name_key(each.schedule_id))) for each in cycles)
    return frozenset(
        each.cycle_id
        for each, now in found
        if now and is_over(each.cycle_id, now) and is_over(_find_id(each), now)
    )


def _find_id(cycle: CycleFacts) -> str:
    """Return the id that a cycle would get now."""
    return ids.cycle_id(cycle.schedule_id, write_instant(cycle.due_at) if cycle.due_at else None)


def judge_open(
    cycles: Sequence[CycleFacts], subjects: Iterable[Subject], criteria: Criteria, *, now: datetime
) -> list[Judgement]:
    """Judge the schedules that have an open cycle."""
    wanted = {name_key(each.schedule_id) for each in cycles}
    found = (each for each in subjects if each.document and name_key(each.name) in wanted)
    return [judge(each, find_due(each, now=now), criteria, now=now) for each in found]


def find_gone(cycles: Sequence[CycleFacts], subjects: Sequence[Subject]) -> frozenset[str]:
    """Return the keys of the schedules that have an open cycle, and no document any more.

    Without documents, or if one of them cannot be read, nobody knows which schedule it is: none is gone then.
    """
    if not subjects or any(each.schedule is None or each.schedule.document is None for each in subjects):
        return frozenset()
    known = set(map(name_key, find_names(subjects)))
    return frozenset(key for each in cycles if (key := name_key(each.schedule_id)) not in known)


def find_names(subjects: Iterable[Subject]) -> Iterator[str]:
    """Yield the names of schedules, as cycles have them: the id, or the path of a document without one."""
    for source in (subject.schedule for subject in subjects if subject.schedule):
        yield (source.document.schedule_id if source.document else "") or source.identity
