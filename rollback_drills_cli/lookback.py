"""`drills routes`, `trends` and `notifications`: look back on who was notified."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.rendering.counts import write_count
from rollback_drills_cli.database import DatabaseOption, look_back
from rollback_drills_cli.options.filters import (
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
    explain_nothing,
    parse_period,
    read_schedule_id,
)
from rollback_drills_cli.options.shared import GeneratedByOption, JsonOption, NowOption, parse_now
from rollback_drills_cli.terminal.output import print_json, print_line, print_sentence, print_table

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.reports.notifications import NotificationRow
    from rollback_drills.reports.paging import HistoryPage
    from rollback_drills.reports.routes import RouteRow


def routes(
    schedule_id: ScheduleIdOption = None,
    provider: ProviderOption = None,
    owner: OwnerOption = None,
    action: Annotated[str | None, typer.Option(help="Only these decisions.")] = None,
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
    opened = look_back(database)
    history = find_routes(opened, wanted, period, limit=limit, offset=offset)
    explain_filter(opened, LEDGER, wanted.given, history.total)
    if as_json:
        print_json(history)
        return
    columns = ("at", "schedule", "provider", "owner", "action", "why", "until", "row")
    print_table("Routes", columns, [_to_route_row(each) for each in history.items])
    _print_count(history, opened, "decision", "`drills evidence show ROW` shows one.")


def trends(
    weeks: Annotated[
        int | None, typer.Option(help="Number of ISO weeks, including the current one. (default: 12)")
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
    from rollback_drills.reports.period import trend_period
    from rollback_drills.reports.trend import find_trend
    from rollback_drills.reports.trend_page import summarise_trend, top_counts, week_rows

    at = parse_now(now)
    period = trend_period(*parse_period(since, until), weeks, now=at)
    opened = look_back(database)
    wanted = RouteFilter(read_schedule_id(schedule_id, schedule), provider, owner, category=category)
    trend = find_trend(opened, wanted, period, now=at, generated_by=generated_by)
    explain_filter(opened, LEDGER, wanted.given, trend.decision_count)
    if as_json:
        print_json(trend)
        return
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
    print_sentence(summarise_trend(trend))
    explain_nothing(opened, trend.decision_count)


def notifications(
    schedule_id: ScheduleIdOption = None,
    cycle: CycleOption = None,
    provider: ProviderOption = None,
    owner: OwnerOption = None,
    reason: Annotated[
        str | None, typer.Option(metavar="REASON", help=f"Only this reason: {', '.join(Reason)}.")
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help=f"Only this state: {', '.join(State)}.")
    ] = None,
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
    opened = look_back(database)
    history = find_notifications(opened, wanted, period, limit=limit, offset=offset)
    explain_filter(opened, OUTBOX, wanted.given, history.total)
    if as_json:
        print_json(history)
        return
    columns = (
        "planned",
        "schedule",
        "provider",
        "owner",
        "reason",
        "state",
        "attempts",
        "when, or why",
    )
    now = parse_now(None)
    print_table("Notifications", columns, [_to_notification_row(each, now) for each in history.items])
    _print_count(history, opened, "notification", "`drills outbox show ID` shows the message of one.")


def _print_count(history: "HistoryPage[Any]", opened: "Database | None", what: str, hint: str) -> None:
    print_line(f"{len(history.items)} of {write_count(history.total, what)}; {hint}")
    explain_nothing(opened, history.total)


def _to_route_row(route: "RouteRow") -> Sequence[str]:
    why = f"{route.category}: {route.reason}" if route.action == "suppress" else route.reason
    until = route.deferred_until or ""
    row = f"{route.row} (imported)" if route.imported else str(route.row)
    names = (route.schedule_id, route.provider, route.owner, route.action)
    return (route.created_at, *names, why, until, row)


def _to_notification_row(each: "NotificationRow", now: datetime) -> Sequence[str]:
    from rollback_drills.delivery.undelivered_text import explain_attempt

    attempts = "" if each.attempt_count is None else str(each.attempt_count)
    next_at = datetime.fromisoformat(each.next_attempt_at) if each.next_attempt_at else None
    what = (
        (each.completed_at or "")
        if each.success
        else explain_attempt(each.state, each.error, next_at, now=now)
    )
    names = (each.schedule_id, each.provider, each.owner, each.reason, each.state)
    return (each.planned_at, *names, attempts, what)
