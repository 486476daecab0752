"""Fleets with linked folders, folders that nobody may list, and what editors leave behind."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.samples.builders import SCHEDULE

NOW = "2026-11-28T09:00:00Z"
NOBODY = 65534
READY = {**SCHEDULE, "next_due_at": "2027-06-01T09:00:00Z"}


@pytest.fixture
def place() -> Iterator[Path]:
    """Make a folder that another user can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for each in folder.rglob("*"):
        if each.is_dir() and not each.is_symlink():
            each.chmod(0o755)
    shutil.rmtree(folder)


def put(path: Path, schedule_id: str, **changes: Any) -> None:
    """Write a schedule."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**READY, "schedule_id": schedule_id, **changes}))


def drills(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `drills` as somebody whom permissions hold off."""
    command = [str(Path(sys.executable).with_name("drills")), *arguments]
    if os.geteuid() == 0:
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "COLUMNS": "300"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("pattern", ["fleet", "fleet/**/*.json", "fleet/*/*.json"])
def test_linked_and_closed_folders_do_not_vanish(pattern: str, place: Path) -> None:
    put(place / "fleet/eu/payments-schedule.json", "payments")
    put(place / "elsewhere/apac/late-schedule.json", "late", next_due_at="2026-11-01T09:00:00Z")
    (place / "fleet/apac").symlink_to("../elsewhere/apac")
    put(place / "fleet/closed/hidden-schedule.json", "hidden")
    (place / "fleet/closed").chmod(0)

    checked = drills("check", "--schedule", pattern, "--now", NOW, "--json", cwd=place)

    assert checked.returncode == 1, checked.stderr
    found = {
        each["schedule"]["schedule_id"] or each["rollback_drill_schedule_path"]: each["status"]
        for each in json.loads(checked.stdout)["items"]
    }
    assert found == {"payments": "ready", "late": "needs_attention", "fleet/closed": "needs_attention"}
    assert drills("gate", "--schedule", pattern, "--now", NOW, cwd=place).returncode == 1
    calendar = drills("calendar", "--schedule", pattern, "--now", NOW, cwd=place)
    assert "late" in calendar.stdout
    assert "closed" in calendar.stderr


def test_lint_names_a_folder_that_may_not_be_listed(place: Path) -> None:
    put(place / "fleet/payments-schedule.json", "payments")
    (place / "fleet/closed").mkdir()
    (place / "fleet/closed").chmod(0)
    (place / "fleet/.#payments-schedule.json").symlink_to("me@host.1:2")

    done = drills("lint", "fleet", cwd=place)

    assert done.returncode == 1
    assert (
        "fleet/closed: cannot be searched: permission denied; give access to it, or remove it" in done.stdout
    )
    assert "documents: 1; findings: 1" in done.stdout


def test_what_editors_leave_behind_stops_nobody(place: Path) -> None:
    put(place / "fleet/payments-schedule.json", "payments")
    put(place / "fleet/late-schedule.json", "late", next_due_at="2026-11-01T09:00:00Z")
    (place / "fleet/.#payments-schedule.json").symlink_to("me@host.1:2")
    (place / "fleet/._payments-schedule.json").write_bytes(b"\0\5\x16\7")
    (place / "fleet/._payments-history.json").write_bytes(b"\0\5\x16\7")
    for name in ("payments-history", "payments_history"):
        (place / f"fleet/{name}.json").write_text("{}")

    done = drills("check", "--schedule", "fleet", "--now", NOW, "--json", cwd=place)

    assert done.returncode == 1, done.stderr
    reports = {each["schedule"]["schedule_id"]: each for each in json.loads(done.stdout)["items"]}
    assert {name: each["status"] for name, each in reports.items()} == {
        "payments": "ready",
        "late": "needs_attention",
    }
    assert "rename or remove all but one" in reports["payments"]["history"]["message"]
