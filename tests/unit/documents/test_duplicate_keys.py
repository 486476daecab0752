import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.duplicate_keys import certainly_has_no_repeats, find_repeats, parse_json
from rollback_drills.documents.fields import Document
from rollback_drills.documents.history import History
from rollback_drills.documents.promotion import PromotionEvidence, RollbackPlan, RollbackRehearsal
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from tests.samples.builders import DRILL, SCHEDULE, written

WINDOW = {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z"}
FULL_SCHEDULE = {
    **SCHEDULE,
    "owner_routes": {"team-a": {"providers": ["slack"], "manager": "lead"}, "team-b": {}},
    "maintenance_windows": [{**WINDOW, "id": "freeze"}, WINDOW],
    "owner_calendars": {"team-a": {"available": False, "blackout_windows": [WINDOW]}},
    "retest_within_days": 14,
    "due_policy": "explicit",
}
FULL_HISTORY = {
    "schema_version": "cavra.go-backend-rollback-drill-history.v1",
    "environment": "",
    "drills": [{**DRILL, "findings": [{"finding_id": "f-1"}]}, {"drill_id": "two", "status": "fail"}],
}


@pytest.mark.parametrize(
    ("model", "text", "problem"),
    [
        pytest.param(
            Schedule,
            '{"next_due_at": "2026-12-05T09:00:00Z",\n "next_due_at": "2027-12-05T09:00:00Z"}',
            "$.next_due_at is there twice, at line 1 column 2 and line 2 column 2; remove one of them",
            id="top",
        ),
        pytest.param(
            History,
            '{"drills": [{"status": "pass"},\r\n{"status": "fail", "status": "pass"}]}',
            "$.drills[1].status is there twice, at line 2 column 2 and line 2 column 20",
            id="in a drill",
        ),
        pytest.param(
            RoutingPolicy,
            '{"owner_routes": {"a": {"providers": ["x"]}, "b": {}, "a": {"providers": ["x"]}}}',
            "$.owner_routes.a is there twice",
            id="an owner",
        ),
        pytest.param(
            RollbackPlan,
            '{"approved": true, "approved": true}',
            "$.approved is there twice, at line 1 column 2 and line 1 column 20",
            id="the same value",
        ),
        pytest.param(
            Schedule, r'{"status": "retired", "\u0073tatus": "active"}', "$.status is there", id="escaped"
        ),
        pytest.param(
            Schedule, '{"status" : "retired", "status"\t: "active"}', "$.status is there", id="blanks"
        ),
        pytest.param(
            Schedule, '{"environment": "token=hunter2", "environment": "production"}', "is there", id="secret"
        ),
        pytest.param(Schedule, '{"interval_days": 5, "interval_days": null}', "$.interval_days", id="null"),
        pytest.param(
            Schedule,
            r'{"status": "active", "status": "active", "environment": "\u002c\u002c"}',
            "$.status is there",
            id="commas that are escaped do not make up for it",
        ),
        pytest.param(
            PromotionEvidence, '{"https://u:hunter2@h": 1, "https://u:hunter2@h": 2}', "must not", id="masked"
        ),
        pytest.param(RollbackRehearsal, '{"x": [{"a": 1, "a": 2}]}', "$.x[0].a is there twice", id="unknown"),
    ],
)
def test_a_key_that_stands_twice_makes_a_document_unusable_and_both_places_are_named(
    model: type[Document], text: str, problem: str
) -> None:
    loaded = parse_document(model, text.encode(), "file.json")

    assert loaded.document is None
    assert problem in loaded.problem
    assert "hunter2" not in loaded.problem


def test_the_same_key_in_several_objects_is_no_repeat() -> None:
    for model, document in ((Schedule, FULL_SCHEDULE), (History, FULL_HISTORY)):
        text = json.dumps(document)

        assert list(find_repeats(text)) == []
        assert parse_document(model, text.encode(), "file.json").document


@pytest.mark.parametrize(("model", "document"), [(Schedule, FULL_SCHEDULE), (History, FULL_HISTORY)])
def test_no_key_at_any_place_can_stand_twice(model: type[Document], document: dict[str, Any]) -> None:
    texts = list(repeated_once(document))

    assert len(texts) > 15
    for text in texts:
        loaded = parse_document(model, text.encode(), "file.json")
        assert loaded.document is None
        assert "is there twice" in loaded.problem


def repeated_once(value: Any) -> Any:
    """Return the JSON of a value as often as it has keys, each time with another one of them twice."""
    if isinstance(value, dict):
        members = [f"{json.dumps(key)}: {json.dumps(each)}" for key, each in value.items()]
        for number, (key, each) in enumerate(value.items()):
            yield "{" + ", ".join([*members, members[number]]) + "}"
            for inner in repeated_once(each):
                changed = [*members[:number], f"{json.dumps(key)}: {inner}", *members[number + 1 :]]
                yield "{" + ", ".join(changed) + "}"
    elif isinstance(value, list | tuple):
        items = [json.dumps(each) for each in value]
        for number, each in enumerate(value):
            for inner in repeated_once(each):
                yield "[" + ", ".join([*items[:number], inner, *items[number + 1 :]]) + "]"


def test_the_quick_look_is_enough_for_what_has_all_its_keys() -> None:
    data = written(SCHEDULE)

    assert certainly_has_no_repeats(msgspec.json.decode(data, type=Schedule), data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(alphabet='ab"\\{[:,é\n', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(st.sampled_from('ab"\\'), inner)).map(tuple)
    ),
    max_leaves=12,
)


def to_json(value: Any) -> str:
    """Write a tuple of pairs as an object."""
    if isinstance(value, tuple):
        return "{" + ",".join(f"{json.dumps(key)}:{to_json(each)}" for key, each in value) + "}"
    if isinstance(value, list):
        return "[" + " , ".join(map(to_json, value)) + "]"
    return json.dumps(value)


def count_repeats(value: Any) -> int:
    """Count the members whose key has stood in their object before."""
    if isinstance(value, tuple):
        own = len(value) - len({key for key, _ in value})
        return own + sum(count_repeats(each) for _, each in value)
    return sum(map(count_repeats, value)) if isinstance(value, list) else 0


@pytest.mark.slow
@given(VALUES)
def test_every_repeat_of_a_text_is_found_and_nothing_else(value: Any) -> None:
    text = to_json(value)

    found = list(find_repeats(text))

    assert len(found) == count_repeats(value)
    assert parse_json(text)[1] is bool(found)
    for repeat in found:
        first, _ = json.JSONDecoder().raw_decode(text, repeat.first_at)
        again, _ = json.JSONDecoder().raw_decode(text, repeat.again_at)
        assert first == again == repeat.loc[-1]


@pytest.mark.slow
def test_a_large_document_is_looked_through_in_reasonable_time(tmp_path: Path) -> None:
    drills = ",".join(f'{{"drill_id": "d-{number}", "status": "pass"}}' for number in range(50_000))
    text = f'{{"drills": [{drills}, {{"status": "fail", "status": "pass"}}]}}'

    assert "$.drills[50000].status is there twice" in parse_document(History, text.encode(), "x").problem
