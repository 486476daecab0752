"""Names and tags a flow run after what it found, so that the list of runs reads as a history."""

from collections.abc import Sequence

from prefect.context import FlowRunContext, SyncClientContext

from rollback_drills.evidence.population import Changes
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.terms import Readiness, worst

STATE_NAMES = {
    Readiness.READY: "Ready",
    Readiness.DUE_SOON: "DueSoon",
    Readiness.NEEDS_ATTENTION: "NeedsAttention",
    Readiness.NOT_REQUESTED: "NotRequested",
}
"""By the state of the schedules, what the final state of a run is called."""

BLOCKED = "Blocked"
"""What the failed state of a gate is called that lets no release pass."""

_MOST_TAGS = 20  # of each kind; a fleet has more schedules than anybody reads tags


def tags_of(judgements: Sequence[Judgement]) -> list[str]:
    """Return the tags of a run: schedules, environments and states, each with its kind in front."""
    facts = [each.schedule for each in judgements]
    found = (
        {f"schedule:{each.schedule_id}" for each in facts if each.schedule_id},
        {f"environment:{each.environment}" for each in facts if each.environment},
        {f"status:{each.readiness}" for each in judgements},
    )
    return [tag for some in found for tag in sorted(some)[:_MOST_TAGS]]


_FOUND = {
    Readiness.READY: ("is ready", "ready"),
    Readiness.DUE_SOON: ("is due soon", "due soon"),
    Readiness.NEEDS_ATTENTION: ("needs attention", "need attention"),
    Readiness.NOT_REQUESTED: ("is not requested", "not requested"),
}
"""What is said of one schedule in this state, and of several."""


def describe(judgements: Sequence[Judgement], changes: Changes | None) -> str:
    """Describe what a run found, and how much of it is new: `payments needs attention; 3 of 1,000 changed`.

    Args:
        judgements: What was found of each schedule.
        changes: What changed since the last check; None if the run was not compared with it.
    """
    state = worst(each.readiness for each in judgements)
    names = [each.cycle.schedule_id for each in judgements if each.readiness is state]
    one, several = _FOUND[state]
    if len(judgements) > 1 and len(names) == len(judgements):
        found = f"all {len(names):,} {several}"
    else:
        found = f"{names[0]} {one}" if len(names) == 1 else f"{len(names):,} {several}"
    if changes is None:
        return found
    if len(judgements) == 1 and not changes.gone:
        return f"{found}; {'changed' if changes.is_any else 'nothing changed'}"
    count = len(changes.changed)
    gone = f", {len(changes.gone):,} gone" if changes.gone else ""
    news = f"{count:,} of {len(judgements):,} changed{gone}" if changes.is_any else "nothing changed"
    return f"{found}; {news}"


def name_run(judgements: Sequence[Judgement], changes: Changes | None, *, is_distrusted: bool) -> None:
    """Name the current flow run after what it found and what is new of it, and tag it.

    Args:
        judgements: What was found.
        changes: What changed since the last check; None if the run was not compared with it.
        is_distrusted: Whether a drill history is not trusted.
    """
    rename_run(describe(judgements, changes), judgements, ["history:untrusted"] if is_distrusted else [])


def rename_run(name: str, judgements: Sequence[Judgement], marks: Sequence[str] = ()) -> None:
    """Name the current flow run, and set the tags of what it judged, with some more."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    all_tags = [*context.flow_run.tags, *tags_of(judgements), *marks]
    # The client that the run has open: a new one reads all certificates first.
    with SyncClientContext.get_or_create() as opened:
        opened.client.update_flow_run(context.flow_run.id, name=name, tags=list(dict.fromkeys(all_tags)))
