"""`drills alarm-path`: which routes an alarm takes, which of them reach nobody, and their drill."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import UsageError
from rollback_drills.planning.alarm_path import find_alarm_paths
from rollback_drills.planning.fleet_check import start_checks
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.requests import AlarmPathRequest
from rollback_drills.planning.routes import (
    check_requested,
    known_providers,
    named_providers,
    parse_requested,
)
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills.rendering.times import how_long
from rollback_drills.reports.alarm_path import build_alarm_paths, summarise
from rollback_drills.settings import require_watched
from rollback_drills_cli.database import DatabaseOption, find_evidence
from rollback_drills_cli.judged_documents import judge_documents, load_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.request_options import option_of
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.run_endings import print_ending
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from rollback_drills.reports.alarm_path import AlarmPathReport

_USUAL: Final = AlarmPathRequest()


def alarm_path(
    history_path: shared.HistoryOption = None,
    schedule_path: shared.ScheduleOption = None,
    routing_policy: shared.PolicyOption = None,
    provider: Annotated[str, option_of(AlarmPathRequest, "provider", metavar="NAMES")] = _USUAL.provider,
    send: Annotated[
        bool,
        typer.Option("--send", help="Send the drill of this month on every route, as the deployment does."),
    ] = False,
    retries: Annotated[int, option_of(AlarmPathRequest, "retries")] = _USUAL.retries,
    timeout_seconds: Annotated[
        float, option_of(AlarmPathRequest, "timeout_seconds")
    ] = _USUAL.timeout_seconds,
    now: shared.NowOption = None,
    database: DatabaseOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log of the flow run.")] = False,
) -> None:
    """Show every route that an alarm takes, and those that reach nobody. Nothing is sent.

    With --send, each route gets a message that is a drill, once a month. Its owner acknowledges it.

    Exit code 1 if a route reaches nobody or a message could not be delivered, else 0.
    """
    settings = shared.resolve(history=history_path, schedule=schedule_path)
    require_watched(settings)
    at = shared.parse_now(now)
    if send:
        if database:
            raise UsageError("--send uses the database of DRILLS_DATABASE_URL; set it instead")
        with asking_prefect("drilling the alarm paths", verbose=verbose):
            from flows.alarm_path_drill import alarm_path_drill

            state = alarm_path_drill(
                schedule=schedule_path,
                history=history_path,
                routing_policy=routing_policy,
                provider=provider,
                retries=retries,
                timeout_seconds=timeout_seconds,
                generated_by=generated_by,
                as_of=at if now else None,
                return_state=True,
            )
        if print_ending(state, as_json=as_json)["findings"]:
            raise typer.Exit(1)
        return
    fleet = load_documents(settings)
    requested = parse_requested(provider)
    named = named_providers(subject.schedule for subject in fleet.subjects)
    check_requested(requested, known_providers(named, requested, list))
    judgements = judge_documents(fleet, settings, now=at)
    findings = []
    if evidence := find_evidence(database):
        from rollback_drills.followup.alarm_paths.alarm_path_reading import read_findings  # with SQLAlchemy
        from rollback_drills.followup.retirements.retirement import apply_retirements, read_retired

        findings = read_findings(evidence)
        judgements = apply_retirements(judgements, read_retired(evidence))
    request = PlanRequest(requested=requested, policy=read_policy(routing_policy))
    paths = find_alarm_paths(start_checks(fleet.subjects, judgements), request, now=at)
    report = build_alarm_paths(paths, findings, within_hours=settings.alarm_path_hours, now=at)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if report.findings:
        raise typer.Exit(1)


def _print(report: "AlarmPathReport") -> None:
    rows = [
        (each.owner, each.provider, str(each.schedule_count), each.not_before or "absent without an end")
        for each in report.routes
    ]
    print_table("Alarm paths", ("owner", "provider", "schedules", "asked from"), rows, most=MOST_ROWS)
    for finding in report.findings:
        since = how_long(finding.since, now=shared.parse_now(report.generated_at))
        print_line(f"{finding.in_words}; since {since}")
    print_line(f"{summarise(report)}.")
