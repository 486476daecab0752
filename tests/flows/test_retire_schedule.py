"""Retiring a schedule as a run, on a real Prefect server, with real HTTP over loopback."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from prefect import State
from pytest_httpserver import HTTPServer

from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from flows.grant_exception import grant_exception
from flows.request_exception import request_exception
from flows.retire_schedule import retire_schedule
from tests.flows.test_follow_up_in_runs import data_of
from tests.samples.builders import SCHEDULE

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write two overdue schedules."""
    found = tmp_path / "schedules"
    found.mkdir()
    for name in ("payments", "search"):
        due = (NOW - timedelta(days=1)).isoformat()
        routes = {"owners": [f"{name}-team"], "notification_providers": ["webhook"]}
        document = {**SCHEDULE, **routes, "schedule_id": name, "next_due_at": due}
        (found / f"{name}.json").write_text(json.dumps(document))
    monkeypatch.setenv("DRILLS_SCHEDULE", str(found))
    return found


def follow_up() -> State[Any]:
    state: State[Any] = escalate_unacknowledged(retries=0, return_state=True)
    return state


def titles(receiver: HTTPServer) -> list[str]:
    return [json.loads(request.data)["title"] for request, _ in receiver.log if request.path == "/webhook"]


def test_a_cycle_whose_document_is_gone_fails_the_follow_up_until_it_is_retired(
    url: str, receiver: HTTPServer, folder: Path
) -> None:
    drill_check(return_state=True)
    (folder / "payments.json").unlink()

    lost = follow_up()

    assert lost.is_failed()
    assert lost.message is not None
    assert "its document is gone; restore it, or run: drills retire --schedule-id payments" in lost.message
    assert {each["schedule_id"]: each["document_gone"] for each in data_of(lost)["cycles"]} == {
        "payments": True,
        "search": False,
    }

    refused = retire_schedule("payments", "gone", "Maria", requested_by="maria", return_state=True)
    assert refused.is_failed()
    retired = retire_schedule("payments", "the backend is gone", "board", return_state=True)
    assert (retired.name, retired.message) == ("Retired", "payments is retired by board")

    healthy = follow_up()
    assert healthy.name == "Healthy", healthy.message
    assert [each["schedule_id"] for each in data_of(healthy)["cycles"]] == ["search"]
    assert titles(receiver)[-1] == "Rollback drill no longer needed: payments"


def test_a_check_fails_once_if_a_schedule_is_gone_that_nobody_retired(
    url: str, receiver: HTTPServer, folder: Path
) -> None:
    later = (NOW + timedelta(days=20)).isoformat()
    for name in ("ledger", "billing"):
        document = {
            **SCHEDULE,
            "schedule_id": name,
            "next_due_at": later,
            "notification_providers": ["webhook"],
        }
        (folder / f"{name}.json").write_text(json.dumps(document))
    drill_check(return_state=True)
    retire_schedule("billing", "the backend is gone", "board", return_state=True)
    drill_check(return_state=True)
    (folder / "billing.json").unlink()
    assert not drill_check(return_state=True).is_failed()
    written = (folder / "ledger.json").read_text()
    (folder / "ledger.json").write_text("{")
    assert not drill_check(return_state=True).is_failed()
    (folder / "ledger.json").write_text(written)
    assert not drill_check(return_state=True).is_failed()

    (folder / "ledger.json").write_text(written.replace('"ledger"', '"Ledger"'))
    assert not drill_check(return_state=True).is_failed()

    (folder / "ledger.json").unlink()
    lost, after = drill_check(return_state=True), drill_check(return_state=True)

    assert lost.is_failed()
    assert "1 schedule is gone, and nobody retired it: Ledger; restore the documents" in str(lost.message)
    assert not after.is_failed()


def test_a_check_of_a_file_that_was_cut_off_names_what_it_lacks(
    url: str, receiver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last line cannot be read, and is no more than one of those that are missing."""
    later = (NOW + timedelta(days=20)).isoformat()
    lines = [json.dumps({**SCHEDULE, "schedule_id": name, "next_due_at": later}) for name in "abcd"]
    path = tmp_path / "fleet.jsonl"
    path.write_text("\n".join(lines))
    monkeypatch.setenv("DRILLS_SCHEDULE", str(path))
    assert not drill_check(return_state=True).is_failed()

    path.write_text("\n".join([*lines[:3], lines[3][:40]]))
    assert not drill_check(return_state=True).is_failed(), "the last one may be what cannot be read"
    path.write_text("\n".join(lines))
    assert not drill_check(return_state=True).is_failed()
    path.write_text("\n".join([lines[0], lines[1][:40]]))

    assert "3 schedules are gone, and nobody retired them: b, c, d" in str(
        drill_check(return_state=True).message
    )


def test_a_check_names_the_schedules_that_a_killed_one_has_lost(
    url: str, receiver: HTTPServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill_check(return_state=True)
    (folder / "payments.json").unlink()
    with monkeypatch.context() as killed:
        killed.setattr("flows.check.process.publish", Mock(side_effect=SystemExit))
        for _ in range(2):
            with pytest.raises(SystemExit):
                drill_check(return_state=True)

    lost, after = drill_check(return_state=True), drill_check(return_state=True)

    assert "1 schedule is gone, and nobody retired it: payments" in str(lost.message)
    assert not after.is_failed()


def test_a_server_that_does_not_say_how_the_last_run_ended_stops_no_check(
    url: str, receiver: HTTPServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill_check(return_state=True)
    (folder / "payments.json").unlink()
    assert drill_check(return_state=True).is_failed()
    refused = Mock(side_effect=httpx.ConnectError("refused"))
    monkeypatch.setattr("tasks.lost_schedules.get_client", refused)

    again = drill_check(return_state=True)

    assert refused.called
    assert "1 schedule is gone, and nobody retired it: payments" in str(again.message)


def test_a_check_leaves_a_schedule_alone_that_was_retired_by_approval(
    url: str, receiver: HTTPServer, folder: Path
) -> None:
    (folder / "search.json").unlink()
    retired = retire_schedule("payments", "the backend is gone", "board", return_state=True)
    assert retired.is_completed(), retired.message

    checked = drill_check(return_state=True)

    assert checked.name == "NotRequested", checked.message
    assert titles(receiver) == []
    wish = {"exception": "skip", "until": NOW + timedelta(days=3), "reason": "a freeze"}
    for asked in (
        request_exception(**wish, requested_by="maria", return_state=True),
        grant_exception(**wish, approver="board", return_state=True),
    ):
        assert asked.is_failed()
        assert str(asked.message).startswith(
            'schedule_id is "payments", and the schedule was retired by board'
        )
    restored = retire_schedule("payments", "it is back", "board", restore=True, return_state=True)
    assert restored.name == "Restored"
    assert drill_check(return_state=True).name == "NeedsAttention"
