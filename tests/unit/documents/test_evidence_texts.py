"""Who and why, in the evidence: readers see it, and see what was written."""

from collections.abc import Callable

import pytest

from rollback_drills.documents.evidence_texts import (
    check_person,
    check_text,
    require_person,
    require_reason,
)
from rollback_drills.documents.quotation import is_written
from rollback_drills.errors import UsageError

UNSEEN = ["\u200b", "\u200b\u2060 ", "\u3164", "\u2800", "\ufeff", "\x00", "\x1b", "\x07\x08"]
BLANK = [" ", "\t", "\n\n", "\u00a0", "\u2003 ", "\x1f"]


def problem_of(check: Callable[..., None], text: str) -> str:
    """Return what a check says of a text; empty if it may stand in the evidence."""
    try:
        check(text, field="what")
    except UsageError as error:
        return error.problem
    return ""


@pytest.mark.parametrize(
    "text", ["", "Wait:\r\n\tfor payments\u2011api 👩\u200d🚒", "\u05e9\u05dc\u05d5\u05dd"]
)
def test_what_people_write_and_nothing_at_all_may_stand_in_a_text(text: str) -> None:
    assert not problem_of(check_text, text)


def test_nobody_has_to_be_named_where_a_name_is_optional() -> None:
    assert not problem_of(check_person, "")
    assert not problem_of(check_person, "Zo\u00eb O'Neill ")


@pytest.mark.parametrize("text", [*BLANK, *UNSEEN], ids=ascii)
def test_a_text_of_which_nothing_is_seen_is_refused_also_where_none_is_needed(text: str) -> None:
    assert problem_of(check_text, text)
    assert problem_of(check_person, text)
    assert problem_of(require_person, text)
    assert problem_of(require_reason, text)
    assert not is_written(text)
    assert not is_written("a", text)


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_a_blank_is_as_good_as_nothing_where_something_is_needed(text: str) -> None:
    assert problem_of(require_person, text) == problem_of(require_person, "")
    assert problem_of(require_reason, text) == problem_of(require_reason, "")


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x08", "\x1b", "\x7f", "\x85", "\x9b", "\ud800"], ids=ascii
)
def test_a_control_character_is_refused_in_the_midst_of_words(character: str) -> None:
    found = problem_of(check_text, f"red {character}[31m alert")

    assert "holds a control character" in found
    assert character not in found


def test_a_text_that_is_too_long_is_refused_by_its_length() -> None:
    assert "has 1,000,000 characters; write at most 4,000" in problem_of(check_text, "why " * 250_000)
