"""What is known of one open cycle: what was sent on its routes, what was said, what was approved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollback_drills.errors import UsageError
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.names.keys import is_same
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import DEAD, NOTIFIED, State
from rollback_drills.planning.escalation_chain import Chain, read_chain
from rollback_drills.readiness.states import Readiness


@dataclass(frozen=True, slots=True)
class Sent:
    """One notification of an open route, as the outbox has it."""

    notification_id: str
    reason: Reason
    status: Readiness
    state: State
    planned_at: datetime
    queued_at: datetime
    completed_at: datetime | None
    """When its last attempt ended; None if it was never tried."""
    attention_at: datetime | None
    """When it wants attention: its next attempt, or the end of a lease."""
    event: Mapping[str, Any]
    """The event that it carries; empty if it has no text."""
    step_of: str = ""
    """Of an escalation: the owner whose silence it is about."""
    step: int = 0
    """Of an escalation: the number of the step, from 1."""


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """One owner through one provider in one cycle; `sent` is in the order of the outbox and not empty."""

    route_key: str
    provider: str
    owner: str
    sent: Sequence[Sent]
    said: AcknowledgementRecord | None = None
    """What was acknowledged last."""
    own: Sequence[Sent] = field(init=False)
    """The notifications to the owner of the schedule, without escalations to the same person."""
    notified_at: datetime | None = field(init=False)
    """When the owner was first notified, or the first message became a dead letter; None before."""

    def __post_init__(self) -> None:
        """Find the notifications to the owner, and when the first one ended."""
        own = [each for each in self.sent if each.reason is not Reason.ESCALATED]
        ended = [each for each in own if each.state in NOTIFIED or each.state in DEAD]
        notified_at = min((each.completed_at or each.queued_at for each in ended), default=None)
        object.__setattr__(self, "own", own)
        object.__setattr__(self, "notified_at", notified_at)

    @property
    def last(self) -> Sent:
        """The notification that the route is at."""
        return self.sent[-1]

    @property
    def is_notified(self) -> bool:
        """Whether a message arrived: not if all of them wait, are kept back or are dead letters."""
        return any(each.state in NOTIFIED for each in self.sent)

    @property
    def is_absent(self) -> bool:
        """Whether the owner is kept silent without a known end."""
        return self.last.state is State.SUPPRESSED and not self.last.event.get("deferred_until")

    def quiet_until(self, otherwise: datetime) -> datetime:
        """Return until when the last acknowledgement holds; `otherwise` if there is none."""
        return self.said.until if self.said else otherwise


@dataclass(frozen=True, slots=True)
class CycleFacts:
    """One open cycle of one schedule. Its routes have one spelling of each owner."""

    cycle_id: str
    schedule_id: str
    due_at: datetime | None
    routes: Sequence[RouteFacts]
    exception: ExceptionRecord | None = None
    """What holds now."""
    resumed_at: datetime | None = None
    """When the last exception ended, so that the cycle counts again; None if there was none or it holds."""
    chains: Mapping[str, Chain] = field(init=False)
    """By owner: the chain that was frozen when the owner was first notified. An owner who was notified by the
    first version of this program, which kept no text, has none."""
    chain_faults: Sequence[str] = field(init=False)
    """Why chains cannot be followed here."""

    def __post_init__(self) -> None:
        """Find the frozen chains."""
        chains: dict[str, Chain] = {}
        faults = []
        for route in self.routes:
            first = next((each for each in route.own if each.event), None)
            if first is None or route.owner in chains:
                continue
            try:
                chains[route.owner] = read_chain(first.event)
            except UsageError as error:
                faults.append(f"{error} (the text of {first.notification_id} in the outbox)")
        object.__setattr__(self, "chains", chains)
        object.__setattr__(self, "chain_faults", faults)

    @property
    def status(self) -> Readiness:
        """The state that its last notification had."""
        newest = max((route.last for route in self.routes), key=lambda sent: sent.planned_at)
        return newest.status

    def routes_of(self, owner: str) -> list[RouteFacts]:
        """Return the routes on which an owner was notified as an owner."""
        return [route for route in self.routes if route.owner == owner and route.own]

    def find_route(self, provider: str, owner: str) -> RouteFacts | None:
        """Return the route to an owner through a provider, if there is one already."""
        same = (each for each in self.routes if is_same(each.owner, owner))
        return next((each for each in same if is_same(each.provider, provider)), None)

    def steps_of(self, owner: str) -> list[tuple[RouteFacts, Sent]]:
        """Return the escalations of an owner's silence, the earliest first."""
        found = [
            (route, each)
            for route in self.routes
            for each in route.sent
            if each.step and is_same(each.step_of, owner)
        ]
        return sorted(found, key=lambda pair: pair[1].step)
