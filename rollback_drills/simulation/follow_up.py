"""The follow-ups of one schedule in a simulation: they take steps by the rules of a real follow-up."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from rollback_drills.documents.utc import write_instant, write_time_of_run
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.cycle_grouping import group_cycles
from rollback_drills.followup.escalations.escalation import take_step
from rollback_drills.followup.escalations.escalation_steps import PlannedStep
from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules
from rollback_drills.names.keys import is_same
from rollback_drills.planning.closings import is_over
from rollback_drills.planning.escalation_chain import Chain
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.states import Readiness
from rollback_drills.simulation.happenings import DeadEnd
from rollback_drills.simulation.outbox import Row, SimulatedOutbox
from rollback_drills.simulation.people import People

_to_sent = attrgetter("sent")
_NOBODY: Final = "everybody is absent, or in a window, without a known end"
_ALONE: Final = "nobody but the owner is in the chain"


class FollowUps:
    """What the follow-ups of one schedule do, one after the other."""

    def __init__(
        self,
        people: People,
        outbox: SimulatedOutbox,
        schedule_id: str,
        suppressions: Suppressions,
        repeat_after: Mapping[Readiness, timedelta],
    ) -> None:
        """Begin before the first follow-up.

        Args:
            people: Who acknowledge.
            outbox: Where notifications are committed.
            schedule_id: The schedule.
            suppressions: Its windows and calendars.
            repeat_after: How long a route stays quiet, by state.
        """
        self._people, self._outbox, self._suppressions = people, outbox, suppressions
        self._rules = FollowUpRules({schedule_id: repeat_after}, {schedule_id: suppressions})
        self.next_at: datetime | None = None
        """When a step is due next; None if none is."""
        self._noted: set[tuple[str, str, int]] = set()
        """By cycle, owner and step: the dead ends that were found."""

    def take_steps(self, current: Cycle, *, now: datetime) -> tuple[list[Row], list[DeadEnd]]:
        """Take the steps that are due, and look for the next ones.

        Args:
            current: The cycle in which the schedule is; no step of another one is taken.
            now: The instant of the run.

        Returns:
            What is committed, and the chains that turn out to lead to nobody.
        """
        planned = self._plan_steps(current, now)
        due = [
            take_step(cycle, owner, step, self._rules) for cycle, owner, step in planned if step.is_due(now)
        ]
        rows = [
            self._outbox.commit_step(each, provider, now=now)
            for each in due
            for provider in each.providers
            if not self._outbox.knows_step(each, provider)
        ]
        if rows:
            planned = self._plan_steps(current, now)
        times = (self._find_next(*each, now) for each in planned)
        self.next_at = min(filter(None, times), default=None)
        return rows, [end for each in planned for end in self._find_dead_ends(*each, now)]

    def _find_next(self, cycle: CycleFacts, owner: str, step: PlannedStep, now: datetime) -> datetime | None:
        """Return when a run can do something about a step; None if never."""
        if not step.providers:
            return step.due_at if step.due_at > now else None
        taken = take_step(cycle, owner, step, self._rules)
        if step.is_due(now) and all(self._outbox.knows_step(taken, each) for each in step.providers):
            return self._suppressions.find_change(step.link.owner, now)  # another provider may be open then
        return step.at

    def _plan_steps(self, current: Cycle, now: datetime) -> list[tuple[CycleFacts, str, PlannedStep]]:
        cycles = group_cycles(self._outbox.open_rows, _to_sent, self._people.said, {}, now=now)
        steps = (
            (cycle, owner, self._rules.plan_step(cycle, owner, now=now))
            for cycle in cycles
            if not is_over(cycle.cycle_id, current)
            for owner in cycle.chains
        )
        return [(cycle, owner, step) for cycle, owner, step in steps if step]

    def _find_dead_ends(
        self, cycle: CycleFacts, owner: str, step: PlannedStep, now: datetime
    ) -> Iterator[DeadEnd]:
        """Yield that a due step reaches nobody, or that the chain has nobody but the owner; each once."""
        if not step.providers and step.due_at <= now and self._is_new(cycle, owner, step.step):
            yield _describe(cycle, owner, step.step, _NOBODY, now)
        if step.providers and _is_alone(cycle.chains[owner]) and self._is_new(cycle, owner, 0):
            yield _describe(cycle, owner, step.step, _ALONE, now)

    def _is_new(self, cycle: CycleFacts, owner: str, step: int) -> bool:
        end = cycle.cycle_id, owner, step
        if end in self._noted:
            return False
        self._noted.add(end)
        return True


def _is_alone(chain: Chain) -> bool:
    return all(is_same(link.owner, chain.owner) for link in chain.links)


def _describe(cycle: CycleFacts, owner: str, step: int, because: str, now: datetime) -> DeadEnd:
    return DeadEnd(
        at=write_time_of_run(now),
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        due_at=write_instant(cycle.due_at) if cycle.due_at else "",
        owner=owner,
        step=step,
        because=because,
    )
