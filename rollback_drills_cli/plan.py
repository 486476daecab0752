"""`drills plan`: shows who would be notified through what, and sends nothing."""

from collections.abc import Sequence
from pathlib import Path

from rollback_drills.documents.fleets.fleet import Fleet
from rollback_drills.documents.plain_json import to_plain
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.planning.event import build_event
from rollback_drills.planning.fleet_check import ScheduleCheck, start_checks
from rollback_drills.planning.name_warnings import warn_of_names
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import (
    BUILTIN_PROVIDERS,
    check_requested,
    named_providers,
    parse_requested,
)
from rollback_drills.planning.unused_providers import explain_unused
from rollback_drills.readiness.states import worst
from rollback_drills.settings import Settings
from rollback_drills_cli.check import exit_with, print_documents
from rollback_drills_cli.judged_documents import judge_documents, load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.fleet_lists import choose_listed, print_states
from rollback_drills_cli.terminal.output import print_line, print_sentence, print_table
from rollback_drills_cli.terminal.progress import show_count


@with_judged_documents
def plan(
    settings: Settings,
    routing_policy: shared.PolicyOption = None,
    provider: shared.ProviderOption = "all",
    force: shared.ForceOption = False,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
) -> None:
    """Show who would be notified, through which provider, who would not, and why. Nothing is sent.

    Plans as if nobody was notified in this cycle yet. The exit codes are those of `drills check`.

    Example: drills plan --schedule schedules/ --provider slack
    """
    at = shared.parse_now(now)
    fleet = load_documents(settings)
    request = build_request(settings, fleet, provider=provider, force=force, policy=routing_policy)
    judgements = judge_documents(fleet, settings, now=at, generated_by=generated_by)
    checks = start_checks(fleet.subjects, judgements)
    with show_count("plans", len(checks)) as show:
        for done, check in enumerate(checks, start=1):
            check.plan_at_once(request, now=at)
            show(done)
    names = warn_of_names(
        [subject.schedule for subject in fleet.subjects],
        [Loaded(routing_policy or "", request.policy)],
        connectors=request.connectors if settings.connector_config else None,
    )
    names += explain_unused(checks, request)
    if as_json:
        own = {"warnings": names} if fleet.is_single else {}
        documents = [
            {
                "schedule": each.judgement.schedule_report,
                "plan": to_plain(each.plan) | own,
                "event": build_event(each.judgement.schedule_report, each.plan),
            }
            for each in checks
        ]
        print_documents(documents, fleet, at, warnings=names)
    else:
        for each in choose_listed(checks, lambda each: each.judgement.readiness):
            _print_plan(each.plan)
            for note in each.judgement.schedule_report.operator_notes:
                print_sentence(note)
        if not fleet.is_single:
            _print_sum(checks)
        for warning in names:
            print_sentence(f"warning: {warning}")
    exit_with(worst(each.readiness for each in judgements))


def _print_plan(plan: Plan) -> None:
    rows = [
        (each.provider, each.owner, each.action, each.reason, each.deferred_until or "")
        for each in plan.route_decisions
    ]
    title = f"{plan.schedule_id}: {plan.status.replace('_', ' ')} · {plan.cycle_id}"
    print_table(title, ("provider", "owner", "action", "why", "deferred until"), rows)
    print_line(f"{plan.deliverable_route_count} to notify, {plan.suppressed_route_count} suppressed.")


def _print_sum(checks: Sequence[ScheduleCheck]) -> None:
    print_states([each.judgement.readiness for each in checks])
    deliverable = sum(each.plan.deliverable_route_count for each in checks)
    suppressed = sum(each.plan.suppressed_route_count for each in checks)
    print_line(f"In all {deliverable:,} to notify, {suppressed:,} suppressed.")


def build_request(
    settings: Settings, fleet: Fleet, *, provider: str, force: bool, policy: str | None
) -> PlanRequest:
    """Put together what a plan is asked for; connectors are known by name from the connector file.

    Raises:
        UsageError: The policy or the connector file is unusable, or a provider is unknown.
    """
    connectors = _connector_names(settings)
    requested = parse_requested(provider)
    known = BUILTIN_PROVIDERS | named_providers(each.schedule for each in fleet.subjects) | set(connectors)
    check_requested(requested, known)
    return PlanRequest(requested=requested, force=force, policy=read_policy(policy), connectors=connectors)


def _connector_names(settings: Settings) -> Sequence[str]:
    if settings.connector_config is None:
        return ()
    from rollback_drills.connectors.config_file import connector_names  # pydantic costs a tenth of a second

    return connector_names(Path(settings.connector_config))
