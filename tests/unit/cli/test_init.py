"""A first schedule and its history: they can be used as they are, and overwrite nothing."""

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.samples.commands import drills

WHERE = ("--schedule", "schedule.yaml", "--history", "history.json")


def test_the_first_documents_are_clean_and_ready(tmp_path: Path) -> None:
    done = drills("init", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "drills check --schedule schedule.yaml --history history.json" in done.stdout
    assert drills("lint", "--strict", ".", cwd=tmp_path).returncode == 0
    assert drills("check", *WHERE, cwd=tmp_path).returncode == 0
    due = datetime.fromisoformat(yaml.safe_load((tmp_path / "schedule.yaml").read_text())["next_due_at"])
    assert timedelta(days=29) < due - datetime.now(UTC) < timedelta(days=31)


def test_what_is_commented_out_can_be_used_too(tmp_path: Path) -> None:
    drills("init", cwd=tmp_path)
    schedule = tmp_path / "schedule.yaml"
    lines = schedule.read_text().splitlines(keepends=True)
    schedule.write_text("".join(each if each.startswith("# ") else each.removeprefix("#") for each in lines))

    assert {"owner_routes", "maintenance_windows"} < yaml.safe_load(schedule.read_text()).keys()
    done = drills("lint", "--strict", ".", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert drills("check", *WHERE, cwd=tmp_path).returncode == 0


def test_a_folder_that_is_missing_is_created(tmp_path: Path) -> None:
    done = drills("init", "our drills/first", cwd=tmp_path)

    assert done.returncode == 0
    assert len(list((tmp_path / "our drills/first").iterdir())) == 2
    _, *command = shlex.split(done.stdout.splitlines()[-1])
    assert drills(*command, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["schedule.yaml", "history.json"])
def test_nothing_is_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")

    done = drills("init", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr == (f"drills: {name} exists already, and is not overwritten; name another folder\n")
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = drills("init", "file", cwd=tmp_path)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
