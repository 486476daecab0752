"""The message of a look-ahead: one for each owner, provider and week, and never a table of schedules."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.notifications.states import State
from rollback_drills.outbox.commit import commit, find_history
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.look_ahead import Outlook, find_outlooks
from rollback_drills.planning.look_ahead_notice import build_entries, find_earlier_cycles, find_monday
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from tests.samples.builders import DRILL, NOW, judged, make_subject

WEEK = timedelta(weeks=1)
FREEZE = {"window_id": "freeze", "start_at": "2027-01-08T00:00:00Z", "end_at": "2027-01-12T00:00:00Z"}


def look(*changes: dict[str, Any], now: datetime = NOW) -> Outlook:
    """Return the outlook of an owner whose drill is due in a freeze."""
    usual = {"owners": ["team-a"], "next_due_at": "2027-01-10T09:00:00Z", "interval_days": 200}
    subjects = [
        make_subject([DRILL], **{**usual, "maintenance_windows": [FREEZE], **each})
        for each in changes or ({},)
    ]
    checks = [ScheduleCheck(each, judged(each, now=now)) for each in subjects]
    (outlook,) = find_outlooks(checks, PlanRequest(), Criteria(), now=now)
    return outlook


def entries_of(outlook: Outlook, now: datetime = NOW) -> list[OutboxEntry]:
    """Return the messages of an outlook."""
    return build_entries(outlook, {}, now=now)[0]


def send(database: Database, outlook: Outlook, now: datetime) -> set[str]:
    """Commit the messages of a week."""
    earlier = find_history(database, find_earlier_cycles([outlook], now), ())
    entries, holds = build_entries(outlook, earlier, now=now)
    return commit(database, entries, [], holds, now=now.timestamp())


def test_a_message_says_what_will_go_wrong_without_hashes_and_with_dates_for_people() -> None:
    slack, teams = entries_of(look({}, {"schedule_id": "search", "maintenance_windows": []}))

    notification = slack.notification
    assert notification.title == "Look-ahead for team-a: 1 rollback drill will go wrong"
    assert notification.summary == (
        "0 drills of team-a are due in the next 30 days, 2 in the next 90."
        " 1 rollback drill will go wrong unless somebody acts now."
    )
    facts = dict(notification.facts)
    assert facts["payments, due 10 Jan 2027, 09:00 UTC"].startswith(
        "The maintenance window freeze is open when it is due, until 12 Jan 2027, 00:00 UTC, and silences"
    )
    assert facts["Also due"] == "search (10 Jan 2027, 09:00 UTC)"
    shown = f"{notification.title} {notification.summary} {notification.facts} {notification.acknowledge}"
    assert not re.search(r"[0-9a-f]{12}|T\d\d:\d\d", shown)
    assert (notification.alert_level, notification.acknowledge) == ("warning", "")
    assert notification.event["event_type"] == "cavra.go_backend.rollback_drill.look_ahead"
    assert notification.event["troubled"][0]["troubles"][0]["risk"] == "freeze"
    counts = ("due_in_30_days", "due_in_90_days", "troubled_count")
    assert [notification.event[each] for each in counts] == [0, 2, 1]
    assert {slack.provider, teams.provider} == {"slack", "teams"}
    assert {slack.schedule_id, teams.schedule_id} == {"look-ahead:team-a"}
    assert slack.closes, "nobody acknowledges it, and nothing escalates"


def test_a_clean_outlook_sends_nothing() -> None:
    assert build_entries(look({"maintenance_windows": []}), {}, now=NOW) == ([], [])


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        ("2026-11-29T23:59:59", "2026-11-23"),
        ("2026-11-30T00:00:00", "2026-11-30"),
        ("2026-12-06T23:59:59", "2026-11-30"),
        ("2027-01-01T12:00:00", "2026-12-28"),
    ],
)
def test_a_week_is_that_of_utc(now: str, monday: str) -> None:
    assert find_monday(datetime.fromisoformat(now).replace(tzinfo=UTC)).isoformat() == monday


def test_each_owner_and_provider_gets_one_message_in_a_week(database: Database) -> None:
    assert len(send(database, look(), NOW)) == 2
    assert send(database, look(), NOW + timedelta(hours=1)) == set()
    assert send(database, look({"owners": ["TEAM-A"]}), NOW + timedelta(days=5)) == set()
    assert len(send(database, look(now=NOW + WEEK), NOW + WEEK)) == 2


def test_a_message_that_still_waits_is_replaced_in_the_next_week(database: Database) -> None:
    send(database, look(), NOW)
    send(database, look(now=NOW + WEEK), NOW + WEEK)

    states = [row.state for row in find_rows(database, OutboxFilter(), limit=10)[0]]
    assert sorted(states) == sorted([State.PENDING] * 2 + [State.SUPERSEDED] * 2)


def test_an_owner_who_is_away_is_told_after_it_and_not_in_a_later_week(database: Database) -> None:
    def away(end: str) -> dict[str, Any]:
        absence = {"start_at": "2026-11-28T00:00:00Z", "end_at": end}
        return {"owner_calendars": {"team-a": {"unavailable_windows": [absence]}}}

    entries, holds = build_entries(look(away("2026-12-03T08:00:00Z")), {}, now=NOW)
    assert len(entries) == 2
    assert {hold.until for hold in holds} == {datetime(2026, 12, 3, 8, tzinfo=UTC)}
    commit(database, entries, [], holds, now=NOW.timestamp())
    (first, _) = find_rows(database, OutboxFilter(), limit=10)[0]
    assert first.due_at == datetime(2026, 12, 3, 8, tzinfo=UTC).timestamp()
    assert entries_of(look(away("2026-12-07T00:00:00Z"))) == []
    assert len(entries_of(look(away("2026-12-06T23:59:59Z")))) == 2
    assert entries_of(look({"owner_calendars": {"team-a": {"available": False}}})) == []


def test_a_message_lists_what_is_overdue_and_what_else_is_due() -> None:
    calm: dict[str, Any] = {"maintenance_windows": []}
    late = {"schedule_id": "orders", "next_due_at": "2026-11-27T09:00:00Z", **calm}
    (entry, _) = entries_of(look({}, late, {"schedule_id": "search", **calm}))

    facts = dict(entry.notification.facts)
    assert facts["Overdue"] == "orders (27 Nov 2026, 09:00 UTC)"
    assert facts["Also due"] == "search (10 Jan 2027, 09:00 UTC)"
    assert "More" not in facts
    (entry, _) = entries_of(look())
    assert not {"Overdue", "Also due", "More"} & dict(entry.notification.facts).keys()


def test_many_troubles_are_counted() -> None:
    outlook = look(*({"schedule_id": f"service-{number:02}"} for number in range(14)))

    (entry, _) = entries_of(outlook)
    assert len([label for label, _ in entry.notification.facts if label.startswith("service-")]) == 10
    assert dict(entry.notification.facts)["More"].startswith("4 drills as well")
