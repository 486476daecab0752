"""How each route stands whose clock runs: acknowledged, breached, what to do. One rule for all documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementState
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts
from rollback_drills.followup.next_actions import find_start
from rollback_drills.planning.routes import DEFAULT_ACKNOWLEDGEMENT_MINUTES


class Recommendation(StrEnum):
    """What is to be done about a route (contract §6)."""

    ESCALATE = "escalate_missed_drill_notification"
    WAIT = "wait_for_acknowledgement"
    NOTHING = "no_action"


@dataclass(frozen=True, slots=True)
class Standing:
    """One route of an open cycle whose clock runs, at an instant."""

    cycle: CycleFacts
    route: RouteFacts
    age: timedelta
    """Since the owner was first notified in this cycle, or since an absent owner's clock runs."""
    acknowledgement_minutes: float
    is_acknowledged: bool
    """Whether an acknowledgement of exactly this route holds."""
    is_excepted: bool

    @property
    def is_outstanding(self) -> bool:
        """Whether somebody still has to acknowledge."""
        return not self.is_acknowledged and not self.is_excepted

    @property
    def is_breached(self) -> bool:
        """Whether the time for it is over; the exact bound counts."""
        return self.is_outstanding and self.age >= timedelta(minutes=self.acknowledgement_minutes)

    @property
    def recommendation(self) -> Recommendation:
        """What is to be done."""
        if self.is_breached:
            return Recommendation.ESCALATE
        return Recommendation.WAIT if self.is_outstanding else Recommendation.NOTHING

    @property
    def acknowledgement_state(self) -> str:
        """What was said last, `pending` if nothing was, `expired` if it does not hold any more.

        Who asks to escalate acknowledges nothing, and so nothing of it expires.
        """
        said = self.route.said
        if said is None:
            return "pending"
        state = said.acknowledgement_state
        is_asking = state is AcknowledgementState.ESCALATED
        return str(state) if self.is_acknowledged or is_asking else "expired"


def find_standings(cycles: Sequence[CycleFacts], *, now: datetime) -> Iterator[Standing]:
    """Yield how every route stands that was notified as its owner's, or whose clock runs without that.

    The clock runs for an owner who is absent without an end, or beyond the due time: a run escalates that.
    """
    for cycle in cycles:
        for route in cycle.routes:
            started_at = find_start(route, cycle.due_at)
            if started_at is None or (route.notified_at is None and now < started_at):
                continue
            chain = cycle.chains.get(route.owner)
            minutes = chain.links[0].after_minutes or 0.0 if chain else DEFAULT_ACKNOWLEDGEMENT_MINUTES
            yield Standing(
                cycle,
                route,
                now - started_at,
                minutes,
                route.said is not None and now < route.said.until,
                cycle.exception is not None,
            )
