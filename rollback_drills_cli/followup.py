"""`drills escalate` and `drills dashboard`: what is open, who has to acknowledge, what happens next."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import UsageError
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills.rendering.times import how_long
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.options import shared
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.run_endings import print_ending
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database
    from rollback_drills.followup.cycle_facts import CycleFacts
    from rollback_drills.followup.dashboard import Dashboard, WaitingFor
    from rollback_drills.followup.escalations.escalation_plan import EscalationRoute
    from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules


def escalate(
    schedule_path: shared.ScheduleOption = None,
    history_path: shared.HistoryOption = None,
    routing_policy: shared.PolicyOption = None,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Notify whoever is due, as the recurring flow does.")
    ] = False,
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log of the flow run.")] = False,
) -> None:
    """Show which notifications nobody has acknowledged in time, and who is notified next. Nothing is sent.

    Windows and calendars are those of the schedules.

    Exit code 1 if an acknowledgement is overdue, else 0; with --deliver, 1 if the run failed.
    """
    at = shared.parse_now(now)
    if deliver:
        if database:
            raise UsageError("--deliver uses the database of DRILLS_DATABASE_URL; set it instead")
        with asking_prefect("escalating", verbose=verbose):
            from flows.escalate_unacknowledged import escalate_unacknowledged

            state = escalate_unacknowledged(
                schedule=schedule_path,
                history=history_path,
                routing_policy=routing_policy,
                as_of=at if now else None,
                generated_by=generated_by,
                return_state=True,
            )
        print_ending(state, as_json=as_json)
        return
    from rollback_drills.followup.escalations.escalation_plan import build_escalation_plan  # with SQLAlchemy
    from rollback_drills.followup.open_cycles import read_open_cycles

    opened = open_existing(database).database
    cycles = read_open_cycles(opened, now=at)
    rules = _find_rules(opened, cycles, schedule_path, routing_policy, at)
    plan = build_escalation_plan(cycles, now=at, generated_by=generated_by, rules=rules)
    if as_json:
        print_json(plan)
    else:
        _print_routes(plan.routes, at)
        print_line(_count_outstanding(plan.outstanding_count, plan.breached_count))
    if plan.breached_count:
        raise typer.Exit(1)


def dashboard(
    schedule_path: shared.ScheduleOption = None,
    routing_policy: shared.PolicyOption = None,
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
) -> None:
    """Show the open cycles, the acknowledgements that are outstanding, and the connectors that fail.

    Exit code 1 if an acknowledgement is overdue, else 0.
    """
    from rollback_drills.followup.dashboard_reading import read_dashboard  # with SQLAlchemy
    from rollback_drills.followup.open_cycles import read_open_cycles

    at = shared.parse_now(now)
    opened = open_existing(database).database
    cycles = read_open_cycles(opened, now=at)
    rules = _find_rules(opened, cycles, schedule_path, routing_policy, at)
    report = read_dashboard(opened, cycles, rules, now=at, generated_by=generated_by)
    if as_json:
        print_json(report)
    else:
        _print_dashboard(report, at)
    if report.breached_count:
        raise typer.Exit(1)


def _find_rules(
    database: "Database",
    cycles: "Sequence[CycleFacts]",
    schedule_path: str | None,
    routing_policy: str | None,
    now: datetime,
) -> "FollowUpRules":
    """Return the rules of the schedules that are configured; without any, nobody is known to be absent."""
    from rollback_drills.followup.escalations.follow_up_rules import (
        documents_of,
        find_gone,
        find_rules,
        judge_open,
    )

    settings = shared.resolve(schedule=schedule_path)
    fleet = load_fleet(settings.schedule, settings.history, settings.changes) if settings.schedule else None
    subjects = fleet.subjects if fleet else ()
    return find_rules(
        database,
        cycles,
        documents_of(subjects),
        read_policy(routing_policy),
        find_gone(cycles, subjects),
        judge_open(cycles, subjects, settings.criteria, now=now),
    )


def _print_dashboard(report: "Dashboard", at: datetime) -> None:
    rows = [
        (
            each.schedule_id,
            how_long(each.next_due_at or "", now=at),
            "document gone" if each.document_gone else each.state,
            _next(each.next_action, at),
        )
        for each in report.cycles
    ]
    print_table(
        f"Open cycles: {report.open_cycle_count}", ("schedule", "due", "state", "next"), rows, most=MOST_ROWS
    )
    _print_routes(report.outstanding, at)
    for retest in report.open_retests:
        print_line(
            f"{retest.schedule_id}: drill {retest.drill_id} failed; repeat it"
            f" {how_long(retest.retest_due_at, now=at)}"
        )
    for finding in report.open_findings:
        due = f"; close it {how_long(finding.due_at, now=at)}" if finding.due_at else ""
        what = ", ".join(filter(None, (finding.severity, finding.summary, finding.ticket)))
        print_line(
            f"{finding.schedule_id}: finding {finding.finding_id} is open since"
            f" {how_long(finding.opened_at, now=at)}{f' ({what})' if what else ''}{due}"
        )
    for request in report.open_requests:
        print_line(f"{request.schedule_id}: {request.summary}; decide {request.request_id}")
    for missed in report.alarm_path_findings:
        print_line(f"{missed.in_words}; since {how_long(missed.since, now=at)}")
    for outage in report.open_outages:
        left = f"{outage.waiting_count} waiting, {outage.dead_letter_count} dead"
        print_line(
            f"connector {outage.provider} has an outage since {how_long(outage.opened_at, now=at)}: {left}"
        )
    for failing in report.failing_connectors:
        why = failing.disabled_because or "its last delivery failed"
        print_line(f"connector {failing.provider} fails: {why}")
    print_line(_count_outstanding(report.outstanding_count, report.breached_count))


def _count_outstanding(outstanding: int, breached: int) -> str:
    return f"Acknowledgements outstanding: {outstanding}; too late: {breached}."


def _print_routes(routes: "Sequence[EscalationRoute]", at: datetime) -> None:
    rows = [
        (
            each.schedule_id,
            each.owner,
            each.provider,
            each.acknowledgement_state if each.notified or each.acknowledged else "not notified",
            f"{each.age_minutes} of {each.acknowledgement_minutes} min",
            f"{each.next_step_owner} {how_long(each.next_step_at, now=at)}" if each.next_step_at else "",
        )
        for each in routes
    ]
    names = ("schedule", "owner", "provider", "acknowledged", "age", "next step")
    print_table("Routes to acknowledge", names, rows, most=MOST_ROWS)


def _next(action: "WaitingFor | None", at: datetime) -> str:
    return f"{action.action.replace('_', ' ')} {how_long(action.at, now=at)}" if action else "nothing"
