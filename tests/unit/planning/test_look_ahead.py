"""What each owner has to expect: what is due, and what the rules of notifications let go wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.notifications.sent_notification import Suppression
from rollback_drills.planning.category import Action
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.look_ahead import Outlook, find_outlooks
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.troubles import Risk
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.states import Mode
from tests.samples.builders import DRILL, NOW, judged, make_subject, planned

DUE = "2027-01-10T09:00:00Z"
CRITERIA = Criteria()
DUE_AT = datetime(2027, 1, 10, 9, tzinfo=UTC)


def period(start: str, end: str, **more: Any) -> dict[str, Any]:
    """Write a window or an absence."""
    return {"start_at": f"{start}Z", "end_at": f"{end}Z", **more}


FREEZE = period("2027-01-08T00:00:00", "2027-01-12T00:00:00", window_id="freeze")


def look(*schedules: dict[str, Any], now: datetime = NOW, **request: Any) -> list[Outlook]:
    """Look ahead for some schedules of one owner, unless they say otherwise."""
    usual = {"owners": ["team-a"], "next_due_at": DUE, "interval_days": 200}
    subjects = [make_subject([DRILL], **{**usual, **each}) for each in schedules or ({},)]
    checks = [ScheduleCheck(each, judged(each, now=now)) for each in subjects]
    return find_outlooks(checks, PlanRequest(**request), CRITERIA, now=now)


def risks(outlook: Outlook) -> list[list[str]]:
    """Return the risks of each drill."""
    return [[str(trouble.risk) for trouble in drill.troubles] for drill in outlook.drills]


def text_of(outlook: Outlook, risk: Risk) -> str:
    """Return what is said of the only trouble of a risk."""
    (found,) = [each.text for drill in outlook.drills for each in drill.troubles if each.risk is risk]
    return found


def test_what_is_due_is_counted_for_30_and_90_days() -> None:
    soon = {"schedule_id": "soon", "next_due_at": "2026-12-31T08:59:59Z", "interval_days": 30}
    later = {"schedule_id": "later", "next_due_at": "2026-12-31T09:00:00Z"}
    overdue = {"schedule_id": "overdue", "next_due_at": "2026-11-27T09:00:00Z", "interval_days": 2}

    (outlook,) = look(soon, later, {**overdue, "interval_days": 500})

    assert (outlook.due_in_30_days, outlook.due_in_90_days) == (2, 5)
    assert [(each.schedule_id, each.overdue, each.planned) for each in outlook.drills] == [
        ("overdue", True, False),
        ("soon", False, False),
        ("later", False, False),
        ("soon", False, True),
        ("soon", False, True),
    ]
    assert outlook.troubled == []


@pytest.mark.parametrize(("due_at", "count"), [("2027-03-01T08:59:59Z", 1), ("2027-03-01T09:00:00Z", 0)])
def test_what_is_due_in_90_days_or_later_is_not_foreseen(due_at: str, count: int) -> None:
    (outlook,) = look({"schedule_id": "far", "next_due_at": due_at}, {"schedule_id": "near"})

    assert outlook.due_in_90_days == len(outlook.drills) == 1 + count


def test_drills_that_are_due_together_stand_in_the_order_of_their_schedules() -> None:
    (outlook,) = look({"schedule_id": "b"}, {"schedule_id": "a"})

    assert [each.schedule_id for each in outlook.drills] == ["a", "b"]


def test_a_freeze_on_the_due_time_says_by_when_to_perform() -> None:
    (outlook,) = look({"maintenance_windows": [FREEZE]})

    assert risks(outlook) == [["freeze"]]
    assert text_of(outlook, Risk.FREEZE) == (
        "The maintenance window freeze is open when it is due, until 12 Jan 2027, 00:00 UTC, and silences"
        " team-a: perform it before 8 Jan 2027, 00:00 UTC"
    )
    (open_now,) = look(
        {"maintenance_windows": [period("2026-11-01T00:00:00", "2027-01-12T00:00:00", window_id="long")]}
    )
    assert text_of(open_now, Risk.FREEZE).endswith("perform it after 12 Jan 2027, 00:00 UTC")
    assert "swallowed_deadline" in risks(open_now)[0]


@pytest.mark.parametrize(
    ("start", "end", "is_frozen"),
    [
        ("2027-01-10T09:00:00", "2027-01-11T00:00:00", True),
        ("2027-01-10T09:00:01", "2027-01-11T00:00:00", False),
        ("2027-01-09T00:00:00", "2027-01-10T09:00:00", False),
        ("2027-01-09T00:00:00", "2027-01-10T09:00:01", True),
    ],
)
def test_a_window_is_half_open_here_too(start: str, end: str, is_frozen: bool) -> None:
    (outlook,) = look({"maintenance_windows": [period(start, end)]})
    assert ("freeze" in risks(outlook)[0]) is is_frozen


def test_a_window_of_one_provider_freezes_nothing() -> None:
    (outlook,) = look({"maintenance_windows": [{**FREEZE, "providers": ["slack"]}]})
    assert risks(outlook) == [[]]


def test_an_absent_owner_is_named_and_a_chain_makes_somebody_reachable() -> None:
    away = {"team-a": {"unavailable_windows": [period("2027-01-09T00:00:00", "2027-01-12T00:00:00")]}}

    (alone,) = look({"owner_calendars": away})
    assert risks(alone) == [["absence", "nobody_reachable"]]
    assert text_of(alone, Risk.ABSENCE).startswith(
        "team-a is absent when it is due until 12 Jan 2027, 00:00 UTC (not available)"
    )
    chain = {"team-a": {"escalation_owner": "lead"}}
    (covered,) = look({"owner_calendars": away, "owner_routes": chain})
    assert risks(covered) == [["absence"]]
    both = {**away, "lead": {"available": False}}
    (uncovered,) = look({"owner_calendars": both, "owner_routes": chain})
    assert text_of(uncovered, Risk.UNREACHABLE).startswith(
        "Nobody can be notified when it is overdue (team-a, lead)"
    )


def test_a_window_and_an_absence_can_swallow_the_deadline_together() -> None:
    window = period("2026-12-20T00:00:00", "2027-01-05T00:00:00", window_id="year-end")
    away = {"team-a": {"unavailable_windows": [period("2027-01-05T00:00:00", "2027-01-13T09:00:00")]}}

    (outlook,) = look({"maintenance_windows": [window], "owner_calendars": away})

    assert risks(outlook)[0][:2] == ["absence", "swallowed_deadline"]
    assert text_of(outlook, Risk.SWALLOWED) == (
        "team-a is first notified 13 Jan 2027, 09:00 UTC, 3 days after it is due: plan it now"
    )
    late = {**window, "start_at": "2026-12-28T00:00:00Z"}  # a day after the owner is notified first
    assert (
        "swallowed_deadline"
        not in risks(look({"maintenance_windows": [late], "owner_calendars": away})[0])[0]
    )
    open_longer = period("2026-12-20T00:00:00", "2027-01-20T00:00:00", providers=["teams"], window_id="x")
    one_way = {**open_longer, "end_at": "2027-01-12T09:00:00Z", "providers": ["slack"]}
    (two_ways,) = look({"maintenance_windows": [open_longer, one_way]})
    assert "first notified 12 Jan 2027, 09:00 UTC, 2 days after" in text_of(two_ways, Risk.SWALLOWED)
    early = {**one_way, "end_at": "2027-01-09T09:00:00Z"}
    assert "swallowed_deadline" not in risks(look({"maintenance_windows": [open_longer, early]})[0])[0]
    (gone,) = look({"owner_calendars": {"team-a": {"available": False, "reason": "left"}}})
    assert "cannot be notified at all" in text_of(gone, Risk.SWALLOWED)


def test_times_are_those_of_the_owner_and_follow_the_clocks() -> None:
    calendars = {"team-a": {"time_zone": "America/New_York"}}
    cadence = {"rrule": "FREQ=WEEKLY;BYDAY=MO", "start": "2027-03-01T10:00", "time_zone": "America/New_York"}

    (outlook,) = look(
        {
            "owner_calendars": calendars,
            "interval_days": None,
            "next_due_at": None,
            "cadence": {**cadence, "rrule": "FREQ=WEEKLY;BYDAY=MO;COUNT=4"},
        },
        now=datetime(2027, 2, 25, tzinfo=UTC),
    )

    assert [each.due for each in outlook.drills] == [
        "1 Mar 2027, 10:00 EST",
        "8 Mar 2027, 10:00 EST",
        "15 Mar 2027, 10:00 EDT",
        "22 Mar 2027, 10:00 EDT",
    ]
    (autumn,) = look({"owner_calendars": {"team-a": {"time_zone": "Europe/Berlin"}}, "next_due_at": DUE})
    assert autumn.drills[0].due == "10 Jan 2027, 10:00 CET"


def test_tickets_and_incidents_carry_no_look_ahead_unless_they_are_asked_for() -> None:
    providers = {"notification_providers": ["pagerduty", "slack", "jira"], "maintenance_windows": [FREEZE]}

    assert [each.provider for each in look(providers)[0].routes] == ["slack"]
    asked = look(providers, requested=frozenset({"jira"}))[0]
    assert [each.provider for each in asked.routes] == ["jira"]
    (silent,) = look({**providers, "notification_providers": ["pagerduty"]})
    assert (silent.routes, len(silent.troubled)) == ((), 1)


def test_a_message_waits_until_one_schedule_lets_its_owner_be_notified() -> None:
    open_now = period("2026-11-30T00:00:00", "2026-12-03T00:00:00")
    longer = {**open_now, "end_at": "2026-12-20T00:00:00Z"}

    (outlook,) = look(
        {"schedule_id": "a", "maintenance_windows": [open_now]},
        {"schedule_id": "b", "maintenance_windows": [longer]},
    )
    assert {each.not_before for each in outlook.routes} == {"2026-12-03T00:00:00+00:00"}
    (gone,) = look({"owner_calendars": {"team-a": {"available": False}}})
    assert {each.not_before for each in gone.routes} == {None}


def test_what_is_excepted_distrusted_or_not_asked_for_is_left_alone() -> None:
    frozen = {"maintenance_windows": [FREEZE]}
    subject = make_subject([DRILL], owners=["team-a"], next_due_at=DUE, interval_days=200, **frozen)
    cycle_id = judged(subject).cycle.cycle_id
    until = Suppression(NOW + timedelta(days=60), "skipped")

    assert risks(look(frozen, excepted={cycle_id: until})[0]) == [[]]
    assert look(frozen, distrusted={"payments": "it shrank"}) == []
    unasked = ScheduleCheck(subject, judged(subject, criteria=Criteria(mode=Mode.DISABLED)))
    assert len(find_outlooks([unasked], PlanRequest(), CRITERIA, now=NOW)) == 1, "a path asks for it"


def test_owners_are_one_in_every_spelling_and_stand_in_order() -> None:
    outlooks = look(
        {"schedule_id": "a", "owners": ["Team-B", "team-a"]}, {"schedule_id": "b", "owners": ["team-b"]}
    )
    assert [(each.owner, each.due_in_90_days) for each in outlooks] == [("team-a", 1), ("Team-B", 2)]


QUIET = st.tuples(st.integers(0, 17), st.integers(1, 12)).map(
    lambda each: period(
        (DUE_AT - timedelta(days=15) + timedelta(days=each[0])).isoformat()[:19],
        (DUE_AT - timedelta(days=15) + timedelta(days=sum(each))).isoformat()[:19],
    )
)


@given(st.lists(QUIET, max_size=3), st.lists(QUIET, max_size=3))
def test_a_deadline_is_swallowed_exactly_if_no_check_of_any_hour_notifies_the_owner_before(
    windows: list[dict[str, Any]], absences: list[dict[str, Any]]
) -> None:
    written = {
        "owners": ["team-a"],
        "next_due_at": DUE,
        "interval_days": 200,
        "maintenance_windows": windows,
        "owner_calendars": {"team-a": {"unavailable_windows": absences}},
    }
    subject = make_subject([DRILL], **written)
    (outlook,) = look(written)
    hours = int(CRITERIA.due_soon / timedelta(hours=1))
    checks = (
        planned(subject, now=DUE_AT - timedelta(hours=each)).route_decisions for each in range(hours, -1, -1)
    )

    is_notified = any(each.action is Action.DELIVER for decisions in checks for each in decisions)

    assert ("swallowed_deadline" in risks(outlook)[0]) is not is_notified
