"""Documents that lie beside the schedules, and that no schedule uses, do not vanish silently."""

import json
from pathlib import Path

import pytest

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.fleets.partial_fleet import prepare_shards
from tests.samples.builders import DRILL, SCHEDULE
from tests.samples.commands import drills

HISTORY = {"schema_version": "rollback-drills.history.v1", "drills": [DRILL]}


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Write a folder with one schedule and its history."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "payments-schedule.json").write_text(json.dumps(SCHEDULE))
    (folder / "payments-history.json").write_text(json.dumps(HISTORY))
    return folder


def test_a_fleet_in_which_everything_is_used_has_no_warnings(fleet: Path) -> None:
    assert load_fleet(str(fleet), None).warnings == ()


@pytest.mark.parametrize("name", ["other.jsonl", "other-schedules.JSONL"])
def test_json_lines_in_a_folder_are_named_as_left_out(name: str, fleet: Path) -> None:
    (fleet / name).write_text(json.dumps({**SCHEDULE, "schedule_id": "other"}))

    (warning,) = load_fleet(str(fleet), None).warnings

    assert warning == f"{name}: left out of this fleet; name a .jsonl file alone to check it"


def test_histories_that_belong_to_no_schedule_are_named(fleet: Path) -> None:
    for number in range(5):
        (fleet / f"gone-{number}-drills.json").write_text(json.dumps(HISTORY))

    (warning,) = load_fleet(str(fleet), None).warnings

    assert warning.startswith(
        "gone-0-drills.json, gone-1-drills.json, gone-2-drills.json and 2 more: belongs to no schedule"
    )


def test_histories_at_a_place_of_their_own_are_named_too(fleet: Path, tmp_path: Path) -> None:
    place = tmp_path / "histories"
    place.mkdir()
    (place / "readme.txt").write_text("none yet")
    (tmp_path / "all.jsonl").write_text(json.dumps(SCHEDULE))
    assert "has no history, so" in load_fleet(str(fleet), str(place)).warnings[0]

    (place / "paymets.json").write_text(json.dumps(HISTORY))

    for schedules in (fleet, tmp_path / "all.jsonl"):
        assert "paymets.json: belongs to no schedule" in load_fleet(str(schedules), str(place)).warnings[0]


def test_a_schedule_is_not_its_own_history(tmp_path: Path) -> None:
    (tmp_path / "payments-schedule.json").write_text(json.dumps(SCHEDULE))

    fleet = load_fleet(str(tmp_path), str(tmp_path))

    assert fleet.subjects[0].history is None
    assert list(fleet.warnings) == [f"{tmp_path.name}: has no history, so all schedules are without drills"]


def test_a_check_in_shards_says_once_what_no_shard_can_say(fleet: Path, tmp_path: Path) -> None:
    (fleet / "unused-history.json").write_text("{}")
    empty = tmp_path / "empty"
    empty.mkdir()

    assert list(prepare_shards(str(fleet), None)) == list(load_fleet(str(fleet), None).warnings)
    assert "has no history, so all schedules are without drills" in prepare_shards(str(fleet), str(empty))[0]


def test_the_gate_says_what_is_left_out(fleet: Path, tmp_path: Path) -> None:
    (fleet / "other.jsonl").write_text("{}")
    words = ("gate", "--schedule", "fleet", "--now", "2026-12-01T09:00:00Z")

    assert "fleet/other.jsonl: left out of this fleet" in drills(*words, cwd=tmp_path).stdout
    document = json.loads(drills(*words, "--json", cwd=tmp_path).stdout)
    assert document["warnings"] == [
        "fleet/other.jsonl: left out of this fleet; name a .jsonl file alone to check it"
    ]


def test_json_schemas_for_editors_are_no_documents(fleet: Path, tmp_path: Path) -> None:
    for name in ("schedule", "history", "policy"):
        written = drills("schema", name, cwd=tmp_path)
        (fleet / f"{name}.schema.json").write_text(written.stdout)

    loaded = load_fleet(str(fleet), None)

    assert [each.name for each in loaded.subjects] == [SCHEDULE["schedule_id"]]
    assert loaded.warnings == ()
    assert drills("lint", "fleet", cwd=tmp_path).stdout.startswith("documents: 2; findings: 0")


@pytest.mark.parametrize("name", ["drills.json", "policy-payments.json", "payments.yaml", "changes.json"])
def test_lint_warns_of_a_schedule_whose_name_says_something_else(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(json.dumps(SCHEDULE))

    done = drills("lint", name, cwd=tmp_path)

    assert done.returncode == 0
    assert f"warning: {name} is a schedule, and its name does not say so" in done.stdout


@pytest.mark.parametrize("words", [("calendar",), ("badge", str(SCHEDULE["schedule_id"])), ("plan",)])
def test_every_command_that_reads_a_fleet_says_what_is_left_out(
    words: tuple[str, ...], fleet: Path, tmp_path: Path
) -> None:
    (fleet / "other.jsonl").write_text("{}")

    done = drills(*words, "--schedule", "fleet", cwd=tmp_path)

    assert "warning: fleet/other.jsonl: left out of this fleet" in done.stderr
