from pathlib import Path
from typing import Any

import pytest

from rollback_drills_cli.output import print_items, print_json
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


@pytest.mark.parametrize("arguments", [("verify",), ("backup", "copy.db"), ("export", "out")])
def test_where_no_person_looks_an_error_is_the_only_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = drills("evidence", *arguments, cwd=tmp_path, DRILLS_DATABASE_URL=f"sqlite:///{tmp_path / 'a.db'}")

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("drills: there is no evidence")
