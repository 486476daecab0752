"""Plans the next step of a chain: who is notified, through what and when. A run takes exactly this step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollback_drills.documents.calendars.rule_parts import MOST_OCCURRENCES
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.next_actions import find_next_step
from rollback_drills.planning.escalation_chain import Chain, Link
from rollback_drills.planning.repeats import REPEAT_AFTER
from rollback_drills.planning.routes import Route
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.states import Readiness


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """The next step of one owner's chain, as the documents stand now."""

    step: int
    """From 1, absent people passed over; beyond the chain, its last person is notified again."""
    link: Link
    """Who is notified, if anybody can be."""
    due_at: datetime
    """When the step was due, whatever suppressed it."""
    at: datetime
    """When a run can take it; in the past if a run can take it now, or if nobody can ever be notified."""
    providers: Sequence[str]
    """The providers that no window closes at that time; empty if nobody can ever be notified."""

    @property
    def escalates_to(self) -> str:
        """Who is notified; empty if everybody in the chain is absent without an end."""
        return self.link.owner if self.providers else ""

    def is_due(self, now: datetime) -> bool:
        """Whether a run takes the step at this time."""
        return bool(self.providers) and self.at <= now


def plan_step(
    cycle: CycleFacts,
    owner: str,
    suppressions: Suppressions,
    *,
    now: datetime,
    repeat_after: Mapping[Readiness, timedelta] = REPEAT_AFTER,
) -> PlannedStep | None:
    """Return the next step of an owner's chain; None if there is none or no chain, or an exception holds.

    A person who is absent when the step is due is passed over for the next one of the chain; a window delays
    the step until it ends.

    Args:
        cycle: The facts.
        owner: Whose silence it is about.
        suppressions: The windows and calendars of the schedule.
        now: The time of the plan.
        repeat_after: How long the last person is left alone about an owner who is absent without an end.
    """
    chain = cycle.chains.get(owner)
    if cycle.exception or chain is None:
        return None
    due = find_next_step(cycle, owner, chain, repeat_after=repeat_after)
    if due is None:
        return None
    start = at = max(due.at, now)
    waited_for = [
        each
        for each in chain.links[min(due.step, len(chain.links)) - 1 :]
        if not suppressions.is_never_available(each.owner)
    ]
    for _ in range(MOST_OCCURRENCES):  # what recurs changes something for ever
        step = _pass_over(chain, due.step, suppressions, at)
        link = chain.links[min(step, len(chain.links)) - 1]
        if open_ways := _find_open_ways(link, suppressions, at):
            return PlannedStep(step, link, due.at, due.at if at == start else at, open_ways)
        changes = (suppressions.find_change(each.owner, at) for each in waited_for)
        later = min((each for each in changes if each), default=None)
        if later is None:
            break
        at = later
    return PlannedStep(step, link, due.at, due.at, ())


def _pass_over(chain: Chain, step: int, suppressions: Suppressions, at: datetime) -> int:
    """Return the step of the first person from there on who is not absent, or the last one's."""
    while step < len(chain.links) and suppressions.find_absence(chain.links[step - 1].owner, at):
        step += 1
    return step


def _find_open_ways(link: Link, suppressions: Suppressions, at: datetime) -> list[str]:
    if suppressions.find_absence(link.owner, at):
        return []
    ways = (Route(link.owner, provider, 0, link.owner) for provider in link.providers)
    return [way.provider for way in ways if not suppressions.find_window(way, at)]
