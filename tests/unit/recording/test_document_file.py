"""One writer at a time, and after a crash the old document or the new one, whole."""

import json
import os
import random
import signal
import stat
import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import read_document
from rollback_drills.recording.document_file import WriteError, locked, write_document
from tests.processes import recording_process
from tests.processes.forked import find_exit_code, fork, run_at_once
from tests.processes.recording_process import record_many
from tests.samples.builders import DRILL, SCHEDULE


@pytest.fixture
def schedule(tmp_path: Path) -> str:
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps(SCHEDULE, indent=2))
    return str(path)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.json"
    document = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    path.write_text(json.dumps(document, indent=2))
    return path


def put(path: Path | str, data: bytes) -> None:
    with locked(str(path)) as place:
        write_document(place, data, Path(place).read_bytes() if Path(place).exists() else None)


def ids(path: Path) -> list[str]:
    found = read_document(History, str(path))
    assert found.document, found.problem
    return [each.drill_id for each in found.document.drills]


def test_the_document_is_replaced_and_what_it_was_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(b"old")

    put(path, b"new")
    put(path, b"newer")

    assert path.read_bytes() == b"newer"
    assert (tmp_path / "history.json.bak").read_bytes() == b"new"
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "history.json",
        "history.json.bak",
        "history.json.lock",
    ]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444 | stat.S_IWUSR])
def test_document_and_backup_keep_the_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(b"old")
    path.chmod(mode)

    put(path, b"new")

    for each in (path, tmp_path / "history.json.bak"):
        assert stat.S_IMODE(each.stat().st_mode) == mode


def test_a_new_document_has_the_permissions_of_every_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    put(tmp_path / "history.json", b"new")

    assert (tmp_path / "history.json").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert not (tmp_path / "history.json.bak").exists()


def test_the_time_of_a_document_is_that_of_its_last_change(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(b"old")
    os.utime(path, (1, 1))

    put(path, b"new")

    assert path.stat().st_mtime > 1_000_000


def test_a_link_stays_a_link_and_both_names_share_a_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path, link = tmp_path / "real" / "history.json", tmp_path / "link.json"
    path.write_bytes(b"old")
    link.symlink_to(path)

    put(link, b"new")

    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    with (
        locked(str(path)),
        pytest.raises(WriteError, match="is being written by another process"),
        locked(str(link), wait_seconds=0),
    ):
        pass


def test_a_writer_waits_for_the_one_before_it(tmp_path: Path) -> None:
    path = str(tmp_path / "history.json")
    order = []
    with locked(path):

        def wait() -> None:
            with locked(path):
                order.append("second")

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]


def test_what_is_read_only_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything

    with pytest.raises(WriteError, match="it is read-only; nothing was changed"):
        put(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="no such file or directory; nothing was changed"):
        put(tmp_path / "no" / "history.json", b"new")


def test_a_full_disk_leaves_the_old_document_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(WriteError, match="cannot be written: no space left on device; nothing was changed"):
        put(path, b"new")
    assert path.read_bytes() == b"old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["history.json", "history.json.lock"]


def test_what_a_dead_writer_left_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(b"old")
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    (tmp_path / ".history.json.new").symlink_to(victim)

    put(path, b"new")

    assert path.read_bytes() == b"new"
    assert victim.read_bytes() == b"untouched"


@pytest.mark.slow
@pytest.mark.parametrize("exists", [True, False], ids=["a history", "no history yet"])
def test_killed_at_any_step_the_old_or_the_new_document_is_there(
    tmp_path: Path, schedule: str, history: Path, exists: bool
) -> None:
    original = history.read_bytes()
    outcomes, ended, step = [], False, 0
    while not ended:
        for each in tmp_path.glob("*history.json*"):
            each.unlink()
        if exists:
            history.write_bytes(original)

        def action() -> None:
            recording_process.record(schedule, str(history), "new")

        ended = recording_process.die_at(step, action)

        found = ids(history) if history.exists() else None
        assert found in ((["drill-1"], ["drill-1", "new"]) if exists else (None, ["new"])), step
        outcomes.append(found)
        if found is None or "new" not in found:  # nothing keeps the next one from recording
            recording_process.record(schedule, str(history), "new")
            assert "new" in ids(history)
        step += 1

    assert outcomes[0] in (["drill-1"], None)
    assert outcomes[-1] in (["drill-1", "new"], ["new"])
    assert len(outcomes) > 10
    changes = [old != new for old, new in pairwise(outcomes)]
    assert changes.count(True) == 1


@pytest.mark.slow
def test_killed_while_the_due_instant_moves_both_documents_can_be_read(
    tmp_path: Path, schedule: str, history: Path
) -> None:
    originals = {path: path.read_bytes() for path in (Path(schedule), history)}
    seen, ended, step = set(), False, 0
    while not ended:
        for path, data in originals.items():
            path.write_bytes(data)

        def action() -> None:
            recording_process.record(schedule, str(history), "new", advance=True)

        ended = recording_process.die_at(step, action)
        due = json.loads(Path(schedule).read_text())["next_due_at"]
        seen.add(("new" in ids(history), due))
        step += 1

    old, new = "2026-11-27T09:00:00Z", "2026-12-31T09:00:00+00:00"
    assert seen == {(False, old), (True, old), (True, new)}


@pytest.mark.slow
def test_several_processes_at_once_lose_nothing(schedule: str, history: Path, tmp_path: Path) -> None:
    assert (
        run_at_once(
            [
                partial(record_many, schedule, str(history), f"p{number}", 8, tmp_path / "said")
                for number in range(6)
            ]
        )
        == [0] * 6
    )

    expected = {f"p{number}-{drill}" for number in range(6) for drill in range(8)}
    found = ids(history)
    assert set(found) == {"drill-1", *expected}
    assert len(found) == 49


@pytest.mark.slow
def test_processes_that_are_killed_at_any_time_lose_nothing_that_they_said_was_recorded(
    schedule: str, history: Path, tmp_path: Path
) -> None:
    chance = random.Random(7)
    recorded = ["drill-1"]
    for round_ in range(8):
        said = tmp_path / f"said-{round_}"
        children = [
            fork(partial(record_many, schedule, str(history), f"r{round_}-p{number}", 200, said))
            for number in range(2)
        ]
        while not said.exists():  # they are not at work yet
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.06))
        for child in children:
            os.kill(child, signal.SIGKILL)
        assert [find_exit_code(child) for child in children] == [-signal.SIGKILL] * 2
        recorded += said.read_text().splitlines()
        found = ids(history)
        assert set(recorded) <= set(found)
        assert len(set(found)) == len(found)
