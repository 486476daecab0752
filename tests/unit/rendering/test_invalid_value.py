"""What pydantic refuses is explained in plain English: it names what is needed, and no Python type."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from rollback_drills.rendering.invalid_value import explain_invalid
from tests.samples.builders import NOW

TIME = "must be a time with its offset from UTC, such as 2026-06-20T15:40:00Z"


class Size(StrEnum):
    """A choice."""

    SMALL = "small"
    LARGE = "large"


class Strict(BaseModel, extra="forbid"):
    """An object."""

    count: int


def refuse(kind: Any, value: object, *, strict: bool = True) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value, strict=strict)
    return explain_invalid(caught.value.errors()[0])


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (dict[str, int], "x", "must be a JSON object"),
        (Strict, "x", "must be a JSON object"),
        (Strict, {}, "is missing"),
        (Strict, {"count": 1, "more": 2}, "is unknown"),
        (list[int], "x", "must be a list"),
        (str, 7, "must be a text"),
        (bool, "maybe", "must be true or false"),
        (int, "x", "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (float, "x", "must be a number"),
        (Annotated[float, Field(allow_inf_nan=False)], float("inf"), "must be a number that is not infinite"),
        (Annotated[float, Field(ge=0.1)], 0.0, "must be at least 0.1"),
        (Annotated[float, Field(le=36525.0)], 1e9, "must be at most 36,525"),
        (Annotated[int, Field(le=1_000_000)], 10**9, "must be at most 1,000,000"),
        (Annotated[float, Field(gt=0.0)], 0.0, "must be greater than 0"),
        (Annotated[int, Field(lt=3)], 3, "must be less than 3"),
        (Annotated[str, Field(min_length=1)], "", "must not be empty"),
        (Annotated[str, Field(min_length=8)], "x", "must have at least 8 characters"),
        (Annotated[str, Field(max_length=1)], "xx", "must have at most 1 character"),
        (Annotated[str, Field(pattern="^a$")], "b", "has a character or a form that is not allowed here"),
        (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "must have at most 2 items"),
        (Literal["pass", "fail"], "ok", "must be 'pass' or 'fail'"),
        (datetime, "soon", TIME),
        (AwareDatetime, NOW.replace(tzinfo=None), TIME),
    ],
)
def test_it_says_what_is_needed(kind: Any, value: object, why: str) -> None:
    assert refuse(kind, value) == why


def test_a_choice_of_an_enum_is_listed() -> None:
    assert refuse(Size, "medium", strict=False) == "must be 'small' or 'large'"


def test_the_words_of_a_rule_are_kept() -> None:
    def refuse_blank(_: str) -> str:
        raise ValueError("it is blank; write a name")

    assert refuse(Annotated[str, AfterValidator(refuse_blank)], " ") == "it is blank; write a name"


def test_what_has_no_words_yet_is_no_input() -> None:
    detail = {"type": "bytes_type", "msg": "Input should be a valid bytes"}
    assert explain_invalid(detail) == "must be a valid bytes"
