"""What people see of where a document lies, and by what an unusable one is known."""

import json
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets import json_lines
from rollback_drills.documents.fleets.fleet import Fleet, load_fleet
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.terminal_text import show_path, show_text
from rollback_drills.errors import UsageError
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.former_names import keep_former_names
from rollback_drills.planning.outbox_entries import known_names
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from rollback_drills_cli.terminal.output import print_line, print_problem, print_table
from tests.samples.builders import NOW, SCHEDULE, planned
from tests.samples.outbox import make_entry
from tests.unit.documents.fleets.test_fleet import HISTORY, named, put

ESCAPE = "\x1b]0;owned\x07\x1b[31m"


def make_fleet(folder: Path) -> Path:
    """Write a fleet with an unusable schedule, an unusable history, and one without an id."""
    put(folder / "apac/broken-schedule.json", "{")
    put(folder / "apac/late-schedule.json", {**SCHEDULE, "next_due_at": "2026-01-01 00:00:00"})
    put(folder / "apac/late-history.json", "[")
    put(folder / "eu/nameless-schedule.json", named(""))
    return folder


def written(fleet: Fleet) -> str:
    """Write all that is said of a fleet."""
    judged = judge_all(fleet.subjects, Criteria(), now=NOW)
    plans = [planned(each) for each in fleet.subjects]
    return msgspec.json.encode([judged, plans]).decode()


def cycles(fleet: Fleet) -> list[str]:
    """Return the cycle of each schedule."""
    return [each.cycle.cycle_id for each in judge_all(fleet.subjects, Criteria(), now=NOW)]


@pytest.mark.parametrize("pattern", ["", "/", "/**/*.json", "/*/*.json"])
def test_an_absolute_place_is_in_no_report_and_moving_it_opens_no_cycle(pattern: str, tmp_path: Path) -> None:
    place = make_fleet(tmp_path / "fleet")
    fleet = load_fleet(f"{place}{pattern}", None)
    shutil.move(place, tmp_path / "moved")
    moved = load_fleet(f"{tmp_path}/moved{pattern}", None)

    assert len(fleet.subjects) == 3
    assert str(tmp_path) not in written(fleet)
    assert "apac/broken-schedule.json: is not JSON" in written(fleet)
    assert cycles(fleet) == cycles(moved)


def test_a_relative_place_has_the_cycles_of_the_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_fleet(tmp_path / "fleet")
    absolute = load_fleet(str(place), None)
    monkeypatch.chdir(tmp_path)
    relative = load_fleet("fleet", None)

    assert cycles(absolute) == cycles(relative)
    assert "fleet/apac/broken-schedule.json: is not JSON" in written(relative)  # clickable, as it was


def test_of_an_absolute_file_only_the_name_is_shown(tmp_path: Path) -> None:
    put(tmp_path / "a/schedule.json", "{")
    put(tmp_path / "a/history.json", "[")
    put(
        tmp_path / "a/fleet.jsonl",
        '{"schedule": "schedule.json"}\n{\n{"schedule": {}, "history": "none.json"}',
    )
    one = load_fleet(str(tmp_path / "a/schedule.json"), str(tmp_path / "a/history.json"))
    many = load_fleet(str(tmp_path / "a/fleet.jsonl"), None)
    shutil.move(tmp_path / "a", tmp_path / "b")

    for fleet in (one, many):
        assert str(tmp_path) not in written(fleet)
    assert cycles(one) == cycles(load_fleet(str(tmp_path / "b/schedule.json"), None))
    assert cycles(many) == cycles(load_fleet(str(tmp_path / "b/fleet.jsonl"), None))
    assert [each.schedule and each.schedule.identity for each in many.subjects] == [
        "schedule.json",
        "fleet.jsonl:2",
        "fleet.jsonl:3#schedule",
    ]


@pytest.mark.parametrize("start", ["", "fleet/"], ids=["as it was configured", "relative to its worker"])
def test_a_cycle_that_is_open_under_the_former_path_stays(
    start: str, database: Database, tmp_path: Path
) -> None:
    fleet = load_fleet(str(make_fleet(tmp_path / "fleet")), None)
    broken = f"{start or f'{tmp_path}/fleet/'}apac/broken-schedule.json"
    commit(database, [make_entry(broken)], [], now=0.0)

    kept = keep_former_names(fleet.subjects, database)

    ids = [each.cycle.schedule_id for each in judge_all(kept, Criteria(), now=NOW)]
    assert ids == [broken, "payments", "eu/nameless-schedule.json"]
    assert keep_former_names(fleet.subjects, None) == fleet.subjects
    (first, *_) = fleet.subjects
    assert first.schedule
    assert {broken, "apac/broken-schedule.json"} <= set(
        known_names([first], judge_all([first], Criteria(), now=NOW))
    )


