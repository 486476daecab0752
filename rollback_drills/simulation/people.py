"""The people of one schedule: they perform drills and acknowledge, as the scenario assumes."""

from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush
from typing import Final

from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementRecord,
    NotifiedRoute,
    write_acknowledgement,
)
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.sent_notification import Suppression
from rollback_drills.notifications.states import State
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.judgement import find_due
from rollback_drills.simulation.assumptions import Assumptions
from rollback_drills.simulation.happenings import Acknowledged, Performed
from rollback_drills.simulation.outbox import Row, SimulatedOutbox
from rollback_drills.simulation.performed_drills import perform

_DELIVERED: Final = State.DELIVERED
MOST_DRILLS: Final = 2_000
"""Of one schedule: more than one a day for five years."""


class People:
    """Who performs the drills of a schedule and acknowledges its notifications."""

    def __init__(self, subject: Subject, assumptions: Assumptions, since: datetime) -> None:
        """Begin with the documents as they are.

        Args:
            subject: The documents.
            assumptions: What people do.
            since: Before that nobody does anything.
        """
        self.subject = subject
        self.due_at = find_due(subject, now=since)
        """When the next drill is due, as the last check has found."""
        self.said: dict[str, AcknowledgementRecord] = {}
        """By route key: what was acknowledged last."""
        self.acknowledged: dict[str, Suppression] = {}
        """The same, as decisions look back on it."""
        self._assumptions, self._since = assumptions, since
        self._listed = list(reversed(assumptions.performed.get(name_key(subject.name), ())))
        """The drills of the file that are still to come, the next one last."""
        self._performed_for: datetime | None = None
        self._count = 0
        self._heard: list[tuple[datetime, str]] = []
        """When each notification that was heard is acknowledged: a heap."""

    @property
    def is_exhausted(self) -> bool:
        """Whether they have performed as many drills as are looked at."""
        return self._count >= MOST_DRILLS

    def hear(self, row: Row) -> None:
        """Notice a notification that is sent; it is acknowledged later, if people acknowledge at all."""
        after = self._assumptions.acknowledged_after
        if after is not None and row.state is _DELIVERED:
            heappush(self._heard, (row.sent.queued_at + after, row.route_key))

    def acknowledge(self, outbox: SimulatedOutbox, *, now: datetime) -> Iterator[Acknowledged]:
        """Acknowledge what is due to be acknowledged, unless its cycle is over."""
        while self._heard and self._heard[0][0] <= now:
            at, route_key = heappop(self._heard)
            row = outbox.find_last(route_key)
            if row is None:
                continue
            said = write_acknowledgement(
                Acknowledgement(row.owner),
                NotifiedRoute("", row.schedule_id, row.cycle_id, "", row.provider, row.owner, route_key),
                now=at,
                created_at=at,
                due_at=datetime.fromisoformat(row.cycle_due) if row.cycle_due else None,
            )
            self.said[route_key] = said
            self.acknowledged[route_key] = Suppression(said.until, said.because)
            yield Acknowledged(
                at=write_instant(at),
                schedule_id=row.schedule_id,
                cycle_id=row.cycle_id,
                due_at=row.cycle_due,
                owner=row.owner,
                provider=row.provider,
                until=write_instant(said.until),
            )

    def perform(self, cycle: Cycle, at: datetime) -> Performed:
        """Perform the next drill, at the time that `find_performance` returns.

        Args:
            cycle: The cycle before the drill.
            at: That time.
        """
        is_accepted, due_at = True, self.due_at
        if self._listed and self._listed[-1].performed_at <= at:
            is_accepted = self._listed.pop().accepted
        else:
            self._performed_for = due_at
        self.subject = perform(self.subject, at, accepted=is_accepted)
        self._count += 1
        return Performed(
            at=write_instant(at),
            schedule_id=cycle.schedule_id,
            cycle_id=cycle.cycle_id,
            due_at=write_instant(due_at) if due_at else "",
            accepted=is_accepted,
        )

    def find_performance(self) -> datetime | None:
        """Return when a drill is performed next; None if never."""
        schedule = self.subject.document
        if schedule is None:
            return None
        times = [self._listed[-1].performed_at] if self._listed else []
        if self.due_at is not None and self.due_at != self._performed_for:
            planned = self._assumptions.find_performance(schedule, self.due_at)
            times += [max(planned, self._since)] if planned else []
        return min(times, default=None)
