"""The page of a fleet that was checked in shards."""

from collections.abc import Mapping, Sequence

from rollback_drills.evidence.checks.shards import ShardResult
from rollback_drills.readiness.states import Readiness, describe_states
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills.rendering.markdown import table
from rollback_drills.reports.pages.publication import most_pages_of_shard
from rollback_drills.reports.pages.run_page import FLEET_COLUMNS, list_warnings

_PRESSING = (Readiness.NEEDS_ATTENTION, Readiness.DUE_SOON)


def render_sharded_fleet(
    states: Mapping[Readiness, int],
    results: Sequence[ShardResult],
    problems: Sequence[str],
    warnings: Sequence[str],
) -> str:
    """Write the page as Markdown: how many are in which state, those that are not ready, and the shards.

    Args:
        states: How many schedules are in each state.
        results: What the shards found and did.
        problems: What was not delivered, a sentence each.
        warnings: What of the documents is left out or unclear, a sentence each.
    """
    count = sum(states.values())
    rows = [row for each in results for row in each.report.pressing][:MOST_ROWS]
    lines = [
        f"# {write_count(count, 'schedule')} in {write_count(len(results), 'shard')}",
        "",
        describe_states(states),
        "",
        *table(FLEET_COLUMNS, map(tuple, rows)),
    ]
    if more := sum(states.get(each, 0) for each in _PRESSING) - len(rows):
        lines += ["", f"{more} more are not shown; the console shows them all."]
    most = most_pages_of_shard(len(results))
    if left_out := sum(max(each.changed_count - most, 0) for each in results):
        lines += ["", f"{left_out} more schedules have changed; the console shows their pages."]
    lines += list_warnings(warnings)
    lines += ["", "## Shards", ""]
    lines += table(
        ("shard", "schedules", "changed", "notifications delivered"),
        (
            (each.shard, str(each.schedule_count), str(each.changed_count), str(each.report.delivery_count))
            for each in results
        ),
    )
    notes = [*problems, *(note for each in results for note in each.report.distrust)]
    if notes:
        lines += ["", "## Not delivered, or not trusted", "", *(f"- {each}" for each in notes)]
    return "\n".join(lines)
