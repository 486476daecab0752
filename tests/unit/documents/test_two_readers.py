"""The quick and the careful reader of documents against each other; `make chaos` has the same at length."""

import json
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.fleets.json_lines import read_records
from rollback_drills.documents.history import Drill, History
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from tests.samples.builders import DRILL, written
from tests.samples.examples import examples
from tests.samples.two_readers import (
    HISTORY,
    ROUTED_SCHEDULE,
    SCHEDULE,
    assert_one_reading_of_a_document,
    assert_one_reading_of_a_timestamp,
    make_document,
    make_timestamp,
)

SEEDS = st.integers(0, 2**64)


@pytest.mark.slow
@settings(max_examples=examples(1_000))
@given(SEEDS)
def test_both_readers_read_a_timestamp_as_the_same_instant(seed: int) -> None:
    assert_one_reading_of_a_timestamp(make_timestamp(Random(seed)))


@pytest.mark.slow
@settings(max_examples=examples(1_000))
@given(SEEDS)
def test_both_readers_read_the_same_document(seed: int) -> None:
    assert_one_reading_of_a_document(*make_document(Random(seed)))


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS)
def test_a_record_has_the_documents_that_its_parts_are(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    schedule, history = (
        make(random).replace("\n", " ") for make in (random.choice([ROUTED_SCHEDULE, SCHEDULE]), HISTORY)
    )
    path = tmp_path / "fleet.jsonl"
    path.write_text(f'{{"schedule": {schedule}, "history": {history}}}\n')

    ((read, read_history),) = read_records(str(path))

    if "is there twice" in read.problem and "#" not in read.path:
        return
    assert read_history
    assert read.document == parse_document(Schedule, schedule.encode(), "x").document
    assert read_history.document == parse_document(History, history.encode(), "x").document
    assert (read.path, read_history.path) == ("fleet.jsonl:1#schedule", "fleet.jsonl:1#history")


def test_drills_of_a_record_share_their_words(tmp_path: Path) -> None:
    path = tmp_path / "fleet.jsonl"
    line = json.dumps({"schedule": {"schedule_id": "a"}, "history": {"drills": [DRILL, DRILL]}})
    path.write_text(f"{line}\n{line}\n")

    drills = [
        drill
        for _, history in read_records(str(path))
        for drill in (history.document.drills if history and history.document else ())
    ]

    assert len(drills) == 4
    assert len({id(drill.actor) for drill in drills}) == 1
    assert all(drill == msgspec.convert(dict(DRILL), Drill) for drill in drills)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-05T09:00:00.123456789Z", "2026-11-05T09:00:00.123457+00:00"),
        ("2026-11-05 09:00:00.123456789", "2026-11-05T09:00:00.123457+00:00"),
        ("20261105T090000,123456789Z", "2026-11-05T09:00:00.123457+00:00"),
        ("2026-11-05T09:00:00.1234564999Z", "2026-11-05T09:00:00.123456+00:00"),
        ("2026-11-05T10:00:00.1234565+01", "2026-11-05T09:00:00.123457+00:00"),
        ("2026-12-31T23:59:59.9999999", "2027-01-01T00:00:00+00:00"),
        ("2026-11-05t09:00:00z", "2026-11-05T09:00:00+00:00"),
        ("2026-11-05t09:00z", "2026-11-05T09:00:00+00:00"),
        ("2026-11-05T24:00:00Z", "2026-11-06T00:00:00+00:00"),
        ("2026-12-31 24:00", "2027-01-01T00:00:00+00:00"),
        ("20261105T240000,000+0100", "2026-11-05T23:00:00+00:00"),
        ("2026-11-05T09:00:00-09:59", "2026-11-05T18:59:00+00:00"),
        ("2026-11-05 09:00:00 +0100", "2026-11-05T08:00:00+00:00"),
        ("2026-W45-4T09:00:00.5 Z", "2026-11-05T09:00:00.500000+00:00"),
    ],
)
def test_a_timestamp_has_one_value_however_it_is_spelt(text: str, instant: str) -> None:
    found = read_instant(text)[0]

    assert found == datetime.fromisoformat(instant)
    for neighbour in ("2026-08-05T09:00:00Z", "2026-08-05 09:00:00"):
        drills = [{**DRILL, "executed_at": text}, {**DRILL, "executed_at": neighbour}]
        document = parse_document(History, written({"drills": drills}), "history.json").document
        assert document
        assert document.drills[0].executed_at == found


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-05T24:00:01Z", "2026-11-05T24:30Z", "2026-11-05T25:00Z"),
        *("2026-11-05T09:00:00+00:60", "2026-11-05T09:00:00-0199", "2026-11-05T09:00:00+01:00:60"),
        *("2026-11-05T09:00:00.Z", "2026-11-05T09:00:00,+01:00", "9999-12-31T24:00:00Z"),
    ],
)
def test_what_only_some_versions_of_python_read_is_no_timestamp(text: str) -> None:
    problem = parse_document(Schedule, written({"next_due_at": text}), "x").problem

    assert f'$.next_due_at is "{text}"; must be an ISO 8601 timestamp' in problem


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-05+01:00", "2026-11-05-05:00", "2026-11-05_09:00:00Z", "2026-11-05é09:00:00Z"),
        *("2026-11-05T09:00.5Z", "2026-11-05T09,5", "20261105T0900.5Z", "2026-11-05T09:00:00x+01:00"),
        *("2026-11-05T09:00:00  Z", "2026-11-05  09:00:00Z", "2026-11-05T09:00:00Z\n"),
    ],
)
def test_what_python_reads_as_another_time_than_it_says_is_no_timestamp(text: str) -> None:
    """A day with an offset would be the time of the offset, and half a minute half a second."""
    problem = parse_document(Schedule, written({"next_due_at": text}), "x").problem

    assert "must be an ISO 8601 timestamp" in problem


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.9999999Z", "9999-12-31 23:59:59.9999999"])
def test_what_is_rounded_out_of_the_calendar_is_refused(text: str) -> None:
    problem = parse_document(Schedule, written({"next_due_at": text}), "x").problem

    assert "years 1 to 9999" in problem


