import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.canonical import write_canonical

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.floats(-(2**53) + 1, 2**53 - 1), st.booleans())
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXTS, inner)),
    max_leaves=20,
)


@pytest.mark.slow
@given(VALUES)
def test_every_value_is_written_as_the_reference_implementation_writes_it(value: Any) -> None:
    written = write_canonical(value)

    assert written == rfc8785.dumps(value)
    assert write_canonical(json.loads(written)) == written


def test_an_ordinary_fraction_is_written_without_the_reference_implementation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes thirty times as long, and every plan has a fraction."""
    monkeypatch.delattr("rfc8785.dumps")

    assert write_canonical({"left": -3.0625, "of": [0.5, 13.4921]}) == b'{"left":-3.0625,"of":[0.5,13.4921]}'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}', id="order"),
        pytest.param({"\U00010000": 1, "\ue000": 2}, '{"\U00010000":1,"\ue000":2}'.encode(), id="UTF-16"),
        pytest.param([1.0, 1e21, 1e-7, 0.1, -0.0], b"[1,1e+21,1e-7,0.1,0]", id="numbers"),
        pytest.param('\x00\x1f\x7f"\\/\u2028', '"\\u0000\\u001f\x7f\\"\\\\/\u2028"'.encode(), id="escapes"),
        pytest.param("a 1:2.5 [3e5", b'"a 1:2.5 [3e5"', id="a text that looks like numbers"),
        pytest.param(9007199254740991, b"9007199254740991", id="the largest integer"),
    ],
)
def test_examples_of_the_standard(value: Any, written: bytes) -> None:
    assert write_canonical(value) == written


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**64), {"a": object()}, "\ud800", {1: "a"} | {"x": {2.5}}, 2**70, [None, 2**70]],
)
def test_what_json_cannot_carry_is_one_message(value: Any) -> None:
    with pytest.raises(UsageError, match="cannot be written as canonical JSON"):
        write_canonical(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("place", [lambda n: n, lambda n: {"a": [None, n]}, lambda n: {"a": (n,), "b": None}])
def test_what_is_no_number_does_not_become_null(place: Any, number: float) -> None:
    with pytest.raises(UsageError, match="is no number of JSON"):
        write_canonical(place(number))


def test_nesting_without_end_is_one_message() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(UsageError, match="cannot be written as canonical JSON"):
        write_canonical(value)
