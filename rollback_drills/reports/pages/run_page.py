"""What a run leaves for people to read: one page per schedule, and one of a whole fleet."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from rollback_drills.notifications.results import Delivery
from rollback_drills.outbox.rows import OutboxRow
from rollback_drills.planning.category import Action
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.plan import Plan
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.reports import ScheduleFacts
from rollback_drills.readiness.states import AT_REST, Readiness, describe_states
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import MOST_ROWS, list_some
from rollback_drills.rendering.markdown import cell, table
from rollback_drills.reports.pages.undelivered import count_waiting, list_dead_letters, list_waiting


class ScheduleRun(msgspec.Struct, frozen=True):
    """What one run found out about one schedule, and did."""

    judgement: Judgement
    plan: Plan
    deliveries: Sequence[Delivery]
    dead_letters: Sequence[OutboxRow] = ()
    distrust: str = ""
    """Why the drill history is not trusted; empty if it is."""
    is_tried: bool = False
    """Whether this run tried to notify somebody of it."""


def render_schedule(run: ScheduleRun, *, dry_run: bool) -> str:
    """Write the page of one schedule as Markdown: state, checks, and who was notified or not, and why."""
    schedule, plan = run.judgement.schedule, run.plan
    lines = [
        f"# {cell(plan.schedule_id)}: {plan.status.replace('_', ' ')}",
        "",
        f"{cell(schedule.message)}",
        "",
        " · ".join(_headline(schedule, plan)),
        "",
        cell(run.judgement.history.describe_latest()),
        "",
        *_warnings([run]),
        *_distrust(run.distrust),
        "## Checks",
        "",
        *table(("check", "status", "message"), _check_rows(run.judgement)),
        "",
        "## Who was notified",
        "",
        _count(run, dry_run=dry_run),
        "",
        *table(tuple(_ROUTE_COLUMNS), (tuple(row.values()) for row in route_rows(run, dry_run=dry_run))),
        *list_waiting(run.deliveries),
        *list_dead_letters(run.dead_letters),
    ]
    return "\n".join(lines)


def _count(run: ScheduleRun, *, dry_run: bool) -> str:
    """Count what was sent and what was not."""
    if dry_run:
        return "Nothing was sent: this was a dry run."
    parts = [f"Notifications sent: {sum(each.succeeded for each in run.deliveries)}"]
    if waiting := count_waiting(run.deliveries):
        parts.append(f"**waiting: {waiting}**")
    if run.dead_letters:
        parts.append(f"**dead letters: {len(run.dead_letters)}**")
    return f"{', '.join(parts)}."


def _distrust(reason: str) -> Iterator[str]:
    """State that nobody is notified because the drill history is not trusted."""
    if reason:
        yield from (f"**History untrusted:** {cell(reason)}. Only the platform owner is notified.", "")


def _headline(schedule: ScheduleFacts, plan: Plan) -> Iterator[str]:
    yield f"Due **{cell(schedule.next_due_at or 'unknown')}**"
    yield f"environment {cell(schedule.environment) or '–'}"
    yield f"runbook {cell(schedule.runbook_ref) or '–'}"
    yield f"cycle `{plan.cycle_id}`"
    yield f"plan `{plan.plan_id}`"


FLEET_COLUMNS: Final = ("schedule", "state", "due", "notified", "why")


def find_pressing(runs: Sequence[ScheduleRun]) -> list[ScheduleRun]:
    """Return the schedules that are listed on the page of a fleet: those that are not ready."""
    return [run for run in runs if run.judgement.readiness not in AT_REST]


def render_fleet(
    runs: Sequence[ScheduleRun], *, dry_run: bool, left_out: int = 0, warnings: Sequence[str] = ()
) -> str:
    """Write the page of a fleet as Markdown: how many are in which state, and those that are not ready.

    Args:
        runs: All schedules.
        dry_run: Whether nothing was sent.
        left_out: How many schedules have changed and get no page of their own in this run.
        warnings: What of the documents is left out or unclear, a sentence each.
    """
    states = Counter(Readiness(run.plan.status) for run in runs)
    pressing = find_pressing(runs)
    shown = pressing[:MOST_ROWS]
    lines = [
        f"# {write_count(len(runs), 'schedule')}",
        "",
        describe_states(states),
        "",
        *table(FLEET_COLUMNS, (fleet_row(run, dry_run=dry_run) for run in shown)),
    ]
    if len(pressing) > len(shown):
        lines += ["", f"{len(pressing) - len(shown)} more are not shown; the console shows them all."]
    if left_out:
        lines += ["", f"{left_out} more schedules have changed; the console shows their pages."]
    lines += list_warnings(warnings)
    lines += ["", *_warnings(runs)]
    lines += _distrusted([run for run in runs if run.distrust])
    lines += list_waiting([each for run in runs for each in run.deliveries])
    lines += list_dead_letters([each for run in runs for each in run.dead_letters])
    return "\n".join(lines)


def list_warnings(warnings: Sequence[str]) -> Iterator[str]:
    """List what of the documents is left out or unclear; nothing if all of it counts."""
    if warnings:
        yield from ("", "## Left out or unclear in the documents", "")
        yield from (f"- {cell(each)}" for each in list_some(warnings))


def list_problems(problems: Sequence[str]) -> Iterator[str]:
    """List what fails the run although everything was delivered; nothing if nothing does."""
    if problems:
        yield from ("", "## Problems", "")
        yield from (f"- {cell(each)}" for each in problems)


def _warnings(runs: Sequence[ScheduleRun]) -> Iterator[str]:
    """List what is wrong with drill histories and due times, also of schedules that are ready."""
    found = [(run.plan.schedule_id, each) for run in runs for each in run.judgement.schedule_report.warnings]
    if found:
        yield from ("## Faults in the documents", "")
        yield from table(("schedule", "fault"), found[:MOST_ROWS])
        if len(found) > MOST_ROWS:
            yield from ("", f"{len(found) - MOST_ROWS} more are not shown.")
        yield ""


def _distrusted(runs: Sequence[ScheduleRun]) -> Iterator[str]:
    """List the schedules whose drill history is not trusted."""
    if not runs:
        return
    yield from (
        "",
        f"## History untrusted: {write_count(len(runs), 'schedule')}",
        "",
        "Only the platform owner is notified.",
        "",
    )
    shown = runs[:MOST_ROWS]
    yield from table(("schedule", "why"), ((run.plan.schedule_id, run.distrust) for run in shown))
    if len(runs) > len(shown):
        yield from ("", f"{len(runs) - len(shown)} more are not shown; the console shows them all.")


def render_head(note: str) -> str:
    """Write the signed head of the evidence, which proves later what the evidence was now."""
    return f"\n\n## Head of the evidence\n\n```\n{note}```\n" if note else ""


_ROUTE_COLUMNS: Final = ("provider", "owner", "action", "why", "deferred until", "outcome")


def route_rows(run: ScheduleRun, *, dry_run: bool) -> list[dict[str, str]]:
    """Return one row for each route: what was decided, why, and what became of it."""
    by_id = {each.notification.notification_id: each for each in run.deliveries}
    rows = [
        _route_row(each, by_id.pop(each.notification_id, None), dry_run) for each in run.plan.route_decisions
    ]
    rows += [_other_row(each) for each in by_id.values()]  # of an earlier plan, or closing an earlier cycle
    return [dict(zip(_ROUTE_COLUMNS, row, strict=True)) for row in rows]


def _route_row(decision: RouteDecision, delivery: Delivery | None, dry_run: bool) -> tuple[str, ...]:
    if delivery:
        outcome = delivery.summary
    else:
        outcome = "not sent (dry run)" if dry_run and decision.is_delivered else ""
    until = decision.deferred_until or ""
    return decision.provider, decision.owner, decision.action, decision.reason, until, outcome


def _other_row(delivery: Delivery) -> tuple[str, ...]:
    notification = delivery.notification
    why = f"{notification.reason}: {notification.title}"
    return notification.provider, notification.owner, Action.DELIVER, why, "", delivery.summary


def _check_rows(judgement: Judgement) -> Iterator[tuple[str, ...]]:
    for each in (*judgement.schedule_report.checks, *judgement.history_report.checks):
        yield each.id, each.status, each.message


def fleet_row(run: ScheduleRun, *, dry_run: bool) -> tuple[str, ...]:
    """Return the row of a schedule on the page of a fleet; `FLEET_COLUMNS` names the columns."""
    delivered = f"{sum(each.succeeded for each in run.deliveries)} of {run.plan.deliverable_route_count}"
    if waiting := count_waiting(run.deliveries):
        delivered += f", {waiting} waiting"
    if run.dead_letters:
        delivered += f", {len(run.dead_letters)} dead"
    return (
        run.plan.schedule_id,
        run.plan.status.replace("_", " "),
        run.plan.next_due_at or "unknown",
        "dry run" if dry_run else delivered,
        run.plan.reason,
    )
