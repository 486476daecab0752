"""The page that a follow-up run leaves for people."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.dashboard import Dashboard
from rollback_drills.followup.escalations.escalation import Escalation
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills.rendering.markdown import short_list, short_table

_IN_DASHBOARD: Final = "`drills dashboard` lists all of them"


def render_follow_up(dashboard: Dashboard, taken: Sequence[Escalation], problems: Sequence[str]) -> str:
    """Write the page as Markdown: whether all is looked after, what was escalated, what is open."""
    counts = (
        f"{write_count(dashboard.open_cycle_count, 'open cycle')}"
        f" · {write_count(dashboard.outstanding_count, 'outstanding acknowledgement')}"
        f" · {dashboard.breached_count} overdue · {len(taken)} escalated by this run"
    )
    title = write_count(len(problems), "problem") if problems else "every cycle has a next action"
    lines = [f"# Follow-up: {title}", "", counts, ""]
    if problems:
        lines += ["## Problems", "", *short_list(problems, MOST_ROWS, _IN_DASHBOARD), ""]
    open_cycles = [
        (row["schedule"], row["due"], row["state"], row["next"].replace("_", " "), row["at"])
        for row in follow_up_rows(dashboard)
    ]
    retests = [
        (each.schedule_id, each.drill_id, each.failed_at, each.retest_due_at)
        for each in dashboard.open_retests
    ]
    missed = [(each.owner, each.provider, each.since, each.because) for each in dashboard.alarm_path_findings]
    outages = [
        (each.provider, each.opened_at, str(each.waiting_count), str(each.dead_letter_count), each.detail)
        for each in dashboard.open_outages
    ]
    failing = [
        (each.provider, str(each.waiting_count), str(each.dead_letter_count), each.disabled_because)
        for each in dashboard.failing_connectors
    ]
    of_steps = ("schedule", "owner", "step", "notified", "through")
    lines += _section("Escalated", of_steps, list(_taken(taken)), "the evidence has all of them")
    for heading, columns, rows in (
        ("Open cycles", ("schedule", "due", "state", "next", "at"), open_cycles),
        ("To be performed again", ("schedule", "drill", "failed", "again by"), retests),
        ("Alarm paths that reach nobody", ("owner", "provider", "since", "why"), missed),
        ("Outages of connectors", ("connector", "since", "waiting", "dead letters", "why"), outages),
        ("Failing connectors", ("connector", "waiting", "dead letters", "disabled because"), failing),
    ):
        lines += _section(heading, columns, rows, _IN_DASHBOARD)
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


def _section(heading: str, columns: Sequence[str], rows: Sequence[Sequence[str]], whole: str) -> list[str]:
    return [f"## {heading}", "", *short_table(columns, rows, MOST_ROWS, whole), ""] if rows else []


def _taken(taken: Sequence[Escalation]) -> Iterator[tuple[str, ...]]:
    for each in taken:
        yield (
            each.cycle.schedule_id,
            each.chain.owner,
            f"{each.step} of {len(each.chain.links)}, due {write_instant(each.due_at)}",
            each.link.owner,
            ", ".join(each.providers),
        )
