"""Results by HTTP: recorded once for each drill, by those whose token may."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rollback_drills.database.connections import Database
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills_api.flow_runs import Ran
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import DRILLS, Keys, client_of
from tests.api.test_refusals import check_problem
from tests.samples.builders import open_key
from tests.samples.plain_records import as_record, start_record
from tests.samples.recorded_by_run import record_as_the_flow_does

RUN = "0691f5a2-8a0e-7f3c-8000-2b1c5d8e9f01"
AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
BODY: Mapping[str, Any] = {
    "schedule_id": "payments",
    "drill_id": "payments-7",
    "executed_at": AT.isoformat(),
    "status": "pass",
    "fallback_verified": True,
    "recovery_minutes": 7,
    "max_recovery_minutes": 15,
    "evidence_refs": ["go-rollback-drill://ci/run-2"],
}


class Runs(list[Mapping[str, Any]]):
    """The parameters of the runs that were started."""

    fails_after = False


@pytest.fixture
def runs(options: ApiOptions, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Play the flow that records."""
    started = Runs()

    def play(name: str, parameters: Mapping[str, Any], *, timeout_seconds: float) -> Ran:
        assert name == "record-drill"
        started.append(parameters)
        own = {each: value for each, value in parameters.items() if each not in ("schedule", "history")}
        try:
            recorded = record_as_the_flow_does(options.settings, options.database_url, own, RUN)
        except DrillsError as error:
            return Ran(RUN, str(error), is_completed=False, result=None)
        return Ran(RUN, recorded.drill.drill_id, is_completed=not started.fails_after, result=None)

    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play)
    return started


@pytest.fixture
def pipeline(options: ApiOptions, keys: Keys, runs: Runs) -> Iterator[TestClient]:
    """Ask with a token of the scope `record`."""
    with client_of(options) as opened:
        opened.headers |= keys.header("recorder")
        yield opened


def drills_of(options: ApiOptions) -> list[dict[str, Any]]:
    assert options.settings.history
    found: list[dict[str, Any]] = json.loads(Path(options.settings.history).read_text())["drills"]
    return found


def test_a_drill_is_recorded_once_however_often_it_arrives(
    pipeline: TestClient, options: ApiOptions, runs: Runs
) -> None:
    first = pipeline.post(DRILLS, json={**BODY, "generated_by": "nightly"})
    second = pipeline.post(DRILLS, json=BODY)

    assert (first.status_code, second.status_code) == (201, 200), first.text
    assert first.json() == second.json()
    assert (first.json()["accepted"], first.json()["problems"]) == (True, [])
    assert first.json()["metadata"]["signer"] == "nightly via recorder"
    assert [each["drill_id"] for each in drills_of(options)] == ["drill-1", "payments-7"]
    assert len(runs) == 1


def test_a_drill_without_a_time_was_performed_when_it_arrived(
    options: ApiOptions, pipeline: TestClient, runs: Runs
) -> None:
    body = {name: value for name, value in BODY.items() if name not in ("drill_id", "executed_at")}

    answer = pipeline.post(DRILLS, json=body)

    assert answer.status_code == 201, answer.text
    assert answer.json()["drill"] in drills_of(options)


def test_drills_that_a_first_version_recorded_are_no_obstacle(
    pipeline: TestClient, options: ApiOptions
) -> None:
    start = start_record(DRILL_KIND, "rcd-drill-1", created_at=AT, signer="cli")
    earlier = {**start, "schedule_id": "payments", "drill_id": "drill-1", "accepted": True, "drill": {}}
    assert pipeline.post(DRILLS, json=BODY).status_code == 201
    append(Database.open(options.database_url), [as_record(earlier)], open_key)

    assert pipeline.post(DRILLS, json=BODY).status_code == 200


def test_a_drill_that_only_the_history_has_gets_its_evidence(
    pipeline: TestClient, options: ApiOptions, runs: Runs
) -> None:
    assert pipeline.post(DRILLS, json=BODY).status_code == 201
    database = Path(options.database_url.removeprefix("sqlite:///"))
    for each in database.parent.glob(f"{database.name}*"):
        each.unlink()
    with client_of(options) as again:
        answer = again.post(DRILLS, json=BODY, headers=pipeline.headers)

    assert (answer.status_code, len(runs)) == (200, 2)
    assert answer.json()["metadata"]["drill_id"] == "payments-7"


def test_the_same_drill_under_another_id_is_refused(pipeline: TestClient, runs: Runs) -> None:
    pipeline.post(DRILLS, json=BODY)

    problem = check_problem(pipeline.post(DRILLS, json={**BODY, "drill_id": "payments-8"}), 409)

    assert problem["detail"] == (
        'the history: $.drills[1] ("payments-7") is the same drill; nothing was written'
    )
    assert len(runs) == 1


