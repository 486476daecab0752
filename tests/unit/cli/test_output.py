from pathlib import Path
from typing import Any

import pytest

from rollback_drills_cli.terminal.output import print_items, print_json, print_sentence, print_table
from tests.samples.commands import drills


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([], id="none"),
        pytest.param([{}], id="an empty one"),
        pytest.param([{"a": [1, {"b": "two\nlines"}], "c": {}}, {"items": []}, "text"], id="several"),
    ],
)
@pytest.mark.parametrize("further", [{}, {"warnings": ["a", "b"]}], ids=["last", "not last"])
def test_items_that_are_printed_one_at_a_time_look_like_one_document(
    items: list[Any], further: dict[str, Any], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    made = {"schema_version": "x.v1", "generated_at": "2026-12-01T09:00:00+00:00"}
    print_json({**made, "items": items, **further})
    whole = capfdbinary.readouterr().out

    print_items({**made, "items": [], **further}, iter(items))

    assert capfdbinary.readouterr().out == whole


def test_a_table_leaves_ids_whole_so_that_they_can_be_copied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = "gordmsg-577ad756ce212543"

    print_table("Outbox", ("notification", *"abc"), [(found, *["a long text " * 5] * 3)])

    assert found in capsys.readouterr().out


@pytest.mark.parametrize("columns", ["0", "1", "10", "39"])
def test_a_terminal_that_says_it_has_no_room_loses_nothing(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    print_table(
        "Schedules", ("schedule", "state", "due", "why"), [("payments", "ready", "soon", "it is early")]
    )
    print_sentence("Ready: 1.")

    printed = capsys.readouterr().out
    assert [each for each in ("payments", "it is early", "Ready: 1.") if each not in printed] == []


def test_people_read_times_as_people_write_them(capsys: pytest.CaptureFixture[str]) -> None:
    due = "due 2026-12-24T09:00:00+00:00"
    print_table("Drills", ("why",), [(due,)])
    print_sentence(due)

    assert capsys.readouterr().out.count("due 24 Dec 2026, 09:00 UTC") == 2


@pytest.mark.parametrize("arguments", [("verify",), ("backup", "copy.db"), ("export", "out")])
def test_where_no_person_looks_an_error_is_the_only_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = drills("evidence", *arguments, cwd=tmp_path, DRILLS_DATABASE_URL=f"sqlite:///{tmp_path / 'a.db'}")

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("drills: there is no evidence")
