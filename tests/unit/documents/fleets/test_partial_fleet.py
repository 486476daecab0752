"""A shard loads its own schedules, and finds in all documents what concerns them."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.fleets import json_lines_index, partial_fleet
from rollback_drills.documents.fleets.fleet import Fleet, count_schedules, load_fleet
from rollback_drills.documents.fleets.json_lines import Line, read_lines
from rollback_drills.documents.fleets.partial_fleet import load_shard, prepare_shards
from rollback_drills.documents.fleets.shard import Shard, find_shards, read_shard
from rollback_drills.errors import UsageError
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from tests.samples.builders import DRILL, NOW, SCHEDULE

SHARDS = find_shards(20, 5)


def schedule(name: Any, **more: Any) -> dict[str, Any]:
    return {**SCHEDULE, "schedule_id": name, **more}


def history(*drill_ids: str) -> dict[str, Any]:
    drills = [{**DRILL, "drill_id": each} for each in drill_ids]
    return {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": drills}


def spell_shared(n: int) -> str:
    """Write the id of a drill that other schedules use too, in one of its spellings."""
    name = f"shared-{n % 9}" if n % 2 else f"shared-\u00fc{n % 9}"
    return (name, f" {name.upper()}", f"SHARED-U\u0308{n % 9} ")[n // 9 % 3]


ODD = [
    json.dumps({"schedule": schedule("nowhere", interval_days="soon")}),
    json.dumps({"schedule": {}}),
    "{ not json",
    json.dumps(schedule("bare")),
    json.dumps({"schedule": schedule("escaped/\u00fc"), "history": None}),
    json.dumps({"schedule": "elsewhere.json", "history": "elsewhere-history.json"}),
    json.dumps({"schedule": schedule("twice"), "history": history("twice-1")}),
    json.dumps({"schedule": schedule(" TWICE"), "history": history("twice-2")}),
    json.dumps({"schedule": schedule("b\u0430re")}),
    json.dumps({"schedule": schedule("twice-1")})[:-2] + ', "schedule_id": "again"}}',
]
"""Records that are hard to read: each is in one shard, and judged there as in the whole fleet."""


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_records(folder: Path) -> str:
    lines = [
        dump({"schedule": schedule(f"service-{n}"), "history": history(f"drill-{n}", spell_shared(n))})
        for n in range(20)
    ]
    (folder / "elsewhere.json").write_text(dump(schedule("elsewhere")))
    (folder / "elsewhere-history.json").write_text(dump(history(spell_shared(3))))
    path = folder / "fleet.jsonl"
    path.write_text("\n".join(["", *lines, *ODD]))
    return str(path)


def write_files(folder: Path) -> str:
    for n in range(20):
        name = f"service-{n}"
        (folder / f"{name}-schedule.json").write_text(dump(schedule(name)))
        text = dump(history(f"drill-{n}", spell_shared(n)))
        (folder / f"{name}-history.json").write_text(text)
    for number, text in enumerate(ODD):
        (folder / f"odd-{number}-schedule.json").write_text(text)
    (folder / "same-schedule.json").write_text(dump(schedule("one")))
    (folder / "same.json").write_text(dump(schedule("other")))
    (folder / "same-history.json").write_text(dump(history(spell_shared(1))))
    (folder / "lost-schedule.json").symlink_to(folder / "nothing.json")
    return str(folder)


def write_records_with_histories(folder: Path) -> tuple[str, str]:
    lines = [dump(schedule(f"service-{n}")) for n in range(20)]
    lines += [dump(schedule("payments")), dump(schedule("payments-schedule"))]
    (folder / "fleet.jsonl").write_text("\n".join(lines))
    (folder / "histories").mkdir()
    for n in range(15):
        text = dump(history(f"drill-{n}", spell_shared(n)))
        (folder / "histories" / f"service-{n}.json").write_text(text)
    (folder / "histories" / "payments.json").write_text(dump(history(spell_shared(2))))
    return str(folder / "fleet.jsonl"), str(folder / "histories")


def write(form: str, folder: Path) -> tuple[str, str | None]:
    """Write a fleet, and return the paths of its schedules and histories."""
    if form == "records with histories":
        return write_records_with_histories(folder)
    return write_records(folder) if form == "records" else write_files(folder), None


def judged(fleet: Fleet) -> dict[str, Any]:
    """Return what is found about each schedule, by its place."""
    found = judge_all(fleet.subjects, Criteria(), now=NOW, elsewhere=fleet.drills_elsewhere)
    reports = ((each.schedule_report, each.history_report) for each in found)
    places = (each.schedule.path for each in fleet.subjects if each.schedule)
    return dict(zip(places, reports, strict=True))


@pytest.mark.parametrize("form", ["records", "files", "records with histories"])
def test_the_shards_find_together_what_the_fleet_finds(form: str, tmp_path: Path) -> None:
    path, histories = write(form, tmp_path)
    whole = judged(load_fleet(path, histories))

    parts = [judged(load_shard(path, histories, each)) for each in SHARDS]

    assert all(parts)
    assert sum(map(len, parts)) == len(whole)
    # of a drill that three schedules use, another one of them may be named
    together = {place: report for part in parts for place, report in part.items()}
    for place, (report, of_history) in whole.items():
        assert together[place][0].status == report.status, place
        own = [(each.id, each.status) for each in of_history.checks]
        assert [(each.id, each.status) for each in together[place][1].checks] == own, place
    assert sum("uses too" in str(each) for each in together.values()) == sum(
        "uses too" in str(each) for each in whole.values()
    )


@pytest.fixture(autouse=True)
def own_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep indexes in a folder of this test."""
    folder = tmp_path_factory.mktemp("kept")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def age(path: str) -> None:
    """Let a file be older than what may still change without a new time."""
    os.utime(path, (0, 0))


