"""The checks of one schedule in a simulation: they judge, decide and close by the rules of a real check."""

from collections.abc import Collection, Iterator
from datetime import datetime

import msgspec

from rollback_drills.documents.utc import write_instant, write_time_of_run
from rollback_drills.notifications.reasons import Reason
from rollback_drills.planning.closings import Leaving, find_leaving
from rollback_drills.planning.decisions import decide_routes, find_change, find_repeat_after, make_context
from rollback_drills.planning.outbox_entries import find_commitments
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import eligible_providers, resolve_routes
from rollback_drills.planning.suppression_rules import Context, suppress_schedule
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.due import find_next_change
from rollback_drills.readiness.judgement import find_due, judge
from rollback_drills.readiness.reports import ChangeFacts
from rollback_drills.readiness.stale_proof import find_next_promotion
from rollback_drills.simulation.happenings import Dropped, Due, Notified, Obstacle, Promoted, Proven
from rollback_drills.simulation.outbox import Row, SimulatedOutbox
from rollback_drills.simulation.people import People
from rollback_drills.simulation.scenario import Scenario


class Checks:
    """What the checks of one schedule decide, one after the other."""

    def __init__(self, people: People, scenario: Scenario, outbox: SimulatedOutbox) -> None:
        """Begin before the first check.

        Args:
            people: Who perform drills and acknowledge, and the documents as they leave them.
            scenario: What is simulated.
            outbox: Where notifications are committed.
        """
        self._people, self._scenario, self._outbox = people, scenario, outbox
        schedule = self._schedule = people.subject.document
        eligible = eligible_providers(schedule, scenario.connectors, scenario.requested)
        self._routes = resolve_routes(schedule, scenario.policy, eligible, scenario.requested)
        self._owners = tuple(dict.fromkeys(each.owner for each in self._routes))
        self._request = PlanRequest(
            requested=scenario.requested,
            policy=scenario.policy,
            connectors=scenario.connectors,
            notified=outbox.histories,
            acknowledged=people.acknowledged,
        )
        self.repeat_after = find_repeat_after(schedule, scenario.policy)
        """How long a route stays quiet, by state."""
        self._dues: set[str] = set()
        """The due times that were met."""
        self._planned: Collection[str] = ()
        """The keys of the routes that the check notifies which is under way."""
        self._is_announced = False
        """Whether it was yielded if the proof is stale."""
        self._change: ChangeFacts | None = None
        """What makes the proof stale; None if nothing does."""
        self._judge(scenario.since)

    @property
    def suppressions(self) -> Suppressions:
        """The windows and calendars of the schedule."""
        return self._context.suppressions

    def judge(self, *, now: datetime) -> Iterator[Due | Promoted | Proven]:
        """Judge the schedule; yield its due time if it is a new one within the simulated time.

        Whether the proof became stale, or is one of what is promoted again, is yielded before.
        """
        was_stale = self._is_announced and self._change is not None
        self._judge(now)
        yield from self._compare_proof(was_stale=was_stale, now=now)
        due_at = self._people.due_at
        if due_at and self.due not in self._dues and self._scenario.since <= due_at < self._scenario.until:
            self._dues.add(self.due)
            yield Due(
                at=self.due,
                schedule_id=self.cycle.schedule_id,
                cycle_id=self.cycle.cycle_id,
                due_at=self.due,
                owners=self._owners,
                obstacles=tuple(dict.fromkeys(self._find_obstacles(due_at))),
            )

    def _compare_proof(self, *, was_stale: bool, now: datetime) -> Iterator[Promoted | Proven]:
        self._is_announced = True
        facts = {
            "at": write_time_of_run(now),
            "schedule_id": self.cycle.schedule_id,
            "cycle_id": self.cycle.cycle_id,
            "due_at": self.due,
        }
        if self._change and not was_stale:
            change = self._change
            yield Promoted(
                change_id=change.change_id, what=change.what, promoted_at=change.promoted_at, **facts
            )
        elif was_stale and not self._change:
            yield Proven(**facts)

    def _judge(self, now: datetime) -> None:
        self._people.due_at = find_due(self._people.subject, now=now)
        subject, criteria = self._people.subject, self._scenario.criteria
        judgement = judge(subject, self._people.due_at, criteria, now=now)
        self.cycle, self.due = judgement.cycle, judgement.schedule.next_due_at
        history = subject.history.document if subject.history else None
        self._change = judgement.schedule.change or None
        readiness_at = find_next_change(history, self._people.due_at, criteria.due_soon, now=now)
        promoted_at = find_next_promotion(subject, now=now) if subject.changes else None
        self.judged_until = min(filter(None, (readiness_at, promoted_at)), default=None)
        """When the readiness changes next, if nobody performs a drill; None if it does not."""
        self._context = make_context(self.cycle, self._schedule, self._request, now=now)

    def _find_obstacles(self, due_at: datetime) -> Iterator[Obstacle]:
        for route in self._routes:
            if window := self.suppressions.find_window(route, due_at):
                until = write_instant(window.end_at)
                yield Obstacle(route.owner, window.window_id or "without an id", window.reason, until)
            if absence := self.suppressions.find_absence(route.owner, due_at):
                end = absence.period.end_at if absence.period else None
                yield Obstacle(route.owner, "", absence.reason, write_instant(end) if end else None)

    def decide(self, *, now: datetime) -> Iterator[tuple[Row, str]]:
        """Decide each route; yield what is committed, and why."""
        decisions = decide_routes(self._routes, self._at(now))
        self._planned = {each.route_key for each in decisions if each.is_delivered}
        for decision, chain in find_commitments(decisions, self._schedule, self._request):
            row = self._outbox.commit_decision(decision, chain, self.cycle, self.due, now=now)
            if row:
                yield row, decision.reason

    def close(self, *, now: datetime) -> Iterator[Notified | Dropped]:
        """Close the routes whose cycle is over, unless something keeps them silent."""
        at = write_time_of_run(now)
        for leaving in list(self._find_leaving()):
            if leaving.is_silent(self.suppressions, now):
                continue
            for row in self._outbox.close(leaving.route_key):
                yield Dropped(
                    at=at,
                    schedule_id=row.schedule_id,
                    cycle_id=row.cycle_id,
                    due_at=row.cycle_due,
                    owner=row.owner,
                    provider=row.provider,
                )
            if leaving.ending.may_know:
                opened = leaving.opened
                yield Notified(
                    at=at,
                    schedule_id=opened.schedule_id,
                    cycle_id=opened.cycle_id,
                    due_at=opened.due_at,
                    owner=opened.owner,
                    provider=opened.provider,
                    status=opened.status,
                    reason=Reason.RESOLVED,
                )
        self._planned = ()

    def find_next_decision(self, *, now: datetime) -> datetime | None:
        """Return when a decision changes next, if the readiness stays as it is; None if none does.

        It is now if an escalation of this run lets a route be notified again.
        """
        context = self._at(now)
        if suppress_schedule(context):
            return None
        changes = (find_change(each, context) for each in self._routes)
        return min(filter(None, changes), default=None)

    def find_next_closing(self, *, now: datetime) -> datetime | None:
        """Return when a route whose cycle is over can be closed with a message; None if none, or never.

        It is now if an escalation of this run has opened one.
        """
        ends = (self.suppressions.defer(each.route, now).until for each in self._find_leaving())
        return min(filter(None, ends), default=None)

    def _find_leaving(self) -> Iterator[Leaving]:
        return find_leaving(self.cycle, self._planned, self._request, self._outbox.histories)

    def _at(self, now: datetime) -> Context:
        return msgspec.structs.replace(self._context, now=now, repeat_after=self.repeat_after)
