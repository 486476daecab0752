"""Files that vanish, or are being written, while a fleet is read."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.fleets import settled
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.fleets.json_lines import read_records
from rollback_drills.documents.fleets.partial_fleet import load_shard
from rollback_drills.documents.fleets.shard import Shard
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import UsageError
from tests.samples.builders import SCHEDULE

HISTORY = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": []}
CHANGES = {"schema_version": "rollback-drills.changes.v1", "changes": []}


def written(name: str) -> str:
    return json.dumps({**SCHEDULE, "schedule_id": name})


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], list[float]]:
    """Let something happen while a reader waits for files that are being written; count the waits."""

    def happens(act: Callable[[], object]) -> list[float]:
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            act()

        monkeypatch.setattr(time, "sleep", wait)
        return waits

    return happens


Meanwhile = Callable[[Callable[[], object]], list[float]]


@pytest.mark.parametrize("half", ["", written("a")[:40]])
@pytest.mark.parametrize("load", ["folder", "file", "shard"])
def test_a_document_that_is_being_written_is_read_when_it_is_written(
    load: str, half: str, tmp_path: Path, meanwhile: Meanwhile
) -> None:
    (file := tmp_path / "a-schedule.json").write_text(half)
    (tmp_path / "b-schedule.json").write_text(written("b"))
    waits = meanwhile(lambda: file.write_text(written("a")))
    loads: dict[str, Callable[[], Any]] = {
        "folder": lambda: load_fleet(str(tmp_path), None),
        "file": lambda: load_fleet(str(file), None),
        "shard": lambda: load_shard(str(tmp_path), None, Shard(1, 1)),
    }

    subjects = loads[load]().subjects

    assert subjects[0].schedule_id == "a"
    assert len(waits) == 1


def test_a_file_that_is_missing_while_the_folder_is_searched_is_found(
    tmp_path: Path, meanwhile: Meanwhile
) -> None:
    """`git` removes a file and writes it again: for a moment its schedule seems to be gone."""
    (tmp_path / "a.json").write_text(written("a"))
    waits = meanwhile(lambda: (tmp_path / "b.json").write_text(written("b")))

    assert [each.name for each in load_fleet(str(tmp_path), None).subjects] == ["a", "b"]
    assert len(waits) == 1


def test_records_that_are_being_written_are_read_when_they_are_written(
    tmp_path: Path, meanwhile: Meanwhile
) -> None:
    path = tmp_path / "fleet.jsonl"
    path.write_text(written("a"))
    rest = [f"\n{written(name)}" for name in "bc"]

    waits = meanwhile(lambda: append(path, rest.pop(0) if rest else ""))

    assert [each.name for each in load_fleet(str(path), None).subjects] == ["a", "b", "c"]
    assert len(waits) == 3


def test_a_file_that_is_written_without_end_is_read_after_a_while(
    tmp_path: Path, meanwhile: Meanwhile
) -> None:
    path = tmp_path / "fleet.jsonl"
    path.write_text(written("a"))

    waits = meanwhile(lambda: append(path, "\n"))

    assert len(load_fleet(str(path), None).subjects) == 1
    assert len(waits) == 20


def test_a_document_that_stays_broken_is_a_finding_after_one_wait_for_all(
    tmp_path: Path, meanwhile: Meanwhile
) -> None:
    for name in "abc":
        (tmp_path / f"{name}.json").write_text("{")
    waits = meanwhile(lambda: None)

    assert len(load_fleet(str(tmp_path), None).subjects) == 3
    assert len(waits) == 2, "one for the folder, and one for what is in it"


def test_what_has_been_broken_for_long_is_not_waited_for(
    tmp_path: Path, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "a.json").write_text("{")
    waits = meanwhile(lambda: None)
    later = file.stat().st_ctime + 2
    monkeypatch.setattr(time, "time", lambda: later)

    assert not load_fleet(str(tmp_path), None).subjects[0].document
    assert not waits


def test_a_history_that_is_being_replaced_is_read(tmp_path: Path, meanwhile: Meanwhile) -> None:
    (tmp_path / "a-schedule.json").write_text(written("a"))
    (file := tmp_path / "a-history.json").write_text("")
    meanwhile(lambda: file.write_text(json.dumps(HISTORY)))

    history = load_fleet(str(tmp_path), None).subjects[0].history

    assert history
    assert history.document


@pytest.mark.parametrize("in_shards", [False, True], ids=["whole", "shard"])
def test_a_schedule_that_is_deleted_after_the_search_is_as_if_it_had_been_before(
    in_shards: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path must not become a late drill of which people are notified."""
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(written(name))
    (tmp_path / "dangling.json").symlink_to("nowhere")
    found = settled.read_all_settled

    def delete_first(files: Any, read: Any) -> Any:
        listed = list(files)
        (tmp_path / "a.json").unlink(missing_ok=True)
        return found(listed, read)

    for module in ("fleet", "partial_fleet"):
        monkeypatch.setattr(f"rollback_drills.documents.fleets.{module}.read_all_settled", delete_first)
    place = str(tmp_path)
    subjects = (load_shard(place, None, Shard(1, 1)) if in_shards else load_fleet(place, None)).subjects

    assert [each.name for each in subjects] == ["b", "dangling.json"], "a link that leads nowhere stays"


