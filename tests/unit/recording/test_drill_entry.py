"""What people and pipelines say of a drill, and what is made of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.errors import UsageError
from rollback_drills.recording.drill_entry import (
    NOTHING,
    Entry,
    build_drill,
    drill_to_wire,
    read_entry,
    read_fields,
)
from tests.samples.builders import DRILL, NOW
from tests.unit.documents.test_drill_fields import ASKED_FOR

TICK = timedelta(microseconds=1)


def built(entry: Entry = NOTHING, *, now: datetime = NOW, **fields: Any) -> Drill:
    given = read_fields(fields)
    return build_drill(entry, given, schedule_id="payments", runbook_ref="docs/runbook.md", now=now)


def entry_of(document: Any) -> Entry:
    return read_entry(json.dumps(document).encode(), "--drill -")


def test_what_goes_without_saying_is_filled_in() -> None:
    drill = built(status="pass")

    assert drill.executed_at == NOW
    assert drill.target_mode == "disabled"
    assert drill.runbook_ref == "docs/runbook.md"
    assert drill.drill_id.startswith("payments-20261201-")
    assert not drill.fallback_verified


def test_what_is_said_is_not_overruled() -> None:
    said = {**DRILL, "target_mode": "shadow", "runbook_ref": "docs/other.md", "fallback_verified": False}

    assert drill_to_wire(built(**said)) == {**said, "executed_at": "2026-11-20T09:00:00+00:00"}
    assert built(entry_of(said)) == built(**said)


def test_an_object_and_fields_complete_each_other() -> None:
    drill = built(entry_of({"actor": "release-agent"}), status="fail", recovery_minutes=3)

    assert (drill.actor, drill.status, drill.recovery_minutes) == ("release-agent", "fail", 3)


def test_a_field_that_is_given_twice_is_refused_also_if_both_say_the_same() -> None:
    with pytest.raises(UsageError, match=r"status is given, and \$.status in the object; keep one of them"):
        built(entry_of({"status": "pass"}), status="pass")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "status is missing; must be pass or fail"),
        ({"status": "passed"}, 'status is "passed"; must be pass or fail'),
        ({"status": "pass", "recovery_minutes": -1}, "recovery_minutes is -1; must be a number, at least 0"),
        ({"status": "pass", "recovery_minutes": float("nan")}, "recovery_minutes is NaN; must be a finite"),
        ({"status": "pass", "executed_at": "today"}, 'executed_at is "today"; must be an ISO 8601'),
        (
            {"status": "pass", "executed_at": (NOW + timedelta(minutes=5) + TICK).isoformat()},
            "executed_at is 2026-12-01T09:05:00.000001+00:00; a drill cannot be in the future",
        ),
        ({"status": "pass", "actor": "me@corp.example.com"}, "actor holds an e-mail address, which"),
        (
            {"status": "pass", "evidence_refs": ["x", "https://ci/1"]},
            "evidence_refs[1] holds a URL, which a published document must not name; leave it out",
        ),
        ({"status": "pass", "actor": "a\nb"}, "actor holds a control character (U+000A)"),
        ({"status": "pass", "approved_by": "\u202ebob"}, "approved_by holds an invisible character (U+202E)"),
        (
            {"status": "pass", "participants": [{"name": "\u200b"}]},
            "participants holds an invisible character",
        ),
        ({"status": "pass", "participants": [{"name": ""}]}, 'participants[0].name is ""'),
        ({"status": "pass", "report_sha256": "ABC"}, 'report_sha256 is "ABC"; must be'),
    ],
)
def test_a_wrong_field_is_named_without_its_path(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError) as refused:
        built(**fields)
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "--drill -: is empty; a JSON object is needed"),
        (b"{", "--drill -: is not JSON"),
        (b"[]", "--drill -: $ is []; must be a JSON object"),
        (b'{"statsu": "pass"}', "--drill -: $.statsu is an unknown key; did you mean 'status'?"),
        (b'{"findings": [{}]}', "--drill -: $.findings[0].finding_id is missing; it is needed"),
        (b'{"actor": "token=abc"}', "--drill -: $.actor holds what looks like a credential"),
        (b'{"executed_at": 5}', "--drill -: $.executed_at is 5; must be"),
    ],
)
def test_a_wrong_object_is_told_with_its_json_path(data: bytes, problem: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_entry(data, "--drill -")
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-29T01:30:00+01:00", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        ("2026-03-29T03:00:00+02:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-10-25T02:30:00+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
    ],
    ids=["before spring", "after spring", "first half past two", "second half past two", "without an offset"],
)
def test_instants_are_written_in_utc(written: str, instant: datetime) -> None:
    drill = built(status="pass", executed_at=written)

    assert drill.executed_at == instant
    assert drill_to_wire(drill)["executed_at"] == instant.isoformat()


def test_five_minutes_of_clock_skew_are_allowed() -> None:
    latest = NOW + timedelta(minutes=5)

    assert built(status="pass", executed_at=latest.isoformat()).executed_at == latest


def test_the_same_drill_has_the_same_name_and_another_one_another() -> None:
    at = "2026-11-20T09:00:00Z"
    name = built(status="pass", executed_at=at).drill_id

    assert built(status="pass", executed_at=at, now=NOW + timedelta(hours=1)).drill_id == name
    assert built(status="pass", executed_at=at, actor="me").drill_id != name


def test_a_name_can_be_published_whatever_the_schedule_is_called() -> None:
    for schedule_id in ("Payments API (EU)", "x" * 200, "日程", "A1b2" * 20):
        drill = build_drill(
            NOTHING,
            read_fields({"status": "pass"}),
            schedule_id=schedule_id,
            runbook_ref="r",
            now=NOW,
        )
        data = json.dumps({"drills": [drill_to_wire(drill)]}).encode()
        assert parse_document(History, data, "history.json").document, schedule_id


@pytest.mark.slow
@given(st.sets(st.sampled_from(sorted({**DRILL, **ASKED_FOR}))))
def test_what_is_written_is_read_back_as_the_same_drill(names: set[str]) -> None:
    drill = built(**{"status": "fail", **{name: {**DRILL, **ASKED_FOR}[name] for name in names}})

    data = json.dumps({"drills": [drill_to_wire(drill)]}).encode()

    found = parse_document(History, data, "history.json").document
    assert found
    assert found.drills == (drill,)
