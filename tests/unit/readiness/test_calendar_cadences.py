"""Schedules whose due times follow the calendar, judged as a whole."""
# ruff: noqa: E501 - a line for each example

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import DRILL, SCHEDULE, judged, make_subject, written

MONTHLY = {"rrule": "FREQ=MONTHLY;BYDAY=1TU", "start": "2026-01-06T10:00", "time_zone": "Europe/Berlin"}


def judge(cadence: dict[str, Any], *drills: str, now: str, **schedule: Any) -> Judgement:
    history: list[Mapping[str, Any]] = [
        {**DRILL, "drill_id": f"drill-{each}", "executed_at": f"{each}T12:00:00Z"} for each in drills
    ]
    subject = make_subject(history, interval_days=None, next_due_at=None, cadence=cadence, **schedule)
    return judged(subject, now=datetime.fromisoformat(now).replace(tzinfo=UTC))


def test_a_schedule_is_due_when_its_rule_says_so() -> None:
    found = judge(MONTHLY, "2026-11-05", now="2026-11-20")
    assert (found.readiness, found.schedule.next_due_at) == (Readiness.DUE_SOON, "2026-12-01T09:00:00+00:00")
    assert found.schedule.interval_days is None
    assert found.schedule.cadence_valid
    assert judge(MONTHLY, "2026-09-20", now="2026-11-20").readiness is Readiness.NEEDS_ATTENTION
    assert (
        judge(MONTHLY, "2026-11-05", "2026-11-19", now="2026-11-20").schedule.next_due_at
        == "2027-01-05T09:00:00+00:00"
    )


def test_a_cadence_that_has_ended_asks_for_nothing() -> None:
    found = judge({**MONTHLY, "rrule": "FREQ=MONTHLY;COUNT=2"}, "2026-02-10", now="2026-11-20")
    assert (found.readiness, found.schedule.next_due_at) == (Readiness.READY, "")
    assert found.schedule.message == "the cadence has ended; no drill is due any more"
    assert found.schedule_report.operator_notes[0] == f"Nothing to do: {found.schedule.message}."
    assert not found.schedule.stale
    assert isinstance(found.schedule.cadence, msgspec.Struct)
    assert found.schedule.cadence.has_ended


def test_a_daily_rule_may_have_begun_long_ago() -> None:
    cadence = {"rrule": "FREQ=DAILY", "start": "1970-01-01T09:00", "time_zone": "Europe/Berlin"}
    found = judge(cadence, "2026-11-19", now="2026-11-20")
    assert (found.readiness, found.schedule.next_due_at) == (Readiness.DUE_SOON, "2026-11-20T08:00:00+00:00")
    assert judge(cadence, now="2026-11-20").schedule.next_due_at == "1970-01-01T08:00:00+00:00"


def test_a_rule_that_leaves_the_calendar_names_the_remedy() -> None:
    cadence = {"rrule": "FREQ=DAILY", "start": "9900-12-31", "time_zone": "UTC"}
    found = judge(cadence, "9901-01-01", now="9901-01-02")
    assert found.readiness is Readiness.NEEDS_ATTENTION
    assert found.schedule.message.endswith(
        "$.cadence has no due time before the year 9900; let it start earlier"
    )


def test_the_report_says_how_the_due_time_was_found_and_with_which_data() -> None:
    berlin = {"berlin": {"holidays": "DE-BE"}}
    shift = {"to": "next_business_day", "calendar": "berlin"}
    facts = judge({**MONTHLY, "shift": shift}, now="2026-11-20", calendars=berlin).schedule.cadence
    assert isinstance(facts, msgspec.Struct)
    assert facts.description.endswith("(Europe/Berlin), moved to the next business day of berlin")
    assert facts.time_zone_data
    assert facts.holiday_data

    plain = judge(MONTHLY, now="2026-11-20").schedule.cadence
    assert isinstance(plain, msgspec.Struct)
    assert plain.holiday_data == ""


def test_a_schedule_of_days_has_no_such_section() -> None:
    facts = judged(make_subject([DRILL]), now=datetime(2026, 11, 20, tzinfo=UTC)).schedule
    assert "cadence" not in msgspec.to_builtins(facts)


@pytest.mark.parametrize(
    ("further", "problem"),
    [
        ({"interval_days": 30}, "has both interval_days and cadence; keep one of them"),
        ({"next_due_at": "2026-01-01T00:00:00Z"}, "leave out next_due_at"),
        ({"due_policy": "after_completion"}, "leave out due_policy"),
        ({"cadence": {**MONTHLY, "shift": {"to": "next_business_day", "calendar": "x"}}}, "not in calendars; there are: none"),
        ({"cadence": {**MONTHLY, "timezone": "UTC"}}, "$.cadence.timezone is an unknown key; did you mean 'time_zone'?"),
        ({"cadence": {**MONTHLY, "rrule": "FREQ=HOURLY"}}, "$.cadence.rrule has the FREQ HOURLY; must be one of"),
        ({"cadence": {**MONTHLY, "shift": {"to": "monday", "calendar": "x"}}}, "must be one of next_business_day,"),
    ],
)  # fmt: skip
def test_a_cadence_that_does_not_fit_is_one_line_with_its_place(
    further: dict[str, Any], problem: str
) -> None:
    document = {**SCHEDULE, "interval_days": None, "next_due_at": None, "cadence": MONTHLY, **further}
    found = parse_document(Schedule, written(document), "schedule.json").problem
    assert problem in found
    assert "\n" not in found
