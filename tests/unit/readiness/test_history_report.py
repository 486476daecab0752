from datetime import timedelta
from typing import Any

import pytest

from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.subject import Subject
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.reports import HistoryReport
from rollback_drills.readiness.states import Mode
from tests.samples.builders import DRILL, NOW, check_of, judged, make_subject, written

TICK = timedelta(microseconds=1)


def report(*drills: dict[str, Any], criteria: Criteria | None = None) -> HistoryReport:
    """Judge a history of the given drills."""
    return judged(make_subject(list(drills)), criteria=criteria).history_report


def test_an_accepted_and_fresh_drill_passes_every_check() -> None:
    found = report(dict(DRILL))

    assert found.status == "ready"
    assert {each.status for each in found.checks} == {"pass"}
    assert [each.id for each in found.checks] == [
        "go_rollback_drill_history_requested",
        "go_rollback_drill_history_file",
        "go_rollback_drill_latest_passed",
        "go_rollback_drill_disabled_target",
        "go_rollback_drill_fallback_verified",
        "go_rollback_drill_recovery_sla",
        "go_rollback_drill_freshness",
    ]


@pytest.mark.parametrize(
    ("changes", "check_id", "finding"),
    [
        ({"status": "fail"}, "latest_passed", '$.drills[1].status is "fail"; must be "pass"'),
        (
            {"target_mode": "shadow"},
            "disabled_target",
            '$.drills[1].target_mode is "shadow"; must be "disabled"',
        ),
        ({"fallback_verified": False}, "fallback_verified", "$.drills[1].fallback_verified is false"),
        (
            {"recovery_minutes": 15.001},
            "recovery_sla",
            "$.drills[1].recovery_minutes is 15.001, max_recovery_minutes is 15",
        ),
        ({"recovery_minutes": None}, "recovery_sla", "$.drills[1].recovery_minutes is missing"),
        ({"max_recovery_minutes": None}, "recovery_sla", "max_recovery_minutes is missing"),
        ({"runbook_ref": ""}, "history_file", "$.drills[1].runbook_ref is missing; name the runbook"),
        ({"evidence_refs": []}, "history_file", "$.drills[1].evidence_refs is missing; name the evidence"),
        (
            {"executed_at": (NOW + timedelta(minutes=5) + TICK).isoformat()},
            "freshness",
            '$.drills[1].executed_at is "2026-12-01T09:05:00.000001+00:00"',
        ),
    ],
)
def test_each_criterion_that_the_latest_drill_misses_is_told_with_file_place_and_value(
    changes: dict[str, Any], check_id: str, finding: str
) -> None:
    latest = {**DRILL, "executed_at": "2026-11-25T09:00:00Z", **changes}
    found = report(dict(DRILL), {key: value for key, value in latest.items() if value is not None})

    assert found.status == "needs_attention"
    warning = check_of(found, check_id)
    assert warning.status == "warn"
    assert warning.message.startswith("history.json: $.drills[1]")
    assert finding in warning.message
    assert check_of(found, "history_file").status == "warn"
    assert found.history.drill_count == 2


def test_recovery_may_take_exactly_as_long_as_allowed() -> None:
    assert report({**DRILL, "recovery_minutes": 15}).status == "ready"


@pytest.mark.parametrize(
    ("age", "days", "fresh"),
    [
        (timedelta(days=90) - TICK, 90, True),
        (timedelta(days=90), 90, True),
        (timedelta(days=90) + TICK, 90, False),
        (timedelta(0), 0, True),
        (TICK, 0, False),
        (-timedelta(minutes=5), 90, True),
        (-timedelta(minutes=5) - TICK, 90, False),
    ],
    ids=["before", "at the bound", "after", "no age, none allowed", "a tick, none allowed", "skew", "future"],
)
def test_a_drill_is_fresh_to_the_microsecond(age: timedelta, days: int, fresh: bool) -> None:
    drill = {**DRILL, "executed_at": (NOW - age).isoformat()}

    found = report(drill, criteria=Criteria(max_age_days=days))

    assert found.history.fresh is fresh
    assert check_of(found, "freshness").status == ("pass" if fresh else "warn")


def test_the_latest_drill_is_the_latest_instant_and_not_the_last_line() -> None:
    east = {**DRILL, "drill_id": "east", "executed_at": "2026-11-21T01:00:00+14:00"}
    west = {**DRILL, "drill_id": "west", "executed_at": "2026-11-20T23:00:00-11:00"}
    undated = {key: value for key, value in DRILL.items() if key != "executed_at"}

    assert report(west, east, undated).history.latest_drill_id == "west"
    assert report(undated, east).history.latest_executed_at == "2026-11-20T11:00:00+00:00"


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"{", "history.json: is not JSON"),
        (
            written({"schema_version": "v0", "drills": [DRILL]}),
            '$.schema_version is "v0"; must be "rollback-drills.',
        ),
        (written({"schema_version": "cavra.go-backend-rollback-drill-history.v1"}), "$.drills is empty"),
        (written({"drills": [{**DRILL, "executed_at": "soon"}]}), '$.drills[0].executed_at is "soon"'),
        (written({"drills": [{**DRILL, "fallback": True}]}), "$.drills[0].fallback is an unknown key"),
        (written({"drills": [{**DRILL, "recovery_minutes": -1}]}), "$.drills[0].recovery_minutes is -1"),
    ],
)
def test_a_history_that_says_nothing_usable_needs_attention_in_every_check(data: bytes, finding: str) -> None:
    source = parse_document(History, data, "history.json")
    found = judged(Subject(make_subject().schedule, source)).history_report

    assert found.status == "needs_attention"
    assert finding in check_of(found, "history_file").message
    assert found.history.valid is False


@pytest.mark.parametrize("mode", list(Mode))
def test_without_a_path_a_history_is_asked_for_only_when_promoted(mode: Mode) -> None:
    found = judged(Subject(None, None), criteria=Criteria(mode)).history_report

    assert found.status == ("needs_attention" if mode is Mode.PROMOTED else "not_requested")
    assert {each.status for each in found.checks[1:]} == {"warn"}


def test_a_timestamp_without_an_offset_is_a_warning_and_no_failure() -> None:
    found = report({**DRILL, "executed_at": "2026-11-20T09:00:00"})

    assert found.status == "ready"
    warning = check_of(found, "history_timestamps")
    assert warning.message.startswith("history.json: read as UTC")
    assert warning.message.endswith("$.drills[0].executed_at")
