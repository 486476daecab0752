"""The oracle of simulations: the real rules at every hour, with every notification and every text."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementRecord,
    find_current,
    find_end,
)
from rollback_drills.followup.cycle_facts import Sent
from rollback_drills.followup.cycle_grouping import group_cycles
from rollback_drills.followup.escalations.escalation import build_entries, find_escalations
from rollback_drills.followup.escalations.follow_up_rules import FollowUpRules, find_over, judge_open
from rollback_drills.followup.open_cycles import _to_sent
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.outbox_entry import Departure, OutboxEntry
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification, Suppression
from rollback_drills.notifications.states import UNSENT, State
from rollback_drills.outbox.destinations import Destination
from rollback_drills.outbox.rows import OutboxRow, write_notification
from rollback_drills.planning.decisions import find_repeat_after
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.outbox_entries import find_departures, find_entries
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.windows_and_absences import Suppressions
from rollback_drills.readiness.judgement import find_due, judge
from rollback_drills.simulation.performed_drills import perform
from rollback_drills.simulation.scenario import Scenario
from tests.samples.followup_records import acknowledged

Line = tuple[str, ...]
"""Time, kind, and what it is about."""


class PlainWalk:
    """One schedule, looked after at every time of the grid, and nothing left out or kept ready."""

    def __init__(self, subject: Subject, scenario: Scenario) -> None:
        self.subject, self.scenario = subject, scenario
        self.rows: list[OutboxRow] = []
        self.said: list[AcknowledgementRecord] = []
        self.heard: list[tuple[datetime, str]] = []
        self.listed = list(scenario.assumptions.performed.get(name_key(subject.name), ()))
        self.performed_for: datetime | None = None
        self.due_at = find_due(subject, now=scenario.since)
        self.lines: list[Line] = []
        self.sent: dict[tuple[str, State, float], Sent] = {}

    def walk(self) -> list[Line]:
        """Return what happens, in the order of time."""
        now = self.scenario.first_run(self.scenario.since)
        while now < self.scenario.until:
            self.act(now)
            self.check(now)
            self.escalate(now)
            now += self.scenario.every
        self.acknowledge([each for each in self.heard if each[0] < self.scenario.until])
        return sorted(self.lines)

    def act(self, now: datetime) -> None:
        while (at := self.find_performance()) and at <= now:
            before = self.due_at
            is_listed = bool(self.listed) and self.listed[0].performed_at <= at
            accepted = self.listed.pop(0).accepted if is_listed else True
            if not is_listed:
                self.performed_for = before
            self.subject = perform(self.subject, at, accepted=accepted)
            self.due_at = find_due(self.subject, now=at)
            self.lines.append((write_instant(at), "performed", write_instant(before) if before else ""))
        self.acknowledge([each for each in self.heard if each[0] <= now])

    def acknowledge(self, heard: Iterable[tuple[datetime, str]]) -> None:
        for at, key in sorted(heard):
            self.heard.remove((at, key))
            opened = [each for each in self.rows if each.route_key == key and not each.is_closed]
            if not opened:
                continue
            row = opened[-1]
            until = find_end(
                Acknowledgement(row.owner),
                at,
                datetime.fromisoformat(row.cycle_due) if row.cycle_due else None,
            )
            self.said.append(
                acknowledged(at, until, acknowledgement_id=f"{at}", route_key=key, acknowledged_by=row.owner)
            )
            self.lines.append(
                (
                    write_instant(at),
                    "acknowledged",
                    row.cycle_due,
                    row.owner,
                    row.provider,
                    write_instant(until),
                )
            )

    def find_performance(self) -> datetime | None:
        schedule = self.subject.document
        assert schedule
        due_at = self.due_at
        times = [each.performed_at for each in self.listed[:1]]
        if due_at and due_at != self.performed_for:
            at = self.scenario.assumptions.find_performance(schedule, due_at)
            times += [max(at, self.scenario.since)] if at else []
        return min(times, default=None)

    def check(self, now: datetime) -> None:
        scenario = self.scenario
        self.due_at = find_due(self.subject, now=now)
        judgement = judge(self.subject, self.due_at, scenario.criteria, now=now)
        check = ScheduleCheck(self.subject, judgement)
        history: dict[str, list[SentNotification]] = {}
        for row in self.rows:
            if not row.is_closed or row.cycle_id == judgement.cycle.cycle_id:
                history.setdefault(row.route_key, []).append(row.to_sent_notification())
        request = PlanRequest(
            requested=scenario.requested,
            policy=scenario.policy,
            notified=history,
            acknowledged={
                key: Suppression(each.until, each.because) for key, each in find_current(self.said).items()
            },
        )
        check.plan_at_once(request, now=now)
        closing, departures = find_departures([check], request, now=now, clock=now)
        self.commit([*find_entries(check, request), *closing], departures, now)

    def escalate(self, now: datetime) -> None:
        items = [each for each in self.rows if not each.is_closed]
        if not items:
            return
        document = self.subject.document
        name = items[0].schedule_id
        cycles = group_cycles(items, self.to_sent, find_current(self.said), {}, now=now)
        judgements = judge_open(cycles, [self.subject], self.scenario.criteria, now=now)
        rules = FollowUpRules(
            {name: find_repeat_after(document, self.scenario.policy)},
            {name: Suppressions(name, document, self.scenario.policy)},
            over=find_over(cycles, judgements),
        )
        due = [each for cycle in cycles for each in find_escalations(cycle, rules, now=now)]
        self.commit([entry for each in due for entry in build_entries(each, now=now)], [], now)

    def to_sent(self, row: OutboxRow) -> Sent:
        key = row.notification_id, row.state, row.queued_at
        if key not in self.sent:
            self.sent[key] = _to_sent(row, Destination(row.provider))
        return self.sent[key]

    def commit(self, entries: Sequence[OutboxEntry], departures: Sequence[Departure], now: datetime) -> None:
        """Do what `outbox.commit` does, and deliver at once."""
        for entry in entries:
            self.supersede(entry.replaces, now)
            place = next(
                (n for n, each in enumerate(self.rows) if each.notification_id == entry.notification_id), None
            )
            is_promotion = entry.reason is Reason.DEFERRED and not entry.is_kept_back
            if place is None and not is_promotion:
                self.add(entry, len(self.rows), now)
            elif place is not None and is_promotion and self.rows[place].state is State.SUPPRESSED:
                self.add(entry, place, now)
            else:
                continue
            if entry.closes:
                self.close(entry.route_key)
        for each in departures:
            self.supersede(each.replaces, now)
            self.close(each.route_key)

    def add(self, entry: OutboxEntry, place: int, now: datetime) -> None:
        at = now.timestamp()
        self.rows[place : place + 1] = [
            OutboxRow(
                place,
                entry.notification_id,
                entry.notification_id,
                entry.route_key,
                entry.cycle_id,
                entry.schedule_id,
                entry.provider,
                entry.owner,
                entry.reason,
                entry.status,
                entry.cycle_due,
                entry.planned_at.timestamp(),
                at,
                State.SUPPRESSED if entry.is_kept_back else State.DELIVERED,
                False,
                None,
                1,
                0,
                False,
                at,
                None if entry.is_kept_back else at,
                200,
                "",
                "",
                "",
                write_notification(entry.notification),
            )
        ]
        event = entry.notification.event
        step = event.get("escalation", {"owner": "", "step": 0})
        self.lines.append(
            (
                write_instant(now),
                "held_back" if entry.is_kept_back else "notified",
                entry.cycle_due,
                entry.owner,
                entry.provider,
                entry.status,
                entry.reason,
                event.get("deferred_until") or "" if entry.is_kept_back else "",
                step["owner"],
                str(step["step"]),
            )
        )
        after = self.scenario.assumptions.acknowledged_after
        if after is not None and not entry.is_kept_back and not entry.closes:
            self.heard.append((now + after, entry.route_key))

    def supersede(self, ids: Iterable[str], now: datetime) -> None:
        for place, row in enumerate(self.rows):
            if row.notification_id in ids and row.state in UNSENT:
                self.rows[place] = replace(row, state=State.SUPERSEDED)
                self.lines.append((write_instant(now), "dropped", row.cycle_due, row.owner, row.provider))

    def close(self, route_key: str) -> None:
        self.rows = [
            replace(each, is_closed=True) if each.route_key == route_key else each for each in self.rows
        ]


def write_lines(happenings: Iterable[object]) -> Iterator[Line]:
    """Yield what a simulation found, as the oracle writes it."""
    from rollback_drills.simulation.happenings import Acknowledged, Dropped, HeldBack, Notified, Performed

    for each in happenings:
        match each:
            case Performed():
                yield each.at, "performed", each.due_at
            case Acknowledged():
                yield each.at, "acknowledged", each.due_at, each.owner, each.provider, each.until
            case Dropped():
                yield each.at, "dropped", each.due_at, each.owner, each.provider
            case HeldBack():
                route = (each.due_at, each.owner, each.provider)
                yield each.at, "held_back", *route, each.status, Reason.DEFERRED, each.until or "", "", "0"
            case Notified():
                route = (each.due_at, each.owner, each.provider)
                step = (each.escalated_from, str(each.step))
                yield each.at, "notified", *route, each.status, each.reason, "", *step
