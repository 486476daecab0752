"""`drills alarm-path`: what it prints, and with which exit code; it sends nothing without `--send`."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.followup.alarm_paths.alarm_path_findings import AlarmPathDrill, MissedDrill
from rollback_drills.followup.alarm_paths.alarm_path_records import record_missed
from rollback_drills.notifications.states import State
from rollback_drills_cli.main import app
from tests.samples.builders import NOW, SCHEDULE, open_key


@pytest.fixture
def schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a schedule, and name a database that is not there."""
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps({**SCHEDULE, "owner_routes": {"team-b": {"providers": ["mail"]}}}))
    return path


def run(schedule: Path, *options: str) -> Any:
    """Run the command."""
    command = ["alarm-path", "--schedule", str(schedule), "--now", NOW.isoformat(), *options]
    return CliRunner().invoke(app, command)


def test_the_routes_are_listed_and_nothing_is_written(schedule: Path, tmp_path: Path) -> None:
    done = run(schedule)

    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "3 routes of 2 owners; no findings."
    document = json.loads(run(schedule, "--json").stdout)
    assert document["schema_version"] == "rollback-drills.alarm-path-drill.v1"
    assert [(each["owner"], each["provider"]) for each in document["routes"]] == [
        ("team-a", "slack"),
        ("team-a", "teams"),
        ("team-b", "mail"),
    ]
    assert document["acknowledge_within_hours"] == 24
    assert not (tmp_path / "evidence.db").exists()


def test_a_route_that_reaches_nobody_ends_with_1_here_and_is_on_the_dashboard(
    schedule: Path, tmp_path: Path
) -> None:
    drill = AlarmPathDrill(
        *("gordmsg-1", "session", "gordcycle-1", "gordroute-1", "team-b", "mail"),
        *(State.DELIVERED, "", NOW - timedelta(days=2), NOW - timedelta(days=2)),
    )
    records = record_missed(
        [MissedDrill(drill, "nobody acknowledged within 1 day")],
        assigned_to="platform",
        now=NOW - timedelta(days=1),
        created_at=NOW,
        signer="test",
    )
    database = Database.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    append(database, [make() for make in records.values()], open_key)

    done = run(schedule)
    dashboard = CliRunner().invoke(app, ["dashboard", "--now", NOW.isoformat()])

    line = "team-b is not reached through mail: nobody acknowledged within 1 day; since 1 day ago"
    assert done.exit_code == 1
    assert line in done.stdout
    assert done.stdout.splitlines()[-1] == "3 routes of 2 owners; 1 finding."
    assert line in dashboard.stdout


def test_usage_is_checked(schedule: Path) -> None:
    unknown = run(schedule, "--provider", "pigeon")
    assert isinstance(unknown.exception, UsageError)
    assert "pigeon is unknown" in str(unknown.exception)
    twice = run(schedule, "--send", "--database", "sqlite:///x.db")
    assert isinstance(twice.exception, UsageError)
    assert "DRILLS_DATABASE_URL" in str(twice.exception)
