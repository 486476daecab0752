"""Names and tags a flow run after what it found, so that the list of runs reads as a history."""

from collections.abc import Sequence

from prefect.context import FlowRunContext, SyncClientContext

from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.terms import Readiness

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


def name_run(judgements: Sequence[Judgement], *, is_single: bool, is_distrusted: bool) -> None:
    """Name the current flow run after its schedule and cycle, and tag it.

    Args:
        judgements: What was found.
        is_single: Whether the documents are one schedule, and not a fleet.
        is_distrusted: Whether a drill history is not trusted.
    """
    cycle = judgements[0].cycle
    name = f"{cycle.schedule_id} {cycle.cycle_id}" if is_single else f"{len(judgements)} schedules"
    rename_run(name, judgements, ["history:untrusted"] if is_distrusted else [])


def rename_run(name: str, judgements: Sequence[Judgement], marks: Sequence[str] = ()) -> None:
    """Name the current flow run, and set the tags of what it judged, with some more."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    all_tags = [*context.flow_run.tags, *tags_of(judgements), *marks]
    # The client that the run has open: a new one reads all certificates first.
    with SyncClientContext.get_or_create() as opened:
        opened.client.update_flow_run(context.flow_run.id, name=name, tags=list(dict.fromkeys(all_tags)))