def test_another_drill_of_the_same_id_is_refused_with_what_differs(
    pipeline: TestClient, options: ApiOptions, runs: Runs
) -> None:
    pipeline.post(DRILLS, json=BODY)
    other = {**BODY, "status": "fail", "recovery_minutes": 9, "further": {"scenario": "region lost"}}

    problem = check_problem(pipeline.post(DRILLS, json=other), 409)

    assert problem["detail"] == (
        'the history: $.drills[1] is "payments-7" already, and differs: status "pass" is recorded, and "fail"'
        " was sent; recovery_minutes 7 is recorded, and 9 was sent; scenario nothing is recorded, and"
        ' "region lost" was sent; nothing was written'
    )
    assert len(runs) == 1
    assert len(drills_of(options)) == 2


def test_a_drill_that_is_recorded_counts_even_if_a_notification_was_not_delivered(
    pipeline: TestClient, runs: Runs
) -> None:
    runs.fails_after = True

    answer = pipeline.post(DRILLS, json={**BODY, "status": "fail"})

    assert answer.status_code == 201
    assert answer.json()["accepted"] is False
    assert answer.json()["problems"] == ['status is "fail"; must be "pass"']


@pytest.mark.parametrize(
    ("change", "status", "detail"),
    [
        ({"schedule_id": "nobody"}, 404, "there is no schedule of this id"),
        ({"executed_at": "soon"}, 422, "$.executed_at is"),
        ({"executed_at": (AT + timedelta(days=1)).isoformat()}, 422, "$.executed_at is"),
        ({"further": {"status": "pass"}}, 422, "$.status is given, and $.status in the object"),
        ({"further": {"finding": []}}, 422, "$.further: $.finding is an unknown key"),
        ({"actor": "see https://intern.example.com"}, 422, "$.actor holds"),
        ({"status": "passed"}, 422, ""),
        ({"drill_id": None}, 422, ""),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_a_run_is_started(
    pipeline: TestClient, runs: Runs, change: Mapping[str, Any], status: int, detail: str
) -> None:
    problem = check_problem(pipeline.post(DRILLS, json={**BODY, **change}), status)

    assert problem["detail"].startswith(detail)
    assert runs == []


@pytest.mark.parametrize(
    ("schedule", "history", "body", "detail"),
    [
        (
            {"due_policy": "after_completion"},
            None,
            {"advance": True},
            "$.advance does not fit schedule.json: with $.due_policy after_completion drills move",
        ),
        ({}, "{", {}, "history.json: is not JSON: it ends too early"),
        ({}, "", {}, "history.json: is empty; a JSON object is needed; nothing was written"),
        ({}, '{"drills": []}', {}, 'history.json: $.schema_version is missing; must be "'),
        (
            {"status": 1},
            None,
            {"schedule_id": "schedule.json"},
            "schedule.json: $.status is 1; must be a text",
        ),
    ],
)
def test_documents_that_take_no_drill_are_named_before_a_run_is_started(
    options: ApiOptions,
    pipeline: TestClient,
    runs: Runs,
    schedule: Mapping[str, Any],
    history: str | None,
    body: Mapping[str, Any],
    detail: str,
) -> None:
    assert options.settings.schedule
    assert options.settings.history
    path = Path(options.settings.schedule)
    path.write_text(json.dumps(json.loads(path.read_text()) | schedule))
    if history is not None:
        Path(options.settings.history).write_text(history)

    problem = check_problem(pipeline.post(DRILLS, json={**BODY, **body}), 422)

    assert problem["detail"].startswith(detail)
    assert runs == []


def test_a_history_in_yaml_is_named_before_a_run_is_started(
    options: ApiOptions, keys: Keys, runs: Runs
) -> None:
    from msgspec.structs import replace

    assert options.settings.history
    history = Path(options.settings.history)
    yaml = history.rename(history.with_suffix(".yaml"))  # JSON is YAML too
    with client_of(options, settings=replace(options.settings, history=str(yaml))) as client:
        problem = check_problem(client.post(DRILLS, json=BODY, headers=keys.header("recorder")), 422)

    assert problem["detail"].startswith("history.yaml is YAML, which is edited by hand; add the drill there")
    assert runs == []


def test_a_schedule_without_a_history_is_refused(options: ApiOptions, keys: Keys, runs: Runs) -> None:
    from msgspec.structs import replace

    with client_of(options, settings=replace(options.settings, history=None)) as client:
        problem = check_problem(client.post(DRILLS, json=BODY, headers=keys.header("recorder")), 422)

    assert problem["detail"].startswith("$.schedule_id has no drill history in a file of its own")


@pytest.mark.parametrize(("who", "status"), [("reader", 403), ("operateer", 403), ("adminer", 201)])
def test_only_those_who_may_record_or_do_everything_can(
    options: ApiOptions, keys: Keys, runs: Runs, who: str, status: int
) -> None:
    with client_of(options) as client:
        answer = client.post(DRILLS, json=BODY, headers=keys.header(who))

    assert answer.status_code == status


def test_a_token_to_record_can_do_nothing_else(pipeline: TestClient) -> None:
    assert pipeline.get(DRILLS).status_code == 403
    problem = check_problem(pipeline.get("/console"), 403)
    assert problem["detail"] == "this needs a token of the scope read; that of recorder is record"