def test_a_folder_that_is_emptied_after_the_search_has_no_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "a.json").write_text(written("a"))
    found = settled.read_all_settled

    def delete_first(files: Any, read: Any) -> Any:
        file.unlink()
        return found(files, read)

    monkeypatch.setattr("rollback_drills.documents.fleets.fleet.read_all_settled", delete_first)

    with pytest.raises(UsageError, match="matches no schedule document"):
        load_fleet(str(tmp_path), None)


def test_changes_and_policies_that_are_being_written_are_read(tmp_path: Path, meanwhile: Meanwhile) -> None:
    (tmp_path / "a.json").write_text(written("a"))
    (changes := tmp_path / "changes.json").write_text("")
    meanwhile(lambda: changes.write_text(json.dumps(CHANGES)))
    known = load_fleet(str(tmp_path / "a.json"), None, str(changes)).subjects[0].changes
    assert known
    assert not known.problem

    (policy := tmp_path / "policy.yaml").write_text("{")
    meanwhile(lambda: policy.write_text("acknowledgement_minutes: 5"))
    read = read_policy(str(policy))
    assert read
    assert read.acknowledgement_minutes == 5


def test_a_calendar_that_is_being_replaced_is_read(tmp_path: Path, meanwhile: Meanwhile) -> None:
    calendars = {"team": {"ics": "team.ics"}}
    (tmp_path / "a.json").write_text(
        json.dumps({**SCHEDULE, "schedule_id": "a", "owner_calendars": calendars})
    )
    events = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
    meanwhile(lambda: (tmp_path / "team.ics").write_text(events))

    assert load_fleet(str(tmp_path), None).subjects[0].document


@pytest.mark.parametrize("overwrites", [1, 2], ids=["once", "still"])
def test_no_half_of_a_large_document_that_is_overwritten_is_believed(
    overwrites: int, tmp_path: Path, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its two halves may be from two versions, and together look like a document."""
    texts = [written(name) + " " * 50_000 for name in "abc"]
    (file := tmp_path / "schedule.json").write_text(texts[0])
    os.utime(file, (1, 1))
    read, versions = os.pread, iter(enumerate(texts[1 : 1 + overwrites], start=2))

    def overwrite_while(descriptor: int, length: int, offset: int) -> bytes:
        data = read(descriptor, length // 2, offset)
        for seconds, text in versions:
            file.write_text(text)
            os.utime(file, (seconds, seconds))
            break
        return data + read(descriptor, length, offset + len(data))

    monkeypatch.setattr(os, "pread", overwrite_while)
    waits = meanwhile(lambda: None)
    schedule = load_fleet(str(file), None).subjects[0].schedule

    assert schedule
    assert len(waits) == 1
    if overwrites == 1:
        assert schedule.document
        assert schedule.document.schedule_id == "b"
    else:
        assert schedule.problem.endswith(
            "was changed while it was read; write a new file and rename it to this name"
        )


@pytest.mark.parametrize("change", ["truncate", "append"])
def test_records_that_change_while_they_are_read_are_no_fleet(change: str, tmp_path: Path) -> None:
    """Half of a fleet would look as if the other half were gone."""
    path = tmp_path / "fleet.jsonl"
    path.write_text("\n".join(written(f"s{number}") for number in range(1000)))
    records = read_records(str(path))
    next(records)
    if change == "truncate":
        os.truncate(path, 100_000)
    else:
        with path.open("a") as file:
            file.write(f"\n{written('new')}")

    with pytest.raises(UsageError, match="was changed while it was read; write a new file and rename it"):
        list(records)


def test_records_that_are_replaced_while_they_are_read_are_those_from_before(tmp_path: Path) -> None:
    path = tmp_path / "fleet.jsonl"
    path.write_text("\n".join(written(f"s{number}") for number in range(1000)))
    records = read_records(str(path))
    next(records)
    (tmp_path / "new").write_text(written("new"))
    (tmp_path / "new").replace(path)

    assert len(list(records)) == 999
