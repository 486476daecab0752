"""`drills routes`, `trends`, `notifications` and `audit-package`: look back on who was notified."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollback_drills.errors import UsageError
from rollback_drills.rendering.relative_time import write_count
from rollback_drills.settings import find_database_url
from rollback_drills_cli.database import DatabaseOption
from rollback_drills_cli.filters import (
    CategoryOption,
    CycleOption,
    FromOption,
    LimitOption,
    OffsetOption,
    OldScheduleIdOption,
    OwnerOption,
    ProviderOption,
    ScheduleIdOption,
    ToOption,
    explain_filter,
    parse_period,
    read_schedule_id,
)
from rollback_drills_cli.options import GeneratedByOption, JsonOption, NowOption, parse_now
from rollback_drills_cli.output import format_json, print_json, print_line, print_table
from rollback_drills_cli.output_file import write_whole

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.reports.audit_document import PackageRoute
    from rollback_drills.reports.notifications import NotificationRow
    from rollback_drills.reports.paging import HistoryPage
    from rollback_drills.reports.routes import RouteRow


def routes(
    schedule_id: ScheduleIdOption = None,
    provider: ProviderOption = None,
    owner: OwnerOption = None,
    action: Annotated[str | None, typer.Option(help="Only deliver or suppress decisions.")] = None,
    category: CategoryOption = None,
    since: FromOption = None,
    until: ToOption = None,
    limit: LimitOption = 50,
    offset: OffsetOption = 0,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """List past decisions: who was to be notified, who was not, and why."""
    from rollback_drills.database.tables import LEDGER  # SQLAlchemy takes half a second to import
    from rollback_drills.reports.filters import RouteFilter
    from rollback_drills.reports.period import Period
    from rollback_drills.reports.routes import find_routes

    wanted = RouteFilter(read_schedule_id(schedule_id, schedule), provider, owner, action, category)
    period = Period(*parse_period(since, until))
    opened = _open(database)
    history = find_routes(opened, wanted, period, limit=limit, offset=offset)
    if as_json:
        print_json(history)
        return
    explain_filter(opened, LEDGER, wanted.given, history.total)
    columns = ("at (UTC)", "schedule", "provider", "owner", "action", "why", "until (UTC)", "row")
    rows = [_to_route_row(each) for each in history.items]
    _print_page("Routes", columns, rows)
    _print_count(history, opened, "decision", "`drills evidence show ROW` shows one.")


def trends(
    weeks: Annotated[
        int | None, typer.Option(help="Number of ISO weeks, including the current one. (default 12)")
    ] = None,
    schedule_id: ScheduleIdOption = None,
    provider: ProviderOption = None,
    owner: OwnerOption = None,
    category: CategoryOption = None,
    since: FromOption = None,
    until: ToOption = None,
    now: NowOption = None,
    generated_by: GeneratedByOption = "cli",
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """Count suppressed notifications by ISO week, and why."""
    from rollback_drills.database.tables import LEDGER
    from rollback_drills.reports.filters import RouteFilter
    from rollback_drills.reports.pages import summarise_trend, top_counts, week_rows
    from rollback_drills.reports.period import trend_period
    from rollback_drills.reports.trend import find_trend

    at = parse_now(now)
    period = trend_period(*parse_period(since, until), weeks, now=at)
    opened = _open(database)
    wanted = RouteFilter(read_schedule_id(schedule_id, schedule), provider, owner, category=category)
    trend = find_trend(opened, wanted, period, now=at, generated_by=generated_by)
    if as_json:
        print_json(trend)
        return
    explain_filter(opened, LEDGER, wanted.given, trend.decision_count)
    rows = week_rows(trend)
    print_table(
        "Suppressed notifications", list(rows[0]), ([str(cell) for cell in row.values()] for row in rows)
    )
    for title, counts in (
        ("owner", trend.owner_counts),
        ("provider", trend.provider_counts),
        ("schedule", trend.schedule_counts),
    ):
        if counts:
            print_table(f"By {title}", (title, "suppressed"), top_counts(counts))
    print_line(summarise_trend(trend))
    _explain_nothing(opened, trend.decision_count)


def notifications(
    schedule_id: ScheduleIdOption = None,
    cycle: CycleOption = None,
    provider: ProviderOption = None,
    owner: OwnerOption = None,
    reason: Annotated[str | None, typer.Option(help="Only notifications of this reason.")] = None,
    state: Annotated[str | None, typer.Option(help="Only notifications in this state.")] = None,
    since: FromOption = None,
    until: ToOption = None,
    limit: LimitOption = 50,
    offset: OffsetOption = 0,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """List past notifications with their outcome."""
    from rollback_drills.database.tables import OUTBOX
    from rollback_drills.reports.filters import NotificationFilter
    from rollback_drills.reports.notifications import find_notifications
    from rollback_drills.reports.period import Period

    named = read_schedule_id(schedule_id, schedule)
    wanted = NotificationFilter(named, cycle, provider, owner, reason, state)
    period = Period(*parse_period(since, until))
    opened = _open(database)
    history = find_notifications(opened, wanted, period, limit=limit, offset=offset)
    if as_json:
        print_json(history)
        return
    explain_filter(opened, OUTBOX, wanted.given, history.total)
    columns = (
        "planned (UTC)",
        "schedule",
        "provider",
        "owner",
        "reason",
        "state",
        "attempts",
        "when, or why",
    )
    rows = [_to_notification_row(each) for each in history.items]
    _print_page("Notifications", columns, rows)
    _print_count(history, opened, "notification", "`drills outbox show ID` shows the message of one.")


def audit_package(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write, whole or not at all.")
    ] = None,
    schedule_id: ScheduleIdOption = None,
    provider: ProviderOption = None,
    owner: OwnerOption = None,
    since: FromOption = None,
    until: ToOption = None,
    deliver: Annotated[
        str | None,
        typer.Option("--deliver", metavar="NAMES", help="Deliver it through these providers, once a period."),
    ] = None,
    now: NowOption = None,
    generated_by: GeneratedByOption = "cli",
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """Show who was notified, who acknowledged and who did not, for an auditor.

    With --deliver, summary, digest and signed head of the last month, or of the period, go out as a message.
    """
    if deliver is not None:
        from rollback_drills_cli.audit_delivery import run_delivery

        if any((out, schedule_id, schedule, provider, owner, database)):
            raise UsageError("--deliver goes with --from, --to, --now, --generated-by and --json alone")
        run_delivery(deliver, *parse_period(since, until), now, generated_by, as_json=as_json)
        return
    from rollback_drills.database.tables import LEDGER
    from rollback_drills.reports.audit_reading import find_package
    from rollback_drills.reports.filters import PackageFilter
    from rollback_drills.reports.period import Period

    period = Period(*parse_period(since, until))
    opened = _open(database)
    wanted = PackageFilter(read_schedule_id(schedule_id, schedule), provider, owner)
    package = find_package(opened, wanted, period, now=parse_now(now), generated_by=generated_by)
    if not as_json:
        explain_filter(opened, LEDGER, wanted.given, package.route_count)
    if out:
        write_whole(format_json(package), out)
    if as_json:
        print_json(package)
        return
    open_routes = [each for each in package.routes if not each.acknowledged]
    columns = ("schedule", "cycle", "provider", "owner", "first notified (UTC)", "answer")
    _print_page("Not acknowledged", columns, [_to_open_row(each) for each in open_routes])
    print_line(
        f"Routes: {package.route_count}; not acknowledged: {package.outstanding_count};"
        f" acknowledgements: {package.acknowledgement_count}."
    )
    print_line(f"SHA-256 of the content: {package.content_sha256}")
    _explain_nothing(opened, package.route_count)


def _open(url: str | None) -> "Database | None":
    from rollback_drills.database.connections import Database
    from rollback_drills.database.tables import LEDGER

    return Database.open_existing(find_database_url(os.environ, url), LEDGER.name)


def _print_page(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        print_table(title, columns, rows)


def _print_count(history: "HistoryPage[Any]", opened: "Database | None", what: str, hint: str) -> None:
    print_line(f"{len(history.items)} of {write_count(history.total, what)}; {hint}")
    _explain_nothing(opened, history.total)


def _explain_nothing(opened: "Database | None", count: int) -> None:
    if opened is None:
        print_line("There is no evidence yet; run `drills deliver` or the drill-check flow.")
    elif not count:
        print_line("Nothing in the evidence matches.")


def _to_route_row(route: "RouteRow") -> Sequence[str]:
    why = f"{route.category}: {route.reason}" if route.action == "suppress" else route.reason
    until = (route.deferred_until or "")[:19]
    row = f"{route.row} (imported)" if route.imported else str(route.row)
    names = (route.schedule_id, route.provider, route.owner, route.action)
    return (route.created_at[:19], *names, why, until, row)


def _to_notification_row(each: "NotificationRow") -> Sequence[str]:
    attempts = "" if each.attempt_count is None else str(each.attempt_count)
    what = (each.completed_at or "")[:19] if each.success else each.error
    if each.next_attempt_at and each.attempt_count:
        what = f"{what}; next attempt {each.next_attempt_at[:19]}"
    names = (each.schedule_id, each.provider, each.owner, each.reason, each.state)
    return (each.planned_at[:19], *names, attempts, what)


def _to_open_row(route: "PackageRoute") -> Sequence[str]:
    said = f"{route.acknowledgement_state} by {route.acknowledged_by}" if route.acknowledged_by else "nothing"
    notified = (route.first_delivered_at or "")[:19] or "not delivered"
    return (route.schedule_id, route.cycle_id, route.provider, route.owner, notified, said)
