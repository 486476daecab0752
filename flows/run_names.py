"""Names and tags a flow run after what it found, so that the list of runs reads as a history."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from heapq import nsmallest
from operator import attrgetter
from typing import Self

from prefect.context import FlowRunContext, SyncClientContext

from rollback_drills.evidence.checks.population import Changes
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness, worst

_MOST_TAGS = 20  # of each kind; a fleet has more schedules than anybody reads tags


def tags_of(judgements: Sequence[Judgement]) -> list[str]:
    """Return the tags of a run: schedules, environments and states, each with its kind in front."""
    found: Mapping[str, AbstractSet[str]] = {
        "schedule": set(map(attrgetter("schedule_report.schedule.schedule_id"), judgements)),
        "environment": set(map(attrgetter("schedule_report.schedule.environment"), judgements)),
        "status": set(map(attrgetter("cycle.status"), judgements)),
    }
    return [f"{kind}:{name}" for kind, names in found.items() for name in nsmallest(_MOST_TAGS, names - {""})]


def mark_distrust(distrusted: Collection[str]) -> list[str]:
    """Return the tag of a run that does not trust a drill history."""
    return ["history:untrusted"] if distrusted else []


_FOUND = {
    Readiness.READY: ("is ready", "ready"),
    Readiness.DUE_SOON: ("is due soon", "due soon"),
    Readiness.NEEDS_ATTENTION: ("needs attention", "need attention"),
    Readiness.NOT_REQUESTED: ("is not requested", "not requested"),
}
"""What is said of one schedule in this state, and of several."""


@dataclass(frozen=True, slots=True)
class Found:
    """How many schedules a run found in each state, and of each state the name of one."""

    states: Mapping[Readiness, int]
    names: Mapping[Readiness, str]

    @classmethod
    def of(cls, judgements: Iterable[Judgement]) -> Self:
        """Count judgements."""
        found = [(each.readiness, each.cycle.schedule_id) for each in judgements]
        return cls(Counter(state for state, _ in found), dict(found))

    @property
    def count(self) -> int:
        """How many schedules there are."""
        return sum(self.states.values())

    @property
    def worst(self) -> Readiness:
        """The most pressing state."""
        return worst(self.states)


def describe(found: Found, changes: Changes | None) -> str:
    """Describe what a run found, and how much of it is new: `payments needs attention; 3 of 1,000 changed`.

    Args:
        found: What was found.
        changes: What changed since the last check; None if the run was not compared with it.
    """
    state, count = found.worst, found.count
    in_state = found.states.get(state, 0)
    one, several = _FOUND[state]
    if not count:
        said = "no schedule"
    elif count > 1 and in_state == count:
        said = f"all {count:,} {several}"
    else:
        said = f"{found.names[state]} {one}" if in_state == 1 else f"{in_state:,} {several}"
    if changes is None:
        return said
    if count == 1 and not changes.gone:
        return f"{said}; {'changed' if changes.is_any else 'nothing changed'}"
    gone = f", {len(changes.gone):,} gone" if changes.gone else ""
    news = f"{len(changes.changed):,} of {count:,} changed{gone}" if changes.is_any else "nothing changed"
    return f"{said}; {news}"


def describe_run(found: Found, changes: Changes | None, *, left_count: int) -> str:
    """Describe a run for its name: `payments needs attention; changed; 2 not delivered`.

    Args:
        found: What was found.
        changes: As in `describe`.
        left_count: How many notifications have not reached their owners.
    """
    said = describe(found, changes)
    return f"{said}; {left_count:,} not delivered" if left_count else said


def rename_run(name: str, tags: Iterable[str]) -> None:
    """Name the current flow run, and add tags to it."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    all_tags = [*context.flow_run.tags, *tags]
    # The client that the run has open: a new one reads all certificates first.
    with SyncClientContext.get_or_create() as opened:
        opened.client.update_flow_run(context.flow_run.id, name=name, tags=list(dict.fromkeys(all_tags)))
