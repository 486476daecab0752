"""The trace of a decision says what the decision itself says, for every rule."""

from datetime import timedelta
from typing import Any

import pytest

from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.notifications.sent_notification import Suppression
from rollback_drills.planning.explanation import QUESTIONS, Explanation, explain
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.suppression_rules import ROUTE_RULES, SCHEDULE_RULES
from rollback_drills.readiness.criteria import Criteria
from tests.samples.builders import DRILL, NOW, judged, make_subject

SOON = (NOW + timedelta(days=3)).isoformat()
LATE = (NOW - timedelta(days=3)).isoformat()
FREEZE = {
    "window_id": "freeze",
    "reason": "no changes",
    "start_at": (NOW - timedelta(days=1)).isoformat(),
    "end_at": "2026-12-02T00:00:00Z",
}


def explained(request: PlanRequest | None = None, drills: Any = None, **schedule: Any) -> Explanation:
    request = request or PlanRequest()
    subject = make_subject(drills or [], **{"next_due_at": SOON, **schedule})
    check = ScheduleCheck(subject, judged(subject))
    check.plan_at_once(request, now=NOW)
    found = explain(check, request, Criteria(), now=NOW)
    assert [(each.action, each.category, each.reason) for each in found.routes] == [
        (str(each.action), each.category, each.reason) for each in check.decisions
    ]
    for each in found.routes:
        decides = [answer.decides for answer in each.answers]
        assert decides.count(True) == (each.action == "suppress")
        assert not any(decides[:-1])
        assert each.answers[-1].answer == each.reason or each.action == "deliver"
    return found


def test_every_rule_has_a_question() -> None:
    assert set(QUESTIONS) == {*SCHEDULE_RULES, *ROUTE_RULES}


def test_who_is_notified_has_passed_every_rule() -> None:
    for each in explained().routes:
        assert len(each.answers) == len(QUESTIONS)
        assert each.change == "nothing has to change: the owner is notified"


def test_the_rule_that_decides_comes_last_and_says_what_would_change_it() -> None:
    healthy = explained(next_due_at=(NOW + timedelta(days=40)).isoformat()).routes[0]
    assert healthy.answers[-1].rule == "healthy"
    assert healthy.change == "notified from 27 Dec 2026, 09:00 UTC on, when the drill is due soon"

    frozen = explained(maintenance_windows=[FREEZE]).routes[0]
    assert frozen.answers[-1].rule == "in_window"
    assert frozen.change == "can be notified from 2 Dec 2026, 00:00 UTC on"

    away = explained(owner_calendars={"team-a": {"available": False, "reason": "left"}}).routes
    assert [each.answers[-1].rule for each in away if each.owner == "team-a"] == ["absent"] * 2
    assert away[0].change == "no end of the absence is known: edit the calendar of the owner"
    assert {each.action for each in away if each.owner == "team-b"} == {"deliver"}

    distrusted = explained(PlanRequest(distrusted={"payments": "drills vanished"})).routes[0]
    assert [answer.rule for answer in distrusted.answers] == ["distrusted"]
    assert distrusted.answers[0].answer == "the drill history is not trusted: drills vanished"

    cycle_id = explained().cycle_id
    waived = {cycle_id: Suppression(NOW + timedelta(days=2), "waived by the board")}
    assert explained(PlanRequest(excepted=waived)).routes[0].answers[-1].rule == "excepted"


def test_drills_are_listed_from_the_newest_on_and_say_why_they_do_not_count() -> None:
    failed = {**DRILL, "drill_id": "failed", "executed_at": "2026-11-25T09:00:00Z", "status": "fail"}
    future = {**DRILL, "drill_id": "future", "executed_at": "2027-01-01T09:00:00Z"}
    found = explained(drills=[DRILL, failed, future])
    assert [(each.drill_id, each.accepted) for each in found.drills] == [
        ("future", False),
        ("failed", False),
        ("drill-1", True),
    ]
    assert found.drills[0].problems == (
        "executed_at is 2027-01-01T09:00:00+00:00; a drill cannot be in the future",
    )
    assert found.drills[1].problems == ('status is "fail"; must be "pass"',)


def test_a_schedule_that_cannot_be_read_has_no_known_due_time_and_its_drills_no_windows() -> None:
    subject = Subject(parse_document(Schedule, b"{", "fleet/ledger.json"), make_subject([DRILL]).history)
    check = ScheduleCheck(subject, judged(subject))
    check.plan_at_once(PlanRequest(), now=NOW)
    found = explain(check, PlanRequest(), Criteria(), now=NOW)
    assert found.due_because == "not known: the schedule cannot be read"
    assert [(each.drill_id, each.windows) for each in found.drills] == [("drill-1", ())]


def test_a_drill_names_the_windows_in_which_it_was_performed() -> None:
    then = {**FREEZE, "start_at": "2026-11-20T00:00:00Z", "end_at": "2026-11-21T00:00:00Z"}
    others = [FREEZE, {**then, "window_id": "other", "schedule_ids": ["search"]}]
    undated = {**DRILL, "drill_id": "undated", "executed_at": None}
    found = explained(drills=[DRILL, undated], maintenance_windows=[then, *others])
    assert [(each.drill_id, each.executed_at, each.windows) for each in found.drills] == [
        ("drill-1", "2026-11-20T09:00:00+00:00", ("freeze",)),
        ("undated", "", ()),
    ]


@pytest.mark.parametrize(
    ("schedule", "because"),
    [
        ({}, "written as $.next_due_at; due_policy is explicit, so no drill moves it"),
        ({"next_due_at": None}, "30 days after drill-1 of 2026-11-20T09:00:00+00:00"),
        ({"due_policy": "after_completion"}, "30 days after drill-1 of 2026-11-20T09:00:00+00:00"),
        (
            {"due_policy": "fixed_sequence"},
            "the first of every 30 days from 2026-12-04T09:00:00+00:00 on that no accepted drill has met",
        ),
        (
            {
                "interval_days": None,
                "next_due_at": None,
                "cadence": {"once_per": "quarter", "start": "2026-01-01", "time_zone": "Europe/Berlin"},
            },
            "the first due time of once per quarter (Europe/Berlin) that no accepted drill has met",
        ),
    ],
)
def test_it_is_said_where_the_due_time_comes_from(schedule: dict[str, Any], because: str) -> None:
    assert explained(drills=[DRILL], **schedule).due_because == because


def test_without_drills_a_due_time_is_the_written_one_or_not_known() -> None:
    found = explained(due_policy="after_completion")
    assert found.due_because == "written as $.next_due_at; no drill is accepted yet"
    assert explained(next_due_at=None).due_because.startswith("not known: $.next_due_at is missing")


def test_drills_alone_do_not_make_a_fixed_sequence_due() -> None:
    found = explained(drills=[DRILL], due_policy="fixed_sequence", next_due_at=None)
    assert found.next_due_at == ""
    assert found.due_because == "not known: $.next_due_at is missing"