def test_the_name_of_a_file_does_nothing_to_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (f"{ESCAPE}-schedule.json", "\u202egnp.json", "a\nb.json", "c1\x9b.json", "支付\u3000é.json"):
        put(tmp_path / name, "{")
    fleet = load_fleet(str(tmp_path), None)

    for each in fleet.subjects:
        assert each.schedule
        assert each.schedule.problem.isprintable() or "\u3000" in each.schedule.problem
    assert "\\x1b]0;owned\\x07\\x1b[31m-schedule.json: is not JSON" in written(fleet).replace("\\\\", "\\")
    assert show_path("支付\u3000é.json") == "支付\u3000é.json"
    print_line(f"line {ESCAPE}")
    print_problem(f"problem {ESCAPE}")
    print_table(f"title {ESCAPE}", ("column",), [(f"cell {ESCAPE}",)])
    printed = capsys.readouterr()
    assert "\x1b]" not in printed.out + printed.err
    assert "\x07" not in printed.out + printed.err
    assert (printed.out + printed.err).count("\\x1b]0;owned\\x07") == 4
    assert show_text("two\nlines\tand a tab") == "two\nlines\tand a tab"


def test_of_a_line_without_an_end_only_the_beginning_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "LARGEST_DOCUMENT_BYTES", 1_000)
    monkeypatch.setattr(json_lines, "_CHUNK_BYTES", 100)
    lines = [json.dumps(named("a")), "x" * 100_000, json.dumps(named("b")), "y" * 5_000]
    path = put(tmp_path / "fleet.jsonl", "\n".join(lines))

    found = [
        (each.schedule and each.schedule.path, bool(each.schedule and each.schedule.document))
        for each in load(path)
    ]

    assert found == [
        ("fleet.jsonl:1", True),
        ("fleet.jsonl:2", False),
        ("fleet.jsonl:3", True),
        ("fleet.jsonl:4", False),
    ]


def load(path: Path) -> tuple[Subject, ...]:
    """Load the subjects of a path."""
    return load_fleet(str(path), None).subjects


def test_a_jsonl_file_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "fleet.jsonl", json.dumps(named("a")))
    os.truncate(path, 3 * 1024**3)
    with pytest.raises(UsageError, match="has 3,221,225,472 bytes, of at most 1,073,741,824; split it"):
        load(path)

    put(path, "{}\n" * 11)
    monkeypatch.setattr(json_lines, "MOST_RECORDS", 10)
    with pytest.raises(UsageError, match="has more than 10 records; split it"):
        load(path)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"shedule": {}}', "$.shedule is an unknown key; did you mean 'schedule'?"),
        (
            '{"Schedule": "a.json", "history": "b.json"}',
            "$.Schedule is an unknown key; did you mean 'schedule'?",
        ),
        ('{"schedule": {}, "histroy": {}}', "$.histroy is an unknown key; did you mean 'history'?"),
        ('{"schedule": {}, "note": ""}', "$.note is an unknown key; a record has schedule and history"),
        ('{"history": {}}', "$.schedule is missing; a record has schedule and history"),
        ('{"schedule": []}', "$.schedule is []; must be a document, or the path of one"),
        ('{"shedule_id": "a"}', "$.shedule_id is an unknown key; did you mean 'schedule_id'?"),
        ('{"owners": ["a"], "histroy": {}}', "$.histroy is an unknown key; remove it"),
    ],
)
def test_a_misspelt_key_of_a_record_is_compared_with_those_of_a_record(
    line: str, problem: str, tmp_path: Path
) -> None:
    (subject,) = load(put(tmp_path / "fleet.jsonl", line))

    assert subject.schedule
    assert subject.schedule.problem == f"fleet.jsonl:1: {problem}"


def test_mistakes_in_a_record_are_named_by_the_lines_of_the_file(tmp_path: Path) -> None:
    schedule = json.dumps(named("a"))
    twice = '{"status": "retired", "status": "active"}'
    lines = [
        f'{{"schedule": {twice}}}',
        f'{{"schedule": {schedule}, "history": {{"drills": [], "drills": []}}}}',
        f'{{"schedule": {schedule}, "schedule": {schedule}}}',
        twice,
        f'{{"history": {json.dumps(HISTORY)}, "schedule": {json.dumps(named("c"))}}}',
        '{"schedule": {"interval_days": }}',
    ]
    subjects = load(put(tmp_path / "fleet.jsonl", "\n".join(lines)))

    problems = [each.schedule.problem if each.schedule else "" for each in subjects]
    again = len(f'{{"schedule": {schedule}, "history": {{"drills": [], ') + 1
    assert problems[0] == (
        "fleet.jsonl:1#schedule: $.status is there twice,"
        " at line 1 column 15 and line 1 column 36; remove one of them"
    )
    assert problems[1] == ""
    assert subjects[1].history
    assert (
        f"fleet.jsonl:2#history: $.drills is there twice, at line 2 column {again - 14}"
        in subjects[1].history.problem
    )
    assert "fleet.jsonl:3: $.schedule is there twice, at line 3 column 2 and line 3 column" in problems[2]
    assert "fleet.jsonl:4: $.status is there twice, at line 4 column 2 and line 4 column 23" in problems[3]
    assert problems[4] == ""
    assert subjects[4].history
    assert subjects[4].history.document
    assert "fleet.jsonl:6: is not JSON" in problems[5]
    assert "line 6 column" in problems[5]