def names(fleet: Fleet) -> set[str]:
    return {each.name for each in fleet.subjects}


def test_shards_share_one_index_of_a_file_that_has_settled(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_records(tmp_path)
    load_shard(path, None, SHARDS[0])
    assert not list(own_folder.rglob("*.index")), "it is too new"
    age(path)
    prepare_shards(path, None)
    monkeypatch.setattr(json_lines_index, "_make_index", None)

    parts = [load_shard(path, None, each) for each in SHARDS]

    assert len(list(own_folder.rglob("*.index"))) == 1
    assert set().union(*map(names, parts)) == names(load_fleet(path, None))


def test_an_index_is_of_one_state_of_its_file(tmp_path: Path) -> None:
    path = write_records(tmp_path)
    age(path)
    prepare_shards(path, None)
    with open(path, "a") as file:
        file.write("\n" + json.dumps(schedule("appended")))
    age(path)

    assert "appended" in set().union(*(names(load_shard(path, None, each)) for each in SHARDS))


def test_a_file_that_changes_while_it_is_read_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_records(tmp_path)
    age(path)
    prepare_shards(path, None)
    before = json_lines_index.RecordsIndex.find_own

    def find_own(self: Any, *given: Any) -> Any:
        with open(path, "a") as file:
            file.write("\n" + json.dumps(schedule("appended")))
        monkeypatch.undo()
        return before(self, *given)

    monkeypatch.setattr(json_lines_index.RecordsIndex, "find_own", find_own)
    shard = next(each for each in SHARDS if each.holds("appended"))

    assert "appended" in names(load_shard(path, None, shard))


def test_an_index_of_a_file_that_vanishes_and_comes_back_is_not_kept(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_records(tmp_path)
    hidden = f"{path}.hidden"
    read = read_lines

    def come_back(place: str) -> Iterator[Line]:
        os.rename(hidden, path)
        return read(place)

    monkeypatch.setattr(json_lines_index, "read_lines", come_back)
    os.rename(path, hidden)

    prepare_shards(path, None)

    assert not list(own_folder.rglob("*.index"))


def test_a_schedule_that_comes_while_bare_records_are_read_has_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records are read twice: first to know which histories are clear."""
    path, histories = tmp_path / "fleet.jsonl", tmp_path / "histories"
    histories.mkdir()
    (histories / "late-history.json").write_text(json.dumps(history("drill-1")))
    path.write_text(json.dumps(schedule("early")))
    first = read_lines

    def replace_after(place: str) -> Iterator[Line]:
        yield from first(place)
        path.write_text("\n".join(json.dumps(schedule(each)) for each in ("early", "late")))

    monkeypatch.setattr(partial_fleet, "read_lines", replace_after)

    early, late = load_shard(str(path), str(histories), Shard(1, 1)).subjects

    assert early.history is None
    assert late.history
    assert late.history.document


def test_an_index_whose_file_cannot_be_read_any_more_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_records(tmp_path)
    expected = load_shard(path, None, SHARDS[0])

    def fail(*_: int) -> bytes:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(os, "pread", fail)

    assert load_shard(path, None, SHARDS[0]) == expected


def test_a_kept_index_that_is_damaged_is_made_anew(tmp_path: Path, own_folder: Path) -> None:
    path = write_records(tmp_path)
    age(path)
    prepare_shards(path, None)
    (kept,) = own_folder.rglob("*.index")
    kept.write_bytes(kept.read_bytes()[:-9])

    assert set().union(*(names(load_shard(path, None, each)) for each in SHARDS))
    assert len(kept.read_bytes()) > 9


def test_nothing_is_kept_where_others_may_write(tmp_path: Path, own_folder: Path) -> None:
    path = write_records(tmp_path)
    age(path)
    folder = own_folder / f"rollback-drills-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)

    assert load_shard(path, None, SHARDS[0]).subjects
    assert not list(folder.iterdir())


def test_a_drill_that_many_schedules_use_is_read_once_for_each_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [{"schedule": schedule(f"service-{n}"), "history": history("drill-1")} for n in range(40)]
    path = tmp_path / "fleet.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    age(str(path))
    prepare_shards(str(path), None)
    read: list[int] = []
    before = Line.read

    def note(line: Line) -> Any:
        read.append(line.number)
        return before(line)

    monkeypatch.setattr(Line, "read", note)

    fleet = load_shard(str(path), None, SHARDS[0])

    assert len(read) == len(fleet.subjects) + 1
    assert len(fleet.drills_elsewhere) == 1


def test_a_shard_warns_of_ids_that_look_the_same(tmp_path: Path) -> None:
    path = write_records(tmp_path)

    warnings = [each for shard in SHARDS for each in load_shard(path, None, shard).warnings]

    assert warnings == list(load_fleet(path, None).warnings)
    assert warnings


def test_a_fleet_is_counted_without_reading_it(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "files").mkdir()

    assert count_schedules(write_records(tmp_path / "records")) == 30
    assert count_schedules(write_files(tmp_path / "files")) == 33
    assert count_schedules(None) == count_schedules("nothing.json") == 1


@pytest.mark.parametrize(
    ("count", "size", "shards"), [(0, 5, 1), (5, 5, 1), (6, 5, 2), (10, 5, 2), (11, 5, 3), (10**6, 1, 1000)]
)
def test_a_fleet_falls_into_shards_of_at_most_a_size(count: int, size: int, shards: int) -> None:
    found = find_shards(count, size)

    assert [each.number for each in found] == list(range(1, shards + 1))
    assert {each.count for each in found} == {shards}


@pytest.mark.parametrize(
    "text", ["", "0/8", "9/8", "3", "3/", "/8", "1/1001", "-1/8", "3/8/1", "a/b", "1.0/2"]
)
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write NUMBER/COUNT, such as 3/8") as error:
        read_shard(text)

    assert error.value.field == "shard"


def test_a_shard_is_written_as_it_is_read() -> None:
    assert str(read_shard(" 3/8 ")) == "3/8"
    assert read_shard("1/1") == Shard(1, 1)


def test_one_document_has_no_shards(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(schedule("a")))

    with pytest.raises(UsageError, match="leave it out for one"):
        load_shard(str(tmp_path / "a.json"), None, Shard(1, 2))


def test_schedules_are_in_the_same_shards_for_ever() -> None:
    names = ["payments", "Payments ", "search", "\u0440ayments"]

    found = [next(str(each) for each in find_shards(8, 1) if each.holds(name)) for name in names]

    assert found == ["2/8", "2/8", "3/8", "2/8"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("gone", "^schedule .*gone does not exist; is its folder there"),
        ("no*.json", "^schedule .*matches no schedule document"),
        ("one.json", "^shard 1/1 is a part of several schedules; leave it out for one"),
    ],
)
def test_a_shard_of_what_is_not_there_says_so(path: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=problem):
        load_shard(str(tmp_path / path), None, Shard(1, 1))
