"""Who still has to acknowledge, and with which command."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from rollback_drills.console.fleet import GENERATED_BY
from rollback_drills.console.source import Console
from rollback_drills.followup.alarm_paths.alarm_path_findings import AlarmPathFinding
from rollback_drills.followup.alarm_paths.alarm_path_reading import read_findings
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.escalations.escalation_plan import EscalationRoute, build_escalation_plan
from rollback_drills.followup.escalations.follow_up_rules import (
    FollowUpRules,
    documents_of,
    find_gone,
    find_rules,
)
from rollback_drills.followup.exceptions.exception_requests import RequestedException
from rollback_drills.followup.exceptions.found_requests import read_open_requests
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.rendering.command_line import write_command

MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Outstanding:
    """One owner of a cycle who has to acknowledge, on all the routes that wait for an answer."""

    schedule_id: str
    cycle_id: str
    owner: str
    providers: list[str] = field(default_factory=list)
    routes: list[EscalationRoute] = field(default_factory=list)
    """As the escalation plan has them."""

    @property
    def is_breached(self) -> bool:
        """Whether the time is over on one of the routes."""
        return any(each.breached for each in self.routes)

    @property
    def unreached(self) -> list[str]:
        """The providers through which no message arrived."""
        return [each.provider for each in self.routes if not each.notified]

    @property
    def age_minutes(self) -> float:
        """Since the owner was first notified, or should have been."""
        return max(float(each.age_minutes) for each in self.routes)

    @property
    def acknowledgement_minutes(self) -> float:
        """How long the owner has."""
        return float(self.routes[0].acknowledgement_minutes)

    @property
    def next_step_owner(self) -> str:
        """Who is notified next; empty if nobody is."""
        return self.routes[0].next_step_owner or ""

    @property
    def next_step_at(self) -> datetime | None:
        """When that is."""
        at = self.routes[0].next_step_at
        return datetime.fromisoformat(at) if at else None

    @property
    def command(self) -> str:
        """The command that acknowledges all of it."""
        return write_command("ack", cycle=self.cycle_id, owner=self.owner, by="YOUR-NAME")


@dataclass(frozen=True, slots=True)
class AcknowledgementsView:
    """The page of outstanding acknowledgements."""

    at: datetime
    outstanding: Sequence[Outstanding]
    """Those whose time is over first, then those who wait longest; at most `MOST_SHOWN`."""
    total: int
    breached: int
    acknowledged: int
    """How many notified routes are acknowledged or excepted."""
    gone: Sequence[CycleFacts] = ()
    """The open cycles whose document is gone."""
    alarm_paths: Sequence[AlarmPathFinding] = ()
    """The routes that reach nobody, by the drills of the alarm paths."""
    requests: Sequence[RequestedException] = ()
    """The exceptions that wait for a decision, those that expire first at the top."""


def read_acknowledgements(console: Console) -> AcknowledgementsView:
    """Read who still has to acknowledge.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    database = console.evidence()
    cycles = read_open_cycles(database, now=console.at)
    rules = find_rules(
        database,
        cycles,
        documents_of(console.subjects),
        gone=find_gone(cycles, console.subjects),
        judgements=console.judgements,
    )
    requests = read_open_requests(database, now=console.at)
    view = make_acknowledgements(cycles, rules, requests, now=console.at)
    gone = [each for each in cycles if rules.is_gone(each)]
    return replace(view, gone=gone[:MOST_SHOWN], alarm_paths=read_findings(database)[:MOST_SHOWN])


def make_acknowledgements(
    cycles: Sequence[CycleFacts],
    rules: FollowUpRules,
    requests: Sequence[RequestedException],
    *,
    now: datetime,
) -> AcknowledgementsView:
    """Put the page together from the open cycles."""
    plan = build_escalation_plan(cycles, now=now, generated_by=GENERATED_BY, rules=rules)
    by_owner: dict[tuple[str, str], Outstanding] = {}
    for route in plan.routes:
        if route.acknowledged or route.excepted:
            continue
        key = route.cycle_id, route.owner
        found = by_owner.setdefault(key, Outstanding(route.schedule_id, *key))
        found.providers.append(route.provider)
        found.routes.append(route)
    ordered = sorted(by_owner.values(), key=lambda each: (not each.is_breached, -each.age_minutes))
    return AcknowledgementsView(
        now,
        ordered[:MOST_SHOWN],
        len(ordered),
        sum(each.is_breached for each in ordered),
        plan.route_count - plan.outstanding_count,
        requests=requests[:MOST_SHOWN],
    )
