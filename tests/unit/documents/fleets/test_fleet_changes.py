"""Changes reach every schedule that they concern, however it is loaded, and `drills lint` checks them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.fleets.partial_fleet import load_shard
from rollback_drills.documents.fleets.shard import Shard
from rollback_drills.documents.subject import Subject
from rollback_drills.linting.files import lint_files
from tests.samples.builders import DRILL, SCHEDULE
from tests.samples.changes import write_changes

IDS = [f"s{number}" for number in range(6)]
HISTORY = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}


def write_fleet(folder: Path, form: str) -> str:
    """Write six schedules into a folder or a `.jsonl` file, beside `changes.json`; return their path."""
    schedules = [{**SCHEDULE, "schedule_id": each} for each in IDS]
    if form == "folder":
        for each in schedules:
            (folder / f"{each['schedule_id']}-schedule.json").write_text(json.dumps(each))
        return str(folder)
    lines = [json.dumps({"schedule": each, "history": HISTORY}) for each in schedules]
    (folder / "fleet.jsonl").write_text("\n".join(lines))
    return str(folder / "fleet.jsonl")


def changes_of(subjects: tuple[Subject, ...]) -> dict[str, list[str]]:
    return {
        each.name: [change.change_id for change in each.changes.changes] if each.changes else ["unknown"]
        for each in subjects
    }


@pytest.mark.parametrize("form", ["folder", "jsonl"])
def test_whole_fleets_and_shards_have_the_same_changes(form: str, tmp_path: Path) -> None:
    place = write_fleet(tmp_path, form)
    changes = write_changes(
        tmp_path / "changes.json", {"change_id": "one", "schedule_ids": ["s1"]}, {"change_id": "all"}
    )

    whole = changes_of(load_fleet(place, None, changes).subjects)

    assert whole == {each: ["one", "all"] if each == "s1" else ["all"] for each in IDS}
    shards = [load_shard(place, None, Shard(number, 2), changes).subjects for number in (1, 2)]
    assert changes_of((*shards[0], *shards[1])) == whole
    assert set(changes_of(load_fleet(place, None).subjects)) == set(IDS)


def test_lint_finds_what_is_wrong_with_changes(tmp_path: Path) -> None:
    good = write_changes(tmp_path / "good.json", {}, {"change_id": "rel-43"})
    bad = write_changes(tmp_path / "bad.json", {}, {"change_id": "b"}, {"change_id": "c", "who": "x"})
    twice = write_changes(tmp_path / "twice.json", {}, {})

    linted = lint_files([good, bad, twice], now=datetime(2026, 12, 1, tzinfo=UTC))

    assert [each.rpartition("/")[2] for each in linted.findings] == [
        "bad.json: $.changes[2].who is an unknown key; remove it",
        'twice.json: $.changes[1].change_id is "rel-42", which $.changes[0] has too; list each change once',
    ]
    assert linted.warnings == []


@pytest.mark.parametrize(("redrill", "is_warned"), [(None, True), (7, False)])
def test_an_unusable_document_that_no_schedule_asks_for_is_a_warning_of_the_fleet(
    tmp_path: Path, redrill: int | None, *, is_warned: bool
) -> None:
    schedule = {**SCHEDULE, **({"redrill_after_change_days": redrill} if redrill else {})}
    (tmp_path / "a-schedule.json").write_text(json.dumps(schedule))
    (tmp_path / "changes.json").write_text("{")

    for path in (tmp_path / "a-schedule.json", tmp_path):
        fleet = load_fleet(str(path), None, str(tmp_path / "changes.json"))
        assert ["changes.json: is not JSON" in each for each in fleet.warnings] == [True] * is_warned
