"""Builds the dashboard of contract §6: open cycles, outstanding acknowledgements, failing connectors."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.outages.listing import OpenOutageReport
from rollback_drills.followup.alarm_paths.alarm_path_findings import AlarmPathFinding
from rollback_drills.followup.connector_health import ConnectorHealth, ConnectorReport
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.drill_findings import ScheduleFinding
from rollback_drills.followup.escalations.escalation_plan import EscalationRoute, describe_route, summarise
from rollback_drills.followup.escalations.follow_up_rules import NO_RULES, FollowUpRules
from rollback_drills.followup.exceptions.exception_requests import RequestedException
from rollback_drills.followup.next_actions import Action, CycleState, NextAction, find_state
from rollback_drills.followup.retests import Retest
from rollback_drills.followup.route_status import find_standings
from rollback_drills.followup.totals import NO_TOTALS, Totals
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.command_line import write_command

DASHBOARD_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-notification-dashboard.v1"
_MOST_OUTSTANDING: Final = 20
OVERDUE_AFTER: Final = timedelta(hours=24)
"""How long an action may be late before nobody seems to take it: checks rest at night."""


class WaitingFor(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What happens next to an open cycle."""

    action: Action
    at: str
    owner: str | None
    step: int | None
    next_step_owner: str | UnsetType = UNSET


