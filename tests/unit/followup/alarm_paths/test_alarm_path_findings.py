"""Which alarm paths reach nobody: the rule, and what becomes of it in a world with people."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import ALARM_PATH_KIND
from rollback_drills.followup.alarm_paths.alarm_path_findings import (
    AlarmPathDrill,
    EventKind,
    MissedDrill,
    RouteEvent,
    find_missed,
    find_open,
)
from rollback_drills.followup.alarm_paths.alarm_path_notice import find_closings, find_notices
from rollback_drills.followup.alarm_paths.alarm_path_reading import (
    read_answered,
    read_drills,
    read_findings,
    read_recorded,
)
from rollback_drills.followup.alarm_paths.alarm_path_records import (
    find_withdrawn,
    record_missed,
    record_withdrawn,
)
from rollback_drills.followup.linked_route import find_linked_route
from rollback_drills.followup.totals import read_totals
from rollback_drills.names import ids
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit
from rollback_drills.planning.alarm_path import AlarmPath, build_entries, find_alarm_paths
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.reports.filters import NotificationFilter
from rollback_drills.reports.notifications import find_notifications
from rollback_drills.trust.notice import Platform
from tests.samples.builders import NOW, judged, open_key
from tests.samples.outbox_rows import force
from tests.samples.world import World

DAY = timedelta(days=1)
DRILL = AlarmPathDrill(
    "gordmsg-1", "session", "gordcycle-1", "gordroute-1", "team-a", "slack", State.DELIVERED, "", NOW, NOW
)
SCHEDULE = {
    "owners": ["team-a"],
    "notification_providers": ["slack", "jira"],
    "next_due_at": "2027-06-01T09:00:00Z",
    "interval_days": 365,
}
PLATFORM = Platform("platform", (), "webhook")


def because(drill: AlarmPathDrill, after: timedelta = DAY, answered: frozenset[str] = frozenset()) -> str:
    """Return why a drill is missed some time later; empty if it is not."""
    missed = list(find_missed([drill], answered, within=DAY, now=NOW + after))
    return missed[0].because if missed else ""


@pytest.mark.parametrize(
    ("changes", "after", "expected"),
    [
        ({}, DAY - timedelta(seconds=1), ""),
        ({}, DAY, "nobody acknowledged within 1 day"),
        ({"state": State.ACCEPTED}, DAY, "nobody acknowledged within 1 day"),
        ({"state": State.PERMANENT, "detail": "404"}, timedelta(), "the message was not taken (404)"),
        ({"state": State.DISABLED, "detail": "401"}, timedelta(), "the message was not taken (401)"),
        ({"state": State.RETRY, "detail": "503"}, DAY - timedelta(seconds=1), ""),
        ({"state": State.RETRY, "detail": "503"}, DAY, "the message was not delivered within 1 day (503)"),
        ({"state": State.PENDING}, DAY, "the message was not delivered within 1 day"),
        ({"state": State.PENDING, "asked_at": NOW + DAY}, DAY, ""),
        ({"state": State.DISCARDED}, 9 * DAY, ""),
        ({"state": State.SUPERSEDED}, 9 * DAY, ""),
    ],
    ids=str,
)
def test_a_drill_is_missed_when_its_time_is_over_or_it_was_refused(
    changes: dict[str, Any], after: timedelta, expected: str
) -> None:
    drill = replace(DRILL, **changes)
    assert because(drill, after) == expected
    assert because(drill, 99 * DAY, frozenset({"gordroute-1"})) == "", "acknowledged, however late"


def event(kind: EventKind, day: int, provider: str = "slack") -> RouteEvent:
    """Return what the evidence says of a route on a day."""
    return RouteEvent(owner="team-a", provider=provider, kind=kind, at=NOW + day * DAY, because=f"day {day}")


def test_a_finding_is_open_until_a_drill_is_acknowledged_and_counts_those_in_a_row() -> None:
    missed, said = EventKind.MISSED, EventKind.ACKNOWLEDGED

    assert find_open([event(said, 1)]) == []
    (found,) = find_open([event(missed, 30), event(said, 0), event(missed, 60)])
    assert (found.missed_count, found.because) == (2, "day 60")
    assert datetime.fromisoformat(found.since) == NOW + 30 * DAY
    assert found.in_words == "team-a is not reached through slack: day 60 (2 drills in a row)"
    assert find_open([event(missed, 30), event(said, 31)]) == []
    assert find_open([event(missed, 30), event(EventKind.WITHDRAWN, 31)]) == []
    assert len(find_open([event(missed, 30), event(said, 31, "jira")])) == 1, "another route"


class AlarmWorld(World):
    """A world whose alarm paths are drilled as the flows do."""

    def drill(self) -> list[AlarmPath]:
        """Send the drill of the month on every route."""
        checks = [ScheduleCheck(each, judged(each, now=self.now)) for each in self.subjects()]
        paths = find_alarm_paths(checks, PlanRequest(), now=self.now)
        entries, holds = build_entries(paths, within=DAY, now=self.now)
        commit(self.database, entries, [], holds, now=self.now.timestamp())
        self._deliver()
        return paths

    def review(self, *unused: Any) -> list[MissedDrill]:
        """Judge the drills, notify the platform owner and write it down; return what is new."""
        drills, answered = read_drills(self.database, now=self.now), read_answered(self.database)
        recorded = read_recorded(self.database)
        missed = find_missed(drills, answered, within=DAY, now=self.now)
        new = [each for each in missed if each.drill.notification_id not in recorded]
        entries = [
            *find_notices(new, PLATFORM, now=self.now),
            *find_closings(drills, answered, now=self.now),
        ]
        commit(self.database, entries, [], now=self.now.timestamp())
        self._deliver()
        facts: dict[str, Any] = {"now": self.now, "created_at": self.now, "signer": "test"}
        index_run(
            self.database,
            [],
            created_at=self.now,
            signer="test",
            redact=lambda record: record,
            open_key=open_key,
            drills={
                **record_missed(new, assigned_to="platform", **facts),
                **record_withdrawn(unused, **facts),
            },
        )
        return new


@pytest.fixture
def world(database: Database) -> AlarmWorld:
    """Return a world with one owner and two routes, in which nothing is due."""
    return AlarmWorld(database, SCHEDULE)


def open_routes(world: AlarmWorld) -> list[tuple[str, str]]:
    return [(each.owner, each.provider) for each in read_findings(world.database)]


def test_a_dead_route_is_found_at_once_and_a_silent_one_when_the_time_is_over(world: AlarmWorld) -> None:
    world.refusing = {"slack"}
    world.drill()
    assert [each.drill.provider for each in world.review()] == ["slack"]
    assert open_routes(world) == [("team-a", "slack")]
    (finding,) = read_findings(world.database)
    assert finding.cycle_id == read_drills(world.database, now=world.now)[0].cycle_id

    world.wait(days=1, seconds=1)
    assert [each.drill.provider for each in world.review()] == ["jira"]
    assert world.review() == [], "each is found once"

    assert open_routes(world) == [("team-a", "jira"), ("team-a", "slack")]
    notices = [each for each in world.told() if each.owner == "platform"]
    assert [each.notification.title for each in notices] == ["1 alarm path reaches nobody"] * 2
    rows, _ = EvidenceIndex(world.database).find(EvidenceFilter(metadata_kind=ALARM_PATH_KIND))
    assert {(row["owner"], row["provider"], row["assigned_to"]) for row in rows} == {
        ("team-a", "slack", "platform"),
        ("team-a", "jira", "platform"),
    }


@pytest.mark.parametrize(
    ("values", "asked_in"),
    [
        pytest.param(
            {"state": State.DELIVERED, "attempt_count": 3, "completed_at": 500.0}, 500, id="arrived"
        ),
        pytest.param({"state": State.PENDING, "due_at": 900.0}, 900, id="a window holds it back"),
        pytest.param({"state": State.PENDING, "due_at": -5.0}, 0, id="not sent yet"),
        pytest.param({"state": State.RETRY, "attempt_count": 1, "due_at": 900.0}, 300, id="tried again"),
    ],
)
def test_the_time_to_acknowledge_counts_from_when_the_owner_was_asked(
    world: AlarmWorld, values: dict[str, Any], asked_in: float
) -> None:
    world.refusing = {"slack", "jira"}
    world.drill()
    start = world.now.timestamp()
    times = {"due_at": None, "completed_at": None, "started_at": 300.0, "attempt_count": 0, **values}
    for each in read_drills(world.database, now=world.now):
        force(
            world.database,
            each.notification_id,
            **{name: start + value if isinstance(value, float) else value for name, value in times.items()},
        )

    drills = read_drills(world.database, now=world.now)

    assert {each.asked_at for each in drills} == {world.now + timedelta(seconds=asked_in)}


def test_a_finding_ends_when_the_next_drill_is_acknowledged(world: AlarmWorld) -> None:
    world.drill()
    world.wait(days=2)
    world.review()
    world.wait(days=30)
    world.drill()
    assert len(open_routes(world)) == 2, "the drill of the next month alone proves nothing"

    world.ack("alarm-path:team-a", provider="slack")
    assert open_routes(world) == [("team-a", "jira")]
    world.ack("ALARM-PATH:Team-A")
    world.wait(days=2)
    assert world.review() == []
    assert open_routes(world) == []


def test_a_late_acknowledgement_ends_it_too(world: AlarmWorld) -> None:
    world.drill()
    world.wait(days=2)
    world.review()
    world.ack("alarm-path:team-a")
    assert open_routes(world) == []


def test_a_ticket_of_a_drill_is_closed_once_when_it_is_acknowledged(world: AlarmWorld) -> None:
    world.drill()
    world.review()
    assert not world.told("resolved")
    world.ack("alarm-path:team-a")
    world.review()
    world.review()
    (closed,) = world.told("resolved")
    assert (closed.provider, closed.owner) == ("jira", "team-a")
    assert closed.notification.is_closing


def test_a_route_that_no_schedule_uses_any_more_is_no_finding(world: AlarmWorld) -> None:
    world.drill()
    world.wait(days=2)
    world.review()
    world.schedules["payments"] = {**SCHEDULE, "notification_providers": ["jira"]}
    unused = find_withdrawn(read_findings(world.database), world.drill())
    world.review(*unused)
    assert open_routes(world) == [("team-a", "jira")]


def test_a_link_acknowledges_the_drill_also_after_the_finding(world: AlarmWorld) -> None:
    (path, *_) = world.drill()
    key = read_drills(world.database, now=world.now)[0].route_key
    linked = find_linked_route(world.database, key, now=world.now)

    assert linked.is_drill
    assert (linked.route.owner, linked.route.provider, linked.said) == ("team-a", path.provider, None)
    assert linked.choice.cycle_id == linked.cycle.cycle_id
    world.ack("alarm-path:team-a", provider=path.provider)
    said = find_linked_route(world.database, key, now=world.now).said
    assert said is not None
    assert said.acknowledged_by == "maria"


def test_a_drill_is_no_notification_of_a_cycle(database: Database) -> None:
    overdue = {**SCHEDULE, "next_due_at": (NOW - DAY).isoformat()}
    world = AlarmWorld(database, overdue)
    world.drill()
    assert world.open_cycles() == []
    assert world.escalate() == []

    world.check()
    assert {each.reason for each in world.told() if each.schedule_id == "payments"} == {"first"}
    world.ack("alarm-path:team-a")
    world.wait(hours=2)
    world.review()
    assert len(world.escalate()) == 1, "the acknowledgement of the drill keeps nobody quiet"
    plan = world.escalation_plan()
    assert {each["acknowledged"] for each in plan["routes"]} == {False}
    totals = read_totals(database)
    assert totals.acknowledgement_count == 0
    history = find_notifications(database)
    assert {each.schedule_id for each in history.items} == {"payments"}
    asked = find_notifications(database, NotificationFilter(schedule_id="alarm-path:team-a"))
    assert {each.schedule_id for each in asked.items} == {"alarm-path:team-a"}


def test_an_unknown_alarm_path_names_what_exists(world: AlarmWorld) -> None:
    world.drill()
    with pytest.raises(UsageError, match="not in the evidence"):
        world.ack("alarm-path:team-x")
    with pytest.raises(UsageError, match='has no route of provider "mail"; it has jira/team-a, slack/team-a'):
        world.ack("alarm-path:team-a", provider="mail")


def test_the_notice_names_the_routes_and_is_the_same_when_it_is_made_again() -> None:
    missed = [MissedDrill(DRILL, "nobody acknowledged within 1 day")]
    (entry,) = find_notices(missed, PLATFORM, now=NOW)
    (again,) = find_notices(missed, PLATFORM, now=NOW + DAY)

    assert entry.notification_id == again.notification_id
    assert (entry.provider, entry.owner, entry.reason) == ("webhook", "platform", Reason.FIRST)
    assert entry.schedule_id.startswith(ids.ALARM_FINDING_PREFIX)
    assert dict(entry.notification.facts)["team-a through slack"] == "nobody acknowledged within 1 day"
    assert entry.notification.event["findings"][0]["owner"] == "team-a"
    named = [each.provider for each in find_notices(missed, Platform("platform", ("mail", "teams")), now=NOW)]
    assert named == ["mail", "teams"]
    assert list(find_notices([], PLATFORM, now=NOW)) == []
