from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.readiness.acceptance import is_accepted
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import find_due
from rollback_drills.readiness.states import Mode, Readiness, worst
from tests.samples.builders import DRILL, NOW, check_of, judged, make_subject

TICK = timedelta(microseconds=1)
DUE = datetime(2026, 12, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        pytest.param(DUE - timedelta(days=14) - TICK, "ready", id="before the bound of due soon"),
        pytest.param(DUE - timedelta(days=14), "due_soon", id="at the bound of due soon"),
        pytest.param(DUE - TICK, "due_soon", id="before due"),
        pytest.param(DUE, "due_soon", id="at the due instant"),
        pytest.param(DUE + TICK, "needs_attention", id="a microsecond late is late"),
    ],
)
def test_the_state_changes_exactly_at_its_bounds(now: datetime, state: str) -> None:
    assert judged(make_subject(next_due_at=DUE.isoformat()), now=now).readiness == state


@pytest.mark.parametrize(
    ("written", "late"),
    [
        pytest.param("2026-03-29T01:59:59+01:00", True, id="last second of winter time"),
        pytest.param("2026-03-29T03:00:00+02:00", False, id="first second of summer time"),
        pytest.param("2026-10-25T02:30:00+02:00", True, id="half past two, the first time"),
        pytest.param("2026-10-25T02:30:00+01:00", False, id="half past two, the second time"),
    ],
)
def test_offsets_are_compared_as_instants_on_both_days_of_clock_change(written: str, late: bool) -> None:
    now = (
        datetime(2026, 3, 29, 1, tzinfo=UTC) if "03-29" in written else datetime(2026, 10, 25, 1, tzinfo=UTC)
    )

    assert judged(make_subject(next_due_at=written), now=now).schedule.stale is late


@pytest.mark.parametrize(
    "change",
    [
        {"status": "fail"},
        {"target_mode": "shadow"},
        {"fallback_verified": False},
        {"recovery_minutes": 15.1},
        {"recovery_minutes": None},
        {"max_recovery_minutes": None},
        {"evidence_refs": []},
        {"runbook_ref": ""},
        {"executed_at": (NOW + timedelta(minutes=5) + TICK).isoformat()},
        {"executed_at": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_only_an_accepted_drill_moves_the_due_instant(change: dict[str, Any]) -> None:
    accepted = {**DRILL, "executed_at": "2026-11-05T09:00:00Z"}
    later = {**DRILL, "executed_at": "2026-11-25T09:00:00Z", **change}
    later = {key: value for key, value in later.items() if value is not None}

    due = find_due(make_subject([later, accepted], next_due_at=None), now=NOW)

    assert due == datetime(2026, 12, 5, 9, tzinfo=UTC)


def test_five_minutes_of_clock_skew_are_allowed() -> None:
    drill = {**DRILL, "executed_at": (NOW + timedelta(minutes=5)).isoformat()}

    assert find_due(make_subject([drill], next_due_at=None), now=NOW) == NOW + timedelta(days=30, minutes=5)


@pytest.mark.parametrize(
    ("executed_at", "interval", "due"),
    [
        ("2028-01-30T12:00:00Z", 30, "2028-02-29T12:00:00+00:00"),
        ("2026-03-28T12:00:00+01:00", 1, "2026-03-29T11:00:00+00:00"),
        ("9999-12-30T00:00:00Z", 30, None),
    ],
    ids=["leap day", "days are of 24 hours", "beyond the year 9999"],
)
def test_an_interval_is_added_to_the_instant(executed_at: str, interval: int, due: str | None) -> None:
    drill = {**DRILL, "executed_at": executed_at}
    subject = make_subject([drill], next_due_at=None, interval_days=interval)

    found = find_due(subject, now=datetime(9999, 12, 31, tzinfo=UTC))

    assert (found and found.isoformat()) == due


@pytest.mark.parametrize(
    ("age", "fresh"), [(timedelta(days=90), True), (timedelta(days=90) + TICK, False)], ids=["at", "over"]
)
def test_a_drill_is_fresh_up_to_the_exact_bound(age: timedelta, fresh: bool) -> None:
    report = judged(make_subject([{**DRILL, "executed_at": (NOW - age).isoformat()}])).history_report

    assert report.history.fresh is fresh
    assert report.status == ("ready" if fresh else "needs_attention")


@pytest.mark.parametrize(
    ("changes", "check_id", "finding"),
    [
        ({"status": "paused"}, "schedule_active", '$.status is "paused"; must be "active"'),
        ({"interval_days": 0}, "schedule_cadence", "$.interval_days is 0; must be"),
        ({"interval_days": -3}, "schedule_cadence", "$.interval_days is -3; must be"),
        ({"interval_days": None}, "schedule_cadence", "$.interval_days is missing; must be"),
        ({"owners": []}, "notification_routes", "$.owners is missing; name at least one"),
        ({"notification_providers": []}, "notification_routes", "$.notification_providers is missing"),
        ({"next_due_at": None}, "schedule_next_due", "$.next_due_at is missing"),
        ({"schema_version": "v0"}, "schedule_file", '$.schema_version is "v0"; must be "rollback-drills.'),
        ({"runbook_ref": ""}, "schedule_file", "$.runbook_ref is missing; name the runbook"),
        ({"schedule_id": ""}, "schedule_file", "$.schedule_id is missing; give"),
    ],
)
def test_a_finding_in_the_content_names_file_place_and_value_and_keeps_the_rest(
    changes: dict[str, Any], check_id: str, finding: str
) -> None:
    report = judged(make_subject(**{"next_due_at": "2027-06-01T00:00:00Z", **changes})).schedule_report

    assert report.status == "needs_attention"
    check = check_of(report, check_id)
    assert check.status == "warn"
    assert check.message.startswith("schedule.json: ")
    assert finding in check.message
    assert check_of(report, "schedule_file").status == "warn"
    assert report.schedule.environment == "production"


@pytest.mark.parametrize(
    ("written", "reported"), [(0, None), (-3, None), (-0.5, None), (None, None), (30, 30), (0.5, 0.5)]
)
def test_an_unusable_cadence_is_reported_as_null_as_in_the_reference(
    written: float | None, reported: float | None
) -> None:
    judgement = judged(make_subject(next_due_at="2027-06-01T00:00:00Z", interval_days=written))

    section = judgement.schedule
    assert section.interval_days == reported
    assert section.cadence_valid is (reported is not None)


def test_a_timestamp_without_an_offset_is_a_warning_and_no_failure() -> None:
    report = judged(make_subject(next_due_at="2027-06-01T00:00:00")).schedule_report

    assert report.status == "ready"
    warning = check_of(report, "schedule_timestamps")
    assert warning.status == "warn"
    assert "$.next_due_at" in warning.message


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.DISABLED, "not_requested"), (Mode.PROMOTED, "needs_attention")]
)
def test_nothing_configured_matters_only_when_promoted(mode: Mode, state: str) -> None:
    judgement = judged(Subject(None, None), criteria=Criteria(mode))

    assert judgement.readiness == state
    assert judgement.history_report.status == state


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("", "not_requested"),
        ("not_requested ready", "ready"),
        ("ready due_soon", "due_soon"),
        ("due_soon needs_attention ready not_requested", "needs_attention"),
    ],
)
def test_a_fleet_is_as_its_most_pressing_schedule(states: str, expected: str) -> None:
    assert worst(map(Readiness, states.split())) == expected


