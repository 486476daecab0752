"""`drills look-ahead`: what it prints, for whom, and with which exit code."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills_cli.main import app
from tests.samples.builders import NOW, SCHEDULE
from tests.samples.world import World

FREEZE = {"window_id": "freeze", "start_at": "2027-01-08T00:00:00Z", "end_at": "2027-01-12T00:00:00Z"}
FROZEN = {**SCHEDULE, "next_due_at": "2027-01-10T09:00:00Z", "interval_days": 200}


@pytest.fixture
def schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a schedule with trouble ahead, and name a database that is not there."""
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps({**FROZEN, "maintenance_windows": [FREEZE]}))
    return path


def run(schedule: Path, *options: str) -> Any:
    """Run the command."""
    command = ["look-ahead", "--schedule", str(schedule), "--now", NOW.isoformat(), *options]
    return CliRunner().invoke(app, command)


def test_trouble_is_printed_for_people_with_exit_code_1(schedule: Path) -> None:
    done = run(schedule, "--owner", "TEAM-A")

    assert done.exit_code == 1
    assert done.stdout.splitlines()[:2] == [
        "team-a: 0 due in the next 30 days, 1 in the next 90; 1 drill will go wrong.",
        "  payments, due 10 Jan 2027, 09:00 UTC",
    ]
    assert "    freeze: The maintenance window freeze" in done.stdout
    assert "team-b" not in done.stdout


def test_the_document_has_every_owner_and_a_clean_outlook_ends_with_0(schedule: Path) -> None:
    document = json.loads(run(schedule, "--json").stdout)
    assert document["schema_version"] == "rollback-drills.look-ahead.v1"
    assert (document["owner_count"], document["troubled_owner_count"]) == (2, 2)
    assert document["until"] == "2027-03-01T09:00:00+00:00"
    schedule.write_text(json.dumps(FROZEN))
    clean = run(schedule)
    assert clean.exit_code == 0
    assert "nothing will go wrong" in clean.stdout
    schedule.write_text(json.dumps({**FROZEN, "next_due_at": "2028-01-10T09:00:00Z"}))
    assert run(schedule).stdout == "No drill is due in the next 90 days.\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "does not exist; create the file, or fix the path"),
        ("", "is empty; a JSON object is needed"),
        (json.dumps({**FROZEN, "status": "actve"}), 'status is "actve"'),
        (json.dumps({**FROZEN, "redrill_after_change_days": 5}), "needs to know what was promoted"),
    ],
)
def test_a_schedule_that_cannot_be_judged_is_no_clean_outlook(
    text: str | None, why: str, schedule: Path
) -> None:
    schedule.unlink() if text is None else schedule.write_text(text)

    done = run(schedule, "--owner", "team-a")

    assert done.exit_code == 1
    assert "needs attention: " in done.stdout
    assert why in done.stdout
    unclear = json.loads(run(schedule, "--json").stdout)["unclear"]
    assert [why in each["message"] for each in unclear] == [True]


def test_an_overdue_drill_is_not_called_nothing(schedule: Path) -> None:
    schedule.write_text(json.dumps({**FROZEN, "next_due_at": "2026-11-20T09:00:00Z"}))

    done = run(schedule, "--owner", "team-a")

    assert done.exit_code == 0
    assert "1 of them overdue; nothing further will go wrong." in done.stdout

    absent = {"owner_calendars": {"team-a": {"available": False}}, "interval_days": 40}
    schedule.write_text(json.dumps({**FROZEN, **absent, "next_due_at": "2026-11-20T09:00:00Z"}))
    assert "1 of them overdue; 2 further drills will go wrong." in run(schedule, "--owner", "team-a").stdout


def test_an_exception_in_the_evidence_counts(schedule: Path, tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    World(database, {**FROZEN, "maintenance_windows": [FREEZE]}).grant(
        ExceptionKind.SKIP, NOW + timedelta(days=60)
    )
    database.engine.dispose()

    assert run(schedule).exit_code == 0


def test_without_a_schedule_it_says_what_is_missing() -> None:
    done = CliRunner().invoke(app, ["look-ahead"], env={"DRILLS_SCHEDULE": ""})
    assert isinstance(done.exception, UsageError)


def test_an_owner_whom_nobody_knows_is_refused_with_the_names_there_are(schedule: Path) -> None:
    done = run(schedule, "--owner", "team-z")

    assert isinstance(done.exception, UsageError)
    assert 'there is no owner "team-z"; there are ' in str(done.exception)
    assert "team-a" in str(done.exception)

    (schedule.parent / "bad-schedule.json").write_text("{")
    done = run(schedule.parent, "--owner", "team-z")
    assert done.exit_code == 1  # whose schedule it may be
    assert 'in the schedules that can be read, there is no owner "team-z"; there are ' in done.stderr
