"""Editing the text of a document: what is added reads as if somebody had written it there, the rest stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schema_versions import HISTORY_SCHEMA
from rollback_drills.recording.document import append_drill, move_due, new_history

NEW = {"drill_id": "d-2", "evidence_refs": ["go-rollback-drill://ci/run-2"]}
TWO_SPACES = """{
  "schema_version": "v1",
  "drills": [
    {
      "drill_id": "d-1",
      "status":   "pass"
    }
  ],
  "environment": "production"
}
"""


def added(text: str, drill: dict[str, Any] | None = None) -> str:
    return append_drill(text.encode(), drill or NEW).decode()


def test_a_drill_is_written_as_the_one_before_it_and_nothing_else_changes() -> None:
    assert added(TWO_SPACES) == TWO_SPACES.replace(
        """    }
  ],""",
        """    },
    {
      "drill_id": "d-2",
      "evidence_refs": [
        "go-rollback-drill://ci/run-2"
      ]
    }
  ],""",
    )


ONE_LINE = '{"drill_id": "d-2", "evidence_refs": ["go-rollback-drill://ci/run-2"]}'
COMPACT = ONE_LINE.replace(": ", ":").replace(", ", ",")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('{"drills":[]}', f'{{"drills":[{COMPACT}]}}', id="compact and empty"),
        pytest.param(
            '{"drills":[{"drill_id":"d-1"}]}', f'{{"drills":[{{"drill_id":"d-1"}},{COMPACT}]}}', id="compact"
        ),
        pytest.param(
            '{"drills": [{"drill_id": "d-1"}]}\n',
            f'{{"drills": [{{"drill_id": "d-1"}}, {ONE_LINE}]}}\n',
            id="on one line",
        ),
        pytest.param(
            '{\n  "drills": [\n    {"drill_id": "d-1"}\n  ]\n}\n',
            f'{{\n  "drills": [\n    {{"drill_id": "d-1"}},\n    {ONE_LINE}\n  ]\n}}\n',
            id="a line for each drill",
        ),
        pytest.param(
            '{\r\n\t"drills": []\r\n}\r\n',
            '{\r\n\t"drills": [\r\n\t\t{\r\n\t\t\t"drill_id": "d-2"\r\n\t\t}\r\n\t]\r\n}\r\n',
            id="tabs, and lines that end as on Windows",
        ),
        pytest.param(
            '{\n    "environment": "x"\n}',
            '{\n    "environment": "x",\n    "drills": [\n        {\n            "drill_id": "d-2"\n'
            "        }\n    ]\n}",
            id="without a list of drills",
        ),
        pytest.param(
            '\ufeff {"drills": [], "environment": "é ] } \\" ü"}',
            f'\ufeff {{"drills": [{ONE_LINE}], "environment": "é ] }} \\" ü"}}',
            id="a byte order mark, and brackets in a text",
        ),
    ],
)
def test_every_layout_is_kept(before: str, after: str) -> None:
    is_long = "\r\n" in before or '"environment": "x"' in before
    assert added(before, {"drill_id": "d-2"} if is_long else None) == after


def test_of_two_lists_the_one_that_counts_for_readers_is_added_to() -> None:
    text = added('{"drills": [], "drills": [{"drill_id": "d-1"}]}')

    assert [each["drill_id"] for each in json.loads(text)["drills"]] == ["d-1", "d-2"]


def test_the_due_instant_is_moved_and_nothing_else() -> None:
    text = '{ "note": "next_due_at",\t"next_due_at" :  "2026-01-01T00:00:00Z" , "a": [1]\n}'

    moved = move_due(text.encode(), "2027-01-01T00:00:00+00:00").decode()

    assert moved == text.replace("2026-01-01T00:00:00Z", "2027-01-01T00:00:00+00:00")


def test_a_new_history_can_be_read() -> None:
    empty = History(HISTORY_SCHEMA, "production")

    found = parse_document(History, new_history(empty, NEW), "history.json").document

    assert found
    assert (found.schema_version, found.environment) == (HISTORY_SCHEMA, "production")
    assert [each.drill_id for each in found.drills] == ["d-2"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
drill_objects = st.dictionaries(texts, values, max_size=3)
layouts = st.sampled_from([None, 0, 1, 2, 4, "\t"])


@st.composite
def written_histories(draw: st.DrawFn) -> str:
    document = draw(st.dictionaries(texts.filter(lambda key: key != "drills"), values, max_size=3))
    if draw(st.booleans()):
        document["drills"] = draw(st.lists(drill_objects, max_size=3))
    if draw(st.booleans()):
        document = dict(reversed(document.items()))
    compact = draw(st.booleans())
    text = json.dumps(
        document,
        indent=draw(layouts),
        ensure_ascii=draw(st.booleans()),
        separators=(",", ":") if compact else None,
    )
    return draw(st.sampled_from(["", " ", "\n"])) + text + draw(st.sampled_from(["", "\n", "\r\n "]))


@pytest.mark.slow
@given(written_histories(), drill_objects)
def test_whatever_the_document_it_has_the_drill_and_all_that_it_had(text: str, drill: dict[str, Any]) -> None:
    before = json.loads(text)

    after = added(text, drill or {"a": 1})

    assert json.loads(after) == {**before, "drills": [*before.get("drills", []), drill or {"a": 1}]}
    kept = iter(after)
    assert all(character in kept for character in text.replace(" ", "").replace("\n", "").replace("\r", ""))


@pytest.mark.slow
@given(written_histories(), drill_objects, drill_objects)
def test_another_drill_can_be_added_after_the_first(
    text: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert json.loads(added(added(text, first), second))["drills"][-2:] == [
        first or NEW,
        second or NEW,
    ]