def test_a_drill_without_a_time_is_not_accepted() -> None:
    history = make_subject([{**DRILL, "executed_at": None}]).history
    assert history is not None
    assert history.document is not None

    assert not is_accepted(history.document.drills[0], now=NOW)


def test_a_sequence_that_has_its_beginning_is_not_asked_for_it() -> None:
    judgement = judged(make_subject(due_policy="fixed_sequence", status="paused"))

    assert "$.status" in judgement.schedule.message
    assert not any("next_due_at is missing" in str(each) for each in judgement.schedule_report.checks)


def test_all_checks_of_a_retired_schedule_pass_and_say_why_where_they_would_not() -> None:
    report = judged(
        make_subject([], status="retired", runbook_ref="", next_due_at="2026-11-01T09:00:00")
    ).schedule_report

    retired = 'the schedule is retired: $.status is "retired"'
    assert {each.status for each in report.checks} == {"pass"}
    assert check_of(report, "go_rollback_drill_schedule_active").message == retired
    assert check_of(report, "go_rollback_drill_schedule_not_stale").message == retired
    assert check_of(report, "schedule_timestamps").message == retired
    assert (
        check_of(report, "go_rollback_drill_schedule_cadence").message
        == "it is known how often drills are due"
    )
    assert report.operator_notes == (f"Nothing is asked for: {retired}.",)


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"next_due_at": "2027-03-01T09:00:00Z"}, "Nothing to do before 2027-03-01T09:00:00+00:00."),
        (
            {"next_due_at": "2026-12-05T09:00:00Z"},
            "Perform the drill of docs/runbook.md before 2026-12-05T09:00:00+00:00.",
        ),
        (
            {"next_due_at": "2026-11-05T09:00:00Z"},
            "schedule.json: the drill was due 2026-11-05T09:00:00+00:00",
        ),
    ],
)
def test_the_first_note_says_what_to_do(changes: dict[str, Any], note: str) -> None:
    assert judged(make_subject(**changes)).schedule_report.operator_notes[0].startswith(note)


def test_nobody_has_to_do_anything_where_nothing_is_configured() -> None:
    (note,) = judged(Subject(None, None)).schedule_report.operator_notes

    assert note == "Nothing is asked for: name a schedule, or set the mode to promoted."


def test_every_check_of_an_unusable_schedule_says_why_it_cannot_be_judged() -> None:
    unusable: Loaded[Schedule] = Loaded("schedule.json", problem="schedule.json: is empty; write one")
    report = judged(Subject(unusable, None)).schedule_report

    first, *others = report.checks
    assert (first.id, first.status) == ("go_rollback_drill_schedule_requested", "pass")
    assert {(each.status, each.message) for each in others} == {("warn", unusable.problem)}
    assert report.operator_notes == (unusable.problem,)
