"""Recording a drill on a real Prefect server: the flow, and the command with its evidence."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, State
from prefect.flows import load_flow_from_entrypoint
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from flows.drill_check import drill_check
from flows.record_drill import record_drill
from rollback_drills.database.connections import Database
from rollback_drills.evidence.record_kinds import DRILL_KIND, RETEST_KIND
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills_cli.main import app
from tests.samples.builders import DRILL
from tests.samples.plain_records import read_plain

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
SCHEDULE: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
    "schedule_id": "payments",
    "environment": "production",
    "status": "active",
    "interval_days": 30,
    "next_due_at": (NOW - 2 * DAY).isoformat(),
    "due_policy": "after_completion",
    "owners": ["payments-team"],
    "notification_providers": ["webhook"],
    "runbook_ref": "docs/runbook.md",
}
HISTORY: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-history.v1",
    "drills": [{**DRILL, "executed_at": (NOW - 40 * DAY).isoformat()}],
}
ACCEPTED: Mapping[str, Any] = {
    "status": "pass",
    "fallback_verified": True,
    "recovery_minutes": 7,
    "max_recovery_minutes": 15,
    "evidence_refs": ["go-rollback-drill://ci/run-2"],
}


@pytest.fixture
def paths(tmp_path: Path, url: str, receiver: HTTPServer) -> dict[str, str]:
    """Return an overdue schedule and its history."""
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE, indent=2))
    (tmp_path / "history.json").write_text(json.dumps(HISTORY, indent=2))
    return {"schedule": str(tmp_path / "schedule.json"), "history": str(tmp_path / "history.json")}


def run(paths: Mapping[str, str], **parameters: Any) -> State[Any]:
    state: State[Any] = record_drill(**paths, **parameters, return_state=True)
    return state


def result_of(state: State[Any]) -> dict[str, Any]:
    found: Any = state.result(raise_on_failure=False)
    result: dict[str, Any] = found.result if isinstance(found, DeliveryFailedError) else found
    return result


def told(receiver: HTTPServer) -> list[tuple[str, str]]:
    return [
        (body["reason"], body["title"]) for body in (json.loads(request.data) for request, _ in receiver.log)
    ]


def drills_in(paths: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(paths["history"]).read_text())["drills"]
    return found


def evidence(url: str, kind: str) -> list[dict[str, Any]]:
    return read_plain(Database.open(url), kind)


def test_an_accepted_drill_is_recorded_and_everybody_who_was_told_hears_of_it(
    paths: dict[str, str], url: str, receiver: HTTPServer
) -> None:
    drill_check(**paths, return_state=True)

    state = run(paths, **ACCEPTED, drill_id="drill-2", further={"participants": [{"name": "team-a"}]})

    assert (state.type.value, state.name) == ("COMPLETED", "Ready"), state.message
    assert state.message
    assert state.message.startswith(
        "drill-2 is recorded and accepted; payments is ready; changed; notifications delivered: 1"
    )
    assert [reason for reason, _ in told(receiver)] == ["first", "resolved"]
    assert told(receiver)[1][1] == "Rollback drill performed: payments (production)"
    result = result_of(state)
    assert result["record"]["closes_cycle"] is True
    assert result["record"]["cycle_id"] != result["plan"]["cycle_id"]
    assert result["record"]["next_due_at"] == result["plan"]["next_due_at"]
    assert [each["drill_id"] for each in drills_in(paths)] == ["drill-1", "drill-2"]
    assert drills_in(paths)[1]["participants"] == [{"name": "team-a"}]
    assert [each["drill_id"] for each in evidence(url, DRILL_KIND)] == ["drill-2", "drill-1"]


def test_a_drill_that_is_not_accepted_opens_a_retest_and_a_later_check_writes_nothing_twice(
    paths: dict[str, str], url: str, receiver: HTTPServer
) -> None:
    state = run(paths, status="fail", executed_at=NOW - DAY, drill_id="drill-2")

    assert (state.type.value, state.name) == ("COMPLETED", "NotAccepted")
    due_at = (NOW + 13 * DAY).isoformat()
    assert state.message
    assert state.message.startswith("drill-2 is recorded and not accepted: evidence_refs is missing")
    assert f"; to be performed again by {due_at}; payments needs attention" in state.message
    assert [reason for reason, _ in told(receiver)] == ["first"]
    drill_check(**paths, return_state=True)
    (retest,) = evidence(url, RETEST_KIND)
    assert (retest["drill_id"], retest["retest_due_at"]) == ("drill-2", due_at)
    assert len(evidence(url, DRILL_KIND)) == 2


def test_a_check_opens_the_retest_of_a_drill_that_was_written_by_hand(
    paths: dict[str, str], url: str
) -> None:
    failed = {**DRILL, "drill_id": "by-hand", "executed_at": (NOW - DAY).isoformat(), "status": "fail"}
    Path(paths["history"]).write_text(json.dumps({**HISTORY, "drills": [*HISTORY["drills"], failed]}))

    drill_check(**paths, return_state=True)

    (retest,) = evidence(url, RETEST_KIND)
    assert (retest["drill_id"], retest["signer"]) == ("by-hand", "drill-check")


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"status": "pass", "actor": "me@team.example.com"}, "actor holds an e-mail address, which"),
        ({"status": "pass", "further": {"scenaro": ""}}, "further: $.scenaro is an unknown key"),
        ({"status": "pass", "drill_id": "drill-1"}, '"drill-1" already'),
        ({"status": "pass", "schedule_id": "search"}, 'schedule_id "search" is not in'),
        ({"status": "pass", "advance": True}, "drills move the due time"),
        ({"status": "pass", "as_of": NOW + DAY}, "as_of is in the future; write a time that has passed"),
    ],
    ids=[
        *("private text", "an unknown key", "recorded already", "no such schedule", "no use in advancing"),
        "in the future",
    ],
)
def test_what_is_wrong_fails_the_run_before_anything_is_written(
    paths: dict[str, str], url: str, parameters: dict[str, Any], problem: str
) -> None:
    state = run(paths, **parameters)

    assert state.is_failed()
    assert problem in (state.message or "")
    assert len(drills_in(paths)) == 1
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_a_receiver_that_is_down_fails_the_run_and_the_drill_stays_recorded(
    paths: dict[str, str], url: str, receiver: HTTPServer
) -> None:
    drill_check(**paths, return_state=True)
    receiver.clear()
    receiver.expect_request("/webhook").respond_with_data("no", status=400)

    state = run(paths, **ACCEPTED, retries=0)

    assert state.is_failed()
    assert "is recorded and accepted; could not deliver through webhook" in (state.message or "")
    assert result_of(state)["record"]["accepted"] is True
    assert len(drills_in(paths)) == len(evidence(url, DRILL_KIND)) == 2


def test_of_a_fleet_only_the_schedule_of_the_drill_is_checked(
    tmp_path: Path, paths: dict[str, str], url: str, receiver: HTTPServer
) -> None:
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    for name in ("payments", "search"):
        (fleet / f"{name}-schedule.json").write_text(json.dumps({**SCHEDULE, "schedule_id": name}))
        (fleet / f"{name}-history.json").write_text(json.dumps(HISTORY))

    state = run({"schedule": str(fleet)}, **ACCEPTED, schedule_id="search")

    assert result_of(state)["plan"]["schedule_id"] == "search"
    assert {each["schedule_id"] for each in evidence(url, DRILL_KIND)} == {"search"}


def test_the_command_writes_the_evidence_and_delivers_when_asked_to(
    paths: dict[str, str], url: str, receiver: HTTPServer
) -> None:
    drill_check(**paths, return_state=True)
    words = ["record", "--schedule", paths["schedule"], "--history", paths["history"], "--status", "pass"]
    words += ["--fallback-verified", "--recovery-minutes", "7", "--max-recovery-minutes", "15"]

    done = CliRunner().invoke(
        app, [*words, "--evidence-ref", "go-rollback-drill://ci/2", "--deliver", "--json"]
    )

    assert done.exit_code == 0, (done.output, done.exception)
    document = json.loads(done.stdout)
    assert document["closes_cycle"] is True
    assert document["run"]["delivery"]["success"] is True
    assert [reason for reason, _ in told(receiver)] == ["first", "resolved"]
    assert [each["signer"] for each in evidence(url, DRILL_KIND)] == ["cli", "drill-check"]


def test_the_entrypoint_of_the_deployment_loads_with_a_form_that_explains_itself() -> None:
    flow: Flow[Any, Any] = load_flow_from_entrypoint(
        "flows/record_drill.py:record_drill", use_placeholder_flow=False
    )

    assert flow.name == "record-drill"
    assert all(each.get("description") for each in flow.parameters.properties.values())
    assert flow.parameters.properties["status"]["enum"] == ["pass", "fail"]
    assert flow.parameters.required == ["status"]


def test_the_same_drill_twice_is_one_drill_and_another_one_of_its_id_is_refused(
    paths: dict[str, str], url: str, receiver: HTTPServer
) -> None:
    said = {**ACCEPTED, "drill_id": "drill-2", "executed_at": NOW}

    states = [run(paths, **said) for _ in range(2)]
    other = run(paths, **{**said, "recovery_minutes": 8})

    assert [each.name for each in states] == ["Ready", "Ready"]
    assert [result_of(each)["record"]["is_new"] for each in states] == [True, False]
    assert states[1].message
    assert states[1].message.startswith("drill-2 was recorded before and accepted; payments is ready")
    assert other.type.value == "FAILED"
    assert other.message
    assert "differs: recovery_minutes 7 is recorded, and 8 was sent; nothing was written" in other.message
    assert [each["drill_id"] for each in drills_in(paths)] == ["drill-1", "drill-2"]
    assert len([each for each in evidence(url, DRILL_KIND) if each["drill_id"] == "drill-2"]) == 1
