"""Prints a simulation for people."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from rollback_drills.documents.quotation import show
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.times import write_time
from rollback_drills.simulation.document import SimulationDocument
from rollback_drills.simulation.findings import Summary
from rollback_drills.simulation.happenings import AnyHappening, Notified
from rollback_drills.simulation.summary import Limits
from rollback_drills_cli.terminal.output import print_line, print_table


class Part(StrEnum):
    """A part of what is printed."""

    ALL = "all"
    NOTIFICATIONS = "notifications"
    WEEKS = "weeks"
    FREEZES = "freezes"
    ABSENCES = "absences"
    SILENT_ROUTES = "silent-routes"
    CHAINS = "chains"
    BUSY_WEEKS = "busy-weeks"
    STALE_PROOFS = "stale-proofs"
    DIFFERENCE = "difference"


_Table = tuple[Part, str, Sequence[str], list[Sequence[str]]]


def print_simulation(
    document: SimulationDocument,
    happenings: Sequence[AnyHappening],
    limits: Limits,
    part: Part,
    limit: int,
) -> None:
    """Print what a simulation found: its head, and one part of it or all.

    Args:
        document: The document, without its items.
        happenings: The items.
        limits: What is too long, and too much.
        part: What is printed.
        limit: How many rows of each table.
    """
    summary = document.summary
    print_line(
        f"{write_count(document.schedule_count, 'schedule')} from {_at(document.since)} to"
        f" {_at(document.until)}; drills performed: {document.perform}; acknowledged:"
        f" {document.acknowledge}."
    )
    print_line(
        f"{write_count(summary.notification_count, 'notification')}, of which"
        f" {write_count(summary.escalation_count, 'escalation')}; {write_count(summary.due_count, 'drill')}"
        f" due, {summary.performed_count} performed."
    )
    if document.retired:
        names = name_some([show(each) for each in document.retired], limit)
        print_line(f"Retired, so that nothing happens to them: {names}.")
    tables = [*_list_tables(document, limits), _list_notifications("Notifications", happenings)]
    for which, title, columns, rows in tables:
        if part not in (Part.ALL, which):
            continue
        if not rows:
            print_line(f"{title}: none.")
            continue
        print_table(title, columns, rows[:limit])
        if len(rows) > limit:
            print_line(f"… and {len(rows) - limit} more; --limit shows more, --format json or csv all.")


def _list_tables(document: SimulationDocument, limits: Limits) -> list[_Table]:
    summary = document.summary
    tables = [
        _weeks(summary),
        _freezes(summary),
        _absences(summary),
        _silent_routes(summary, limits),
        _chains(summary),
        _busy_weeks(summary, limits),
        _stale_proofs(summary),
    ]
    if document.only_here is not None and document.only_there is not None:
        compared = (
            ("Only with these schedules", document.only_here),
            ("Only with the others", document.only_there),
        )
        for title, some in compared:
            _, _, columns, rows = _list_notifications(title, some)
            tables.append((Part.DIFFERENCE, title, columns, rows))
    return tables


def _weeks(summary: Summary) -> _Table:
    rows: list[Sequence[str]] = [
        (each.week, each.owner, str(each.notifications)) for each in summary.notifications_by_owner_and_week
    ]
    return Part.WEEKS, "Notifications by owner and week", ("week", "owner", "notifications"), rows


def _freezes(summary: Summary) -> _Table:
    rows: list[Sequence[str]] = [
        (
            each.schedule_id,
            _at(each.due_at),
            each.window,
            _at(each.until),
            ", ".join(each.owners),
            each.reason,
        )
        for each in summary.due_in_freeze
    ]
    return (
        Part.FREEZES,
        "Drills due in a maintenance window",
        ("schedule", "due", "window", "until", "owners", "reason"),
        rows,
    )


def _absences(summary: Summary) -> _Table:
    rows: list[Sequence[str]] = [
        (each.schedule_id, _at(each.due_at), each.owner, _at(each.until), each.reason)
        for each in summary.owners_absent
    ]
    return (
        Part.ABSENCES,
        "Owners absent when their drill is due",
        ("schedule", "due", "owner", "until", "reason"),
        rows,
    )


def _silent_routes(summary: Summary, limits: Limits) -> _Table:
    rows: list[Sequence[str]] = [
        (
            each.schedule_id,
            each.owner,
            each.provider,
            _at(each.since),
            _at(each.until) if each.until else "the end",
            f"{each.days:g}",
            each.because,
        )
        for each in summary.silent_routes
    ]
    return (
        Part.SILENT_ROUTES,
        f"Routes that reach nobody for more than {limits.silent_days:g} days",
        ("schedule", "owner", "provider", "since", "until", "days", "why"),
        rows,
    )


def _chains(summary: Summary) -> _Table:
    rows: list[Sequence[str]] = [
        (each.schedule_id, each.owner, each.because, _at(each.first_at), str(each.cycles))
        for each in summary.chains_to_nobody
    ]
    return (
        Part.CHAINS,
        "Escalation chains that end nowhere",
        ("schedule", "owner", "why", "first", "cycles"),
        rows,
    )


def _busy_weeks(summary: Summary, limits: Limits) -> _Table:
    rows: list[Sequence[str]] = [
        (each.week, each.owner, str(each.drills), ", ".join(each.schedules)) for each in summary.busy_weeks
    ]
    return (
        Part.BUSY_WEEKS,
        f"Owners with more than {write_count(limits.drills_per_week, 'drill')} due in a week",
        ("week", "owner", "drills", "schedules"),
        rows,
    )


def _stale_proofs(summary: Summary) -> _Table:
    rows: list[Sequence[str]] = [
        (
            each.schedule_id,
            each.what or each.change_id,
            _at(each.since),
            _at(each.until) if each.until else "the end",
            f"{each.days:g}",
        )
        for each in summary.stale_proofs
    ]
    return (
        Part.STALE_PROOFS,
        "Promoted without a drill since: a gate that requires a current proof is blocked",
        ("schedule", "promoted", "since", "until", "days"),
        rows,
    )


def _list_notifications(title: str, happenings: Sequence[AnyHappening]) -> _Table:
    rows: list[Sequence[str]] = [
        (_at(each.at), each.schedule_id, each.owner, each.provider, _explain(each))
        for each in happenings
        if isinstance(each, Notified)
    ]
    return Part.NOTIFICATIONS, title, ("at", "schedule", "owner", "provider", "reason"), rows


def _explain(each: Notified) -> str:
    if each.step:
        return f"{each.reason} from {each.escalated_from}, step {each.step}"
    return str(each.reason)


def _at(text: str | None) -> str:
    return write_time(datetime.fromisoformat(text)) if text else "unknown"
