"""`drills look-ahead`: what is due in the next 90 days, and what will go wrong."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.unknown_name import explain_unknown
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import find_spelling, is_same
from rollback_drills.planning.fleet_check import ScheduleCheck, start_checks
from rollback_drills.planning.look_ahead import Outlook, UnclearSchedule, find_outlooks, find_unclear
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.rendering.sentences import write_sentences
from rollback_drills.reports.look_ahead import LookAhead, build_look_ahead, explain_unclear, summarise
from rollback_drills.settings import Settings, require_watched
from rollback_drills_cli.database import DatabaseOption, find_evidence
from rollback_drills_cli.judged_documents import judge_documents, load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output import print_json, print_line, print_problem


@with_judged_documents
def look_ahead(
    settings: Settings,
    routing_policy: shared.PolicyOption = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only what this owner has to expect.")] = None,
    now: shared.NowOption = None,
    database: DatabaseOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Show what is due in the next 30 and 90 days, and what will go wrong, such as a freeze.

    Exceptions in the evidence count. Nothing is sent. Exit code 0 if nothing will go
    wrong, 1 if something will, or if a schedule needs attention before its drill is overdue.
    """
    at = shared.parse_now(now)
    require_watched(settings)
    fleet = load_documents(settings)
    judgements = judge_documents(fleet, settings, now=at)
    request = PlanRequest(policy=read_policy(routing_policy))
    if evidence := find_evidence(database):
        from rollback_drills.followup.open_cycles import find_quiet
        from rollback_drills.followup.retirements.retirement import apply_retirements, read_retired
        from rollback_drills.outbox.known_cycles import keep_known_cycles

        judgements = apply_retirements(judgements, read_retired(evidence))
        judgements = keep_known_cycles(evidence, judgements)
        cycles = [each.cycle.cycle_id for each in judgements]
        request = replace(request, excepted=find_quiet(evidence, cycles, now=at)[1])
    checks = start_checks(fleet.subjects, judgements)
    outlooks = find_outlooks(checks, request, settings.criteria, now=at)
    if owner is not None:
        _check_owner(owner, checks, outlooks)
    wanted = [each for each in outlooks if owner is None or is_same(owner, each.owner)]
    unclear = [each for each in find_unclear(checks, request) if owner is None or _may_concern(each, owner)]
    document = build_look_ahead(wanted, unclear, now=at)
    if as_json:
        print_json(document)
    else:
        _print(document)
    if not document.is_clean:
        raise typer.Exit(1)


def _check_owner(owner: str, checks: Sequence[ScheduleCheck], outlooks: Sequence[Outlook]) -> None:
    names = [each.owner for each in outlooks]
    names += [name for each in checks if each.schedule for name in each.schedule.owners]
    if find_spelling(owner, names) is not None:
        return
    problem = explain_unknown("owner", owner, sorted(names))
    if all(each.schedule for each in checks):
        raise UsageError(problem)
    print_problem(f"in the schedules that can be read, {problem}")


def _may_concern(schedule: UnclearSchedule, owner: str) -> bool:
    return not schedule.owners or any(is_same(owner, each) for each in schedule.owners)


def _print(document: LookAhead) -> None:
    for each in document.unclear:
        print_line(explain_unclear(each))
    if not document.owners:
        print_line(f"No {'other ' if document.unclear else ''}drill is due in the next 90 days.")
    for outlook in document.owners:
        print_line(f"{summarise(outlook)}.")
        for drill in outlook.drills:
            state = "overdue since" if drill.overdue else ("planned for" if drill.planned else "due")
            print_line(f"  {drill.schedule_id}, {state} {drill.due}")
            for trouble in drill.troubles:
                print_line(write_sentences(f"    {trouble.risk.replace('_', ' ')}: {trouble.text}"))