ABSENT = [
    (Schedule, '{"schedule_id": "a"%s}', name)
    for name in ("environment", "interval_days", "next_due_at", "due_policy", "owners", "owner_routes")
] + [
    (History, '{"drills": [{"drill_id": "a"%s}]}', name)
    for name in (
        "executed_at",
        "status",
        "fallback_verified",
        "evidence_refs",
        "report_sha256",
        "participants",
    )
]


@pytest.mark.parametrize(("model", "text", "name"), ABSENT)
def test_null_is_as_good_as_absent_for_every_key(model: type[Any], text: str, name: str) -> None:
    loaded = parse_document(model, (text % f', "{name}": null').encode(), "x")

    assert loaded.document, loaded.problem
    assert loaded == parse_document(model, (text % "").encode(), "x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"next_due": null}', "$.next_due is an unknown key; did you mean 'next_due_at'?"),
        ('{"owner_routes": {"a": {"provider": null}}}', "$.owner_routes.a.provider is an unknown key"),
        ('{"owner_routes": {"https://u:p@h": null}}', "a key that must not be shown"),
        ('{"owners": ["a", null]}', "$.owners[1] is null; must be a text"),
        ('{"owner_routes": [{"owners": null}]}', "$.owner_routes[0].owners is missing; it is needed"),
        ("null", "$ is null; must be a JSON object"),
        ('{"closed_at": "0001-01-01T00:00:00Z"}', "$.closed_at is an unknown key"),
    ],
)
def test_null_hides_no_mistake(text: str, problem: str) -> None:
    assert problem in parse_document(Schedule, text.encode(), "x").problem


ZERO_TIMES = ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00", "0001-01-01 00:00:00", "0001-01-01"]


@pytest.mark.parametrize("zero", ZERO_TIMES)
def test_the_zero_time_of_go_is_no_time(zero: str) -> None:
    schedule = parse_document(Schedule, written({"schedule_id": "a", "next_due_at": zero}), "x")
    drill = {
        **DRILL,
        "executed_at": zero,
        "reviewed_at": zero,
        "findings": [{"finding_id": "f", "closed_at": zero}],
    }
    history = parse_document(History, written({"drills": [drill]}), "x")
    window = {"start_at": zero, "end_at": "2026-01-01T00:00:00Z"}
    policy = parse_document(RoutingPolicy, written({"maintenance_windows": [window]}), "x")

    assert schedule == parse_document(Schedule, written({"schedule_id": "a"}), "x")
    assert history.document
    assert history.document.drills[0].executed_at is None
    assert history.document.drills[0].reviewed_at is None
    assert history.document.drills[0].findings[0].closed_at is None
    assert "$.maintenance_windows[0].start_at and end_at are both needed" in policy.problem


def test_a_time_near_the_zero_time_is_a_time() -> None:
    loaded = parse_document(Schedule, written({"next_due_at": "0001-01-01T00:00:00.000001Z"}), "x")

    assert loaded.document
    assert loaded.document.next_due_at
