"""The outbox of a simulation: the notifications of one schedule, each delivered as soon as it is committed.

It means what the database means (`outbox.commit`): a test runs both beside each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollback_drills.documents.utc import write_instant, write_time_of_run
from rollback_drills.followup.cycle_facts import Sent
from rollback_drills.followup.escalations.escalation import Escalation
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.notifications.states import State
from rollback_drills.planning.decisions import RouteDecision
from rollback_drills.planning.escalation_chain import EVENT_KEY, Chain
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.simulation.happenings import HeldBack, Notified

# Python 3.11 looks up members of enumerations slowly, and these are needed for every notification.
_SUPPRESSED, _DELIVERED = State.SUPPRESSED, State.DELIVERED
_REPEAT, _ESCALATED = Reason.REPEAT, Reason.ESCALATED


@dataclass(frozen=True, slots=True)
class Row:
    """One notification, as follow-up and planning know it."""

    route_key: str
    cycle_due: str
    sent: Sent
    notification: SentNotification

    @property
    def cycle_id(self) -> str:
        """The cycle."""
        return self.notification.cycle_id

    @property
    def schedule_id(self) -> str:
        """The schedule."""
        return self.notification.schedule_id

    @property
    def provider(self) -> str:
        """Through what it is sent."""
        return self.notification.provider

    @property
    def owner(self) -> str:
        """Who is notified."""
        return self.notification.owner

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.sent.state

    def describe(self, because: str = "") -> Notified | HeldBack:
        """Return what happened when it was committed; `because` says why."""
        sent, at = self.sent, write_time_of_run(self.sent.queued_at)
        if sent.state is _SUPPRESSED:
            return HeldBack(
                at=at,
                schedule_id=self.schedule_id,
                cycle_id=self.cycle_id,
                due_at=self.cycle_due,
                owner=self.owner,
                provider=self.provider,
                status=sent.status,
                category=sent.event["deferred_by"],
                because=because,
                until=sent.event["deferred_until"],
            )
        return Notified(
            at=at,
            schedule_id=self.schedule_id,
            cycle_id=self.cycle_id,
            due_at=self.cycle_due,
            owner=self.owner,
            provider=self.provider,
            status=sent.status,
            reason=sent.reason,
            escalated_from=sent.step_of,
            step=sent.step,
        )


class SimulatedOutbox:
    """The notifications of open routes.

    A repeat is forgotten when the next one is sent, if the owner was notified before it: no rule looks at it,
    and in a year every rule would look through all of them every day.
    """

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self._rows: dict[str, list[Row]] = {}
        """By route key, in the order in which they were committed."""
        self.histories: dict[str, list[SentNotification]] = {}
        """The same, as decisions look back on it."""
        self._steps: set[str] = set()
        """The ids of all escalations."""

    @property
    def open_rows(self) -> Iterator[Row]:
        """Yield the notifications."""
        for rows in self._rows.values():
            yield from rows

    def find_last(self, route_key: str) -> Row | None:
        """Return the last notification of a route; None if its cycle is over."""
        rows = self._rows.get(route_key)
        return rows[-1] if rows else None

    def commit_decision(
        self, decision: RouteDecision, chain: Chain, cycle: Cycle, due: str, *, now: datetime
    ) -> Row | None:
        """Commit the notification of a decision; return it if it is new, or no longer held back."""
        is_delivered = decision.is_delivered
        event = {
            EVENT_KEY: chain,
            "deferred_until": decision.deferred_until,
            "deferred_by": None if is_delivered else decision.category,
        }
        state = _DELIVERED if is_delivered else _SUPPRESSED
        sent = Sent(
            decision.notification_id,
            decision.sent_reason,
            cycle.status,
            state,
            now,
            now,
            now if is_delivered else None,
            None,
            event,
        )
        row = _make_row(
            decision.route_key,
            sent,
            cycle.schedule_id,
            cycle.cycle_id,
            decision.provider,
            decision.owner,
            due,
        )
        place = self._find_held_back(row)
        if place is None:
            self._put(row)
            return row
        if not is_delivered:
            return None
        self._rows[row.route_key][place] = row
        self.histories[row.route_key][place] = row.notification
        return row

    def knows_step(self, escalation: Escalation, provider: str) -> bool:
        """Whether the notification of a step was committed before, on a route that may be closed by now."""
        return escalation.find_notification_id(provider) in self._steps

    def commit_step(self, escalation: Escalation, provider: str, *, now: datetime) -> Row:
        """Commit the notification of a step through one provider; it is not known yet."""
        cycle, owner = escalation.cycle, escalation.link.owner
        notification_id = escalation.find_notification_id(provider)
        self._steps.add(notification_id)
        sent = Sent(
            notification_id,
            _ESCALATED,
            cycle.status,
            _DELIVERED,
            now,
            now,
            now,
            None,
            {},
            escalation.chain.owner,
            escalation.step,
        )
        due = write_instant(cycle.due_at) if cycle.due_at else ""
        route_key = escalation.find_route_key(provider)
        row = _make_row(route_key, sent, cycle.schedule_id, cycle.cycle_id, provider, owner, due)
        self._put(row)
        return row

    def close(self, route_key: str) -> Sequence[Row]:
        """Close a route, since its cycle is over; return its notifications that were still held back."""
        del self.histories[route_key]
        return [each for each in self._rows.pop(route_key) if each.state is _SUPPRESSED]

    def _find_held_back(self, row: Row) -> int | None:
        """Return the place of the same notification, if it is held back."""
        for place, each in enumerate(self._rows.get(row.route_key, ())):
            if each.state is _SUPPRESSED and each.sent.notification_id == row.sent.notification_id:
                return place
        return None

    def _put(self, row: Row) -> None:
        rows, history = self._rows.get(row.route_key), self.histories.get(row.route_key)
        if rows is None or history is None:
            self._rows[row.route_key], self.histories[row.route_key] = [row], [row.notification]
            return
        if rows[-1].sent.reason is _REPEAT and any(
            each.state is _DELIVERED and each.sent.reason is not _ESCALATED for each in rows[:-1]
        ):
            del rows[-1], history[-1]
        rows.append(row)
        history.append(row.notification)


def _make_row(
    route_key: str, sent: Sent, schedule_id: str, cycle_id: str, provider: str, owner: str, due: str
) -> Row:
    notification = SentNotification(
        sent.notification_id,
        schedule_id,
        cycle_id,
        provider,
        owner,
        sent.reason,
        sent.status,
        sent.planned_at,
        sent.state,
        False,
        due,
    )
    return Row(route_key, due, sent, notification)
