"""The drill of the alarm paths: one message for each route and month, along the routes of planning."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills.planning.alarm_path import AlarmPath, build_entries, find_alarm_paths
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from tests.samples.builders import DRILL, NOW, judged, make_subject

DAY = timedelta(days=1)


def paths(*changes: dict[str, Any], request: PlanRequest | None = None) -> list[AlarmPath]:
    """Return the alarm paths of some schedules."""
    subjects = [make_subject([DRILL], **each) for each in changes or ({},)]
    checks = [ScheduleCheck(each, judged(each)) for each in subjects]
    return find_alarm_paths(checks, request or PlanRequest(), now=NOW)


def routes(found: list[AlarmPath]) -> list[tuple[str, str, int]]:
    return [(each.owner, each.provider, each.schedule_count) for each in found]


def send(database: Database, found: list[AlarmPath], now: datetime = NOW) -> set[str]:
    entries, holds = build_entries(found, within=DAY, now=now)
    return commit(database, entries, [], holds, now=now.timestamp())


def test_every_route_of_every_owner_is_drilled_once_tickets_included() -> None:
    found = paths(
        {"owners": ["team-a", "team-b"], "notification_providers": ["slack", "jira"]},
        {
            "schedule_id": "search",
            "owners": ["TEAM-A"],
            "notification_providers": ["slack"],
            "owner_routes": {"TEAM-A": {"providers": ["mail", "Slack"]}},
        },
    )

    assert routes(found) == [
        ("team-a", "jira", 1),
        ("TEAM-A", "mail", 1),
        ("team-a", "slack", 2),
        ("team-b", "jira", 1),
        ("team-b", "slack", 1),
    ]


def test_only_requested_providers_are_drilled() -> None:
    asked = PlanRequest(requested=frozenset({"slack"}))
    found = paths({"owners": ["team-a"], "notification_providers": ["slack", "jira"]}, request=asked)
    assert routes(found) == [("team-a", "slack", 1)]


def test_the_message_says_that_it_is_a_drill_and_asks_for_an_acknowledgement() -> None:
    (entry,), holds = build_entries(
        paths({"owners": ["team-a"], "notification_providers": ["slack"]}), within=DAY, now=NOW
    )

    message = entry.notification
    assert message.title == "This is a drill: does this reach team-a?"
    assert message.summary.startswith("Nothing is wrong.")
    assert message.acknowledge == f"Acknowledge: drills ack --cycle {entry.cycle_id} --owner team-a --by YOU"
    assert message.facts == (
        ("Owner", "team-a"),
        ("Reached through", "slack"),
        ("Used by", "1 schedule"),
        ("Acknowledge by", (NOW + DAY).isoformat()),
        ("Otherwise", "the route is listed as one that reaches nobody, and the platform owner is notified"),
    )
    assert message.event["event_type"] == "cavra.go_backend.rollback_drill.alarm_path"
    assert message.event["is_drill"] is True
    assert (entry.schedule_id, entry.closes, holds) == ("alarm-path:team-a", True, [])


@pytest.mark.parametrize(
    ("now", "is_new"),
    [
        (datetime(2026, 11, 30, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 12, 1, tzinfo=UTC), True),
    ],
    ids=["the last minute of the month", "the first of the next month"],
)
def test_a_route_is_drilled_once_in_a_month_of_utc(database: Database, now: datetime, is_new: bool) -> None:
    found = paths({"owners": ["team-a"], "notification_providers": ["slack"]})
    assert len(send(database, found, datetime(2026, 11, 1, tzinfo=UTC))) == 1

    assert bool(send(database, found, now)) is is_new


def test_a_name_that_is_spelt_otherwise_is_not_drilled_again(database: Database) -> None:
    send(database, paths({"owners": ["team-a"], "notification_providers": ["slack"]}))
    assert not send(database, paths({"owners": ["Team-A"], "notification_providers": ["SLACK"]}))


def test_a_window_holds_the_message_back_and_the_time_to_answer_begins_after_it(database: Database) -> None:
    window = {
        "window_id": "freeze",
        "start_at": (NOW - DAY).isoformat(),
        "end_at": (NOW + DAY).isoformat(),
        "reason": "freeze",
    }
    found = paths(
        {"owners": ["team-a"], "notification_providers": ["slack"], "maintenance_windows": [window]}
    )
    entries, _ = build_entries(found, within=DAY, now=NOW)
    assert entries[0].notification.event["acknowledge_by"].startswith(f"{NOW + 2 * DAY:%Y-%m-%dT%H:%M}")

    send(database, found)

    ((row,), _) = find_rows(database, OutboxFilter())
    assert (row.state, row.due_at) == (State.PENDING, (NOW + DAY).timestamp())


def test_another_schedule_without_the_window_lets_the_owner_be_asked_at_once() -> None:
    window = {"window_id": "freeze", "start_at": (NOW - DAY).isoformat(), "end_at": (NOW + DAY).isoformat()}
    usual = {"owners": ["team-a"], "notification_providers": ["slack"]}
    (found,) = paths({**usual, "maintenance_windows": [window]}, {**usual, "schedule_id": "search"})
    assert found.not_before is not None
    assert datetime.fromisoformat(found.not_before) == NOW


def test_an_owner_who_is_absent_without_an_end_is_not_asked() -> None:
    found = paths({"owners": ["team-a"], "owner_calendars": {"team-a": {"available": False}}})
    assert build_entries(found, within=DAY, now=NOW) == ([], [])
