"""Exit code 2 only where nothing was sent or written."""

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from pytest_httpserver import HTTPServer

from flows.drill_check import drill_check
from rollback_drills.database.connections import Database
from rollback_drills.errors import effects
from rollback_drills.notifications.states import State
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills_cli.main import main
from tests.samples.builders import SCHEDULE

pytestmark = pytest.mark.usefixtures("prefect_server")
FULL = Path("/dev/full")


@pytest.fixture
def schedule(tmp_path: Path) -> str:
    """Write an overdue schedule that is sent through the webhook."""
    document = {**SCHEDULE, "owners": ["payments-team"], "notification_providers": ["webhook"]}
    document |= {"owner_routes": {}, "maintenance_windows": [], "owner_calendars": {}}
    (tmp_path / "schedule.json").write_text(json.dumps(document))
    return str(tmp_path / "schedule.json")


def fill(url: str) -> None:
    """Let the evidence take nothing more, as on a full disk."""
    with Database.open(url).write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )


def drills(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a command as a process of its own would, and return its exit code."""
    monkeypatch.setattr(effects._noted, "count", 0)
    monkeypatch.setattr(sys, "argv", ["drills", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def deliver(monkeypatch: pytest.MonkeyPatch, schedule: str, *more: str) -> int:
    """Run `drills deliver` when the drill is overdue."""
    return drills(
        monkeypatch,
        "deliver",
        "--schedule",
        schedule,
        "--now",
        "2026-12-01T09:00:00Z",
        "--retries",
        "0",
        *more,
    )


def test_a_full_disk_after_messages_have_left_is_exit_code_1(
    url: str,
    schedule: str,
    receiver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(url)

    assert deliver(monkeypatch, schedule) == 1

    assert len(receiver.log) == 1
    said = capsys.readouterr().err
    assert "disk is full" in said
    assert "the run had begun to deliver: `drills outbox list` shows what was sent" in said
    assert "Traceback" not in said


def test_a_server_that_goes_away_after_messages_have_left_is_exit_code_1(
    url: str, schedule: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: Any, **__: Any) -> None:
        raise httpx.ConnectError("all connection attempts failed")

    monkeypatch.setattr("flows.check.publishing.publish_artifacts", lose)

    assert deliver(monkeypatch, schedule) == 1
    assert len(receiver.log) == 1


@pytest.mark.skipif(not FULL.exists(), reason="no full device here")
@pytest.mark.parametrize(
    "arguments",
    [
        ["connectors", "test", "webhook"],
        ["api-token", "revoke", "ci"],
        ["automations", "apply", "--notify", "webhook"],
        ["evidence", "export", "export"],
        ["console", "--out", "console"],
    ],
    ids=" ".join,
)
def test_what_was_done_before_the_output_was_full_is_exit_code_1(
    arguments: list[str], url: str, schedule: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(schedule).parent)
    assert deliver(monkeypatch, schedule) == 0
    assert drills(monkeypatch, "api-token", "create", "ci", "--scope", "read") == 0

    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert drills(monkeypatch, *arguments) == 1

    assert effects.count_effects() > 0
    with get_client(sync_client=True) as client:
        for each in client.read_automations():
            client.delete_automation(each.id)


@pytest.mark.parametrize(
    "more", [["--provider", "slcak"], ["--routing-policy", "missing.json"], ["--due-soon-days", "soon"]]
)
def test_a_mistake_of_the_caller_is_exit_code_2_and_nothing_was_written(
    more: list[str], url: str, schedule: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver(monkeypatch, schedule, *more) == 2

    assert (receiver.log, effects.count_effects()) == ([], 0)


def test_a_database_that_cannot_be_used_is_exit_code_2(
    schedule: str, receiver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evidence.db").write_bytes(b"this is no database " * 100)
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")

    assert deliver(monkeypatch, schedule) == 2
    assert receiver.log == []


def test_the_last_line_of_a_delivery_names_what_waits_and_what_died(
    url: str,
    schedule: str,
    receiver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    receiver.clear_all_handlers()
    receiver.expect_request("/webhook").respond_with_data("no", status=422)
    for _ in range(2):
        assert deliver(monkeypatch, schedule) == 1

        (item,), _ = find_rows(Database.open(url), OutboxFilter(states=[State.PERMANENT]))
        last = capsys.readouterr().out.strip().splitlines()[-1]
        assert f"1 dead letter: {item.notification_id} (webhook, to payments-team: answered 422" in last


def test_a_run_says_that_it_had_begun_only_if_it_had(url: str, schedule: str, receiver: HTTPServer) -> None:
    fill(url)

    begun = drill_check(schedule=schedule, return_state=True)
    refused = drill_check(schedule=schedule, provider="slcak", return_state=True)

    assert "the run had begun to deliver" in (begun.message or "")
    assert "the run had begun to deliver" not in (refused.message or "")
