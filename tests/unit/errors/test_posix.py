"""Commands on a system that is not POSIX."""

import json
import sys
from pathlib import Path

import pytest

from rollback_drills.documents.fleets import json_lines_index
from tests.samples.builders import SCHEDULE
from tests.samples.commands import drills


@pytest.fixture
def schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a schedule, on a system without what only POSIX has."""
    for module in ("fcntl", "resource"):
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "schedule.json").write_text(json.dumps(SCHEDULE))
    return tmp_path


def test_recording_needs_posix_and_says_so(schedule: Path) -> None:
    words = "--schedule schedule.json --history history.json --create --status pass".split()
    done = drills("record", *words, "--target-mode", "disabled", "--fallback-verified", cwd=schedule)

    assert done.returncode == 2
    assert done.stderr == (
        "drills: writing history.json needs a POSIX system such as Linux or macOS, and this one has no fcntl;"
        " nothing was changed; run it there\n"
    )
    assert {each.name for each in schedule.iterdir()} == {"schedule.json"}


@pytest.mark.slow
def test_the_api_needs_posix_and_says_so(schedule: Path) -> None:
    done = drills("api", "--schedule", "schedule.json", cwd=schedule)

    assert done.returncode == 2
    assert (
        "drills api needs a POSIX system such as Linux or macOS, and this one has no resource" in done.stderr
    )


@pytest.mark.parametrize("command", ["check", "plan", "lint"])
def test_judging_works_everywhere(command: str, schedule: Path) -> None:
    words = ("schedule.json",) if command == "lint" else ("--schedule", "schedule.json")

    assert drills(command, *words, cwd=schedule).returncode in (0, 1)


def test_where_folders_have_no_owner_no_index_of_a_history_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.getuid")

    assert json_lines_index._name_kept("history.jsonl") == ""
