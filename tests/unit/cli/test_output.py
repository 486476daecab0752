from typing import Any

import pytest

from rollback_drills_cli.output import print_items, print_json


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