class OpenCycle(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How an open cycle stands."""

    schedule_id: str
    cycle_id: str
    next_due_at: str | None
    status: Readiness
    state: CycleState
    owners: list[str]
    excepted: str | None
    document_gone: bool
    """Whether the schedule has no document any more: it is to be retired, or restored."""
    next_action: WaitingFor | None


class OutstandingAcknowledgement(msgspec.Struct, frozen=True, gc=False):
    """A route that waits for an acknowledgement, with the fields that clients of CAVRA read."""

    schedule_id: str
    provider: str
    plan_id: str
    owner: str
    cycle_id: str


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """What is open. Some counts stand twice: clients of CAVRA read the other names."""

    schema_version: str = DASHBOARD_SCHEMA
    product: str = PRODUCT
    generated_at: str
    generated_by: str
    alert_level: str
    route_count: int
    outstanding_count: int
    breached_count: int
    plan_count: int
    delivery_count: int
    acknowledgement_count: int
    notification_delivery_count: int
    failed_delivery_count: int
    outstanding_acknowledgement_count: int
    outstanding_acknowledgements: list[OutstandingAcknowledgement]
    open_cycle_count: int
    cycles_by_state: dict[str, int]
    cycles: list[OpenCycle]
    outstanding: list[EscalationRoute]
    open_retest_count: int
    open_retests: Sequence[Retest]
    open_finding_count: int
    open_findings: Sequence[ScheduleFinding]
    """What drills have shown to be wrong, and nobody has closed."""
    open_request_count: int
    open_requests: Sequence[RequestedException]
    """Exceptions that somebody asked for and nobody has decided."""
    failing_connector_count: int
    failing_connectors: list[ConnectorReport]
    open_outage_count: int
    open_outages: Sequence[OpenOutageReport]
    """Of connectors: since when, why, and what waits."""
    alarm_path_finding_count: int
    alarm_path_findings: Sequence[AlarmPathFinding]
    """The routes that reach nobody, by the drills of the alarm paths."""


def build_dashboard(
    cycles: Sequence[CycleFacts],
    connectors: Iterable[ConnectorHealth],
    *,
    now: datetime,
    generated_by: str,
    rules: FollowUpRules = NO_RULES,
    retests: Sequence[Retest] = (),
    requests: Sequence[RequestedException] = (),
    totals: Totals = NO_TOTALS,
    alarm_paths: Sequence[AlarmPathFinding] = (),
    outages: Sequence[OpenOutageReport] = (),
    findings: Sequence[ScheduleFinding] = (),
) -> Dashboard:
    """Return what is open, who has to acknowledge, what is to be performed again, and which connectors fail.

    Args:
        cycles: The open cycles.
        connectors: What is known of every connector that was used.
        now: The instant.
        generated_by: Who asks.
        rules: What decides who is notified next.
        retests: The drills that failed and are to be performed again, as `read_retests` gives them.
        requests: The exceptions that wait for a decision, as `read_open_requests` gives them.
        totals: How much was planned, delivered and acknowledged so far.
        alarm_paths: The routes that reach nobody, as `read_findings` returns them.
        outages: The open outages of connectors, as `read_open_outages` returns them.
        findings: What drills have shown to be wrong, as `read_open_drill_findings` returns it.
    """
    standings = list(find_standings(cycles, now=now))
    known = list(connectors)
    failing = [each.report() for each in known if each.is_failing]
    outstanding = [describe_route(each, rules, now=now) for each in standings if each.is_outstanding]
    counts = summarise(standings)
    is_late = any(each.overdue for each in retests) or any(each.overdue for each in findings)
    is_troubled = failing or outages or alarm_paths or is_late
    if is_troubled and counts.alert_level == "healthy":
        counts = counts._replace(alert_level="warning")
    return Dashboard(
        generated_at=write_instant(now),
        generated_by=generated_by,
        **counts._asdict(),
        **totals._asdict(),
        notification_delivery_count=totals.delivery_count,
        failed_delivery_count=sum(each.dead_count for each in known),
        outstanding_acknowledgement_count=counts.outstanding_count,
        outstanding_acknowledgements=[
            OutstandingAcknowledgement(
                each.schedule_id, each.provider, each.plan_id, each.owner, each.cycle_id
            )
            for each in outstanding[:_MOST_OUTSTANDING]
        ],
        open_cycle_count=len(cycles),
        cycles_by_state=dict(sorted(Counter(str(find_state(each, now=now)) for each in cycles).items())),
        cycles=[_describe_cycle(each, rules, now=now) for each in cycles],
        outstanding=outstanding,
        open_retest_count=len(retests),
        open_retests=retests,
        open_finding_count=len(findings),
        open_findings=findings,
        open_request_count=len(requests),
        open_requests=requests,
        failing_connector_count=len(failing),
        failing_connectors=failing,
        open_outage_count=len(outages),
        open_outages=outages,
        alarm_path_finding_count=len(alarm_paths),
        alarm_path_findings=alarm_paths,
    )


def find_problems(
    cycles: Sequence[CycleFacts],
    *,
    now: datetime,
    overdue_after: timedelta = OVERDUE_AFTER,
    rules: FollowUpRules = NO_RULES,
) -> list[str]:
    """Name every open cycle that nobody will do anything about, or whose next action is long overdue.

    No problem is the proof that every open cycle has a next action and that somebody takes the actions.
    A step that a window delays is not overdue before the window has ended. The platform owner looks after
    the schedules whose history is not trusted.
    """
    found = []
    for cycle in cycles:
        if cycle.schedule_id in rules.distrusted:
            continue
        actions = rules.find_actions(cycle, now=now)
        name = f"{cycle.schedule_id} ({cycle.cycle_id})"
        found += [f"{name}: {fault}" for fault in cycle.chain_faults]
        if rules.is_gone(cycle):
            command = write_command("retire", schedule_id=cycle.schedule_id, approver="WHO", reason="WHY")
            found.append(f"{name}: its document is gone; restore it, or run: {command}")
        elif not actions:
            found.append(f"{name} has no next action")
        elif actions[0].at < now - overdue_after:
            late = f"was due {write_instant(actions[0].at)}"
            found.append(
                f"{name}: {actions[0].action} {late}; does the drill check run, and know the schedule?"
            )
    return found


def _describe_cycle(cycle: CycleFacts, rules: FollowUpRules, *, now: datetime) -> OpenCycle:
    actions = rules.find_actions(cycle, now=now)
    return OpenCycle(
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        next_due_at=write_instant(cycle.due_at) if cycle.due_at else None,
        status=cycle.status,
        state=find_state(cycle, now=now),
        owners=sorted({route.owner for route in cycle.routes if route.own}),
        excepted=cycle.exception.because if cycle.exception else None,
        document_gone=rules.is_gone(cycle),
        next_action=_describe_action(actions[0]) if actions else None,
    )


def _describe_action(action: NextAction) -> WaitingFor:
    return WaitingFor(
        action=action.action,
        at=write_instant(action.at),
        owner=action.owner or None,
        step=action.step or None,
        next_step_owner=action.escalates_to or UNSET,
    )
