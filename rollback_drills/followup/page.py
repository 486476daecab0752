"""The page that a follow-up run leaves for people."""

from collections.abc import Iterator, Sequence

from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.dashboard import Dashboard
from rollback_drills.followup.escalations import Escalation
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.markdown import cell, table

_MOST_ROWS = 200


def render_follow_up(dashboard: Dashboard, taken: Sequence[Escalation], problems: Sequence[str]) -> str:
    """Write the page as Markdown: whether all is looked after, what was escalated, what is open."""
    counts = (
        f"{write_count(dashboard.open_cycle_count, 'open cycle')}"
        f" · {write_count(dashboard.outstanding_count, 'outstanding acknowledgement')}"
        f" · {dashboard.breached_count} overdue · {len(taken)} escalated by this run"
    )
    lines = [
        f"# Follow-up: {write_count(len(problems), 'problem')}"
        if problems
        else "# Follow-up: every cycle has a next action",
        "",
        counts,
        "",
    ]
    if problems:
        lines += ["## Problems", "", *(f"- {cell(problem)}" for problem in problems[:_MOST_ROWS]), ""]
    if taken:
        lines += [
            "## Escalated",
            "",
            *table(("schedule", "owner", "step", "told", "through"), _taken(taken)),
            "",
        ]
    rows = [tuple(row.values()) for row in follow_up_rows(dashboard)[:_MOST_ROWS]]
    if rows:
        names = ("schedule", "due", "state", "next", "at")
        lines += ["## Open cycles", "", *table(names, [row[:5] for row in rows]), ""]
    retests = [
        (each.schedule_id, each.drill_id, each.failed_at, each.retest_due_at)
        for each in dashboard.open_retests
    ]
    if retests:
        header = ("schedule", "drill", "failed", "again by")
        lines += ["## To be performed again", "", *table(header, retests[:_MOST_ROWS]), ""]
    missed = [(each.owner, each.provider, each.since, each.because) for each in dashboard.alarm_path_findings]
    if missed:
        header = ("owner", "provider", "since", "why")
        lines += ["## Alarm paths that reach nobody", "", *table(header, missed[:_MOST_ROWS]), ""]
    outages = [
        (each.provider, each.opened_at, str(each.waiting_count), str(each.dead_letter_count), each.detail)
        for each in dashboard.open_outages
    ]
    if outages:
        names_of_outages = ("connector", "since", "waiting", "dead letters", "why")
        lines += ["## Outages of connectors", "", *table(names_of_outages, outages[:_MOST_ROWS]), ""]
    failing = [(each.provider, each.disabled_because) for each in dashboard.failing_connectors]
    if failing:
        lines += ["## Failing connectors", "", *table(("connector", "why"), failing), ""]
    return "\n".join(lines)


def follow_up_rows(dashboard: Dashboard) -> list[dict[str, str]]:
    """Return a row for every open cycle."""
    return [
        {
            "schedule": each.schedule_id,
            "due": each.next_due_at or "unknown",
            "state": each.state,
            "next": each.next_action.action if each.next_action else "nothing",
            "at": each.next_action.at if each.next_action else "",
            "owners": ", ".join(each.owners),
            "cycle": each.cycle_id,
        }
        for each in dashboard.cycles
    ]


def _taken(taken: Sequence[Escalation]) -> Iterator[tuple[str, ...]]:
    for each in taken:
        yield (
            each.cycle.schedule_id,
            each.chain.owner,
            f"{each.step} of {len(each.chain.links)}, due {write_instant(each.due_at)}",
            each.link.owner,
            ", ".join(each.providers),
        )
