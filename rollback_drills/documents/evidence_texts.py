"""Ensures that the evidence names people and quotes reasons so that readers see who it was, and why."""

from typing import Final
from unicodedata import category

from rollback_drills.documents.odd_names import explain_odd_name, shows_something
from rollback_drills.documents.privacy.privacy_rules import find_private
from rollback_drills.errors import UsageError

_LONGEST_PERSON: Final = 300
_LONGEST_TEXT: Final = 4000
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""With these, readers see the letters of a text in another order than it has them."""
_UNPRINTABLE: Final = frozenset({"Cc", "Cs"})
_OF_LINES: Final = frozenset("\t\n\r")


def check_person(name: str, *, field: str) -> None:
    """Ensure that a name can be read and holds nothing that evidence must not; an empty one is absent.

    Raises:
        UsageError: The name is private, blank or too long, or holds a character that nobody sees.
    """
    if len(name) > _LONGEST_PERSON:
        raise UsageError(f"is longer than {_LONGEST_PERSON} characters; write a name", field=field)
    if problem := explain_person(name):
        raise UsageError(problem, field=field)


def explain_person(name: str) -> str:
    """Return what is wrong with the name of somebody, and what to do; empty if the evidence can have it."""
    return explain_odd_name(name) or _explain_private(name)


def require_person(name: str, *, field: str) -> None:
    """Ensure that somebody is named, in the same way.

    Raises:
        UsageError: Nobody is named, or not so that the evidence can hold it.
    """
    if not name.strip():
        raise UsageError("is empty; say who, for the evidence", field=field)
    check_person(name, field=field)


def check_text(text: str, *, field: str) -> None:
    """Ensure that a text of any lines can be read and holds nothing that evidence must not; it may be empty.

    Raises:
        UsageError: It is private or too long, shows nothing, or holds characters that change how it is shown.
    """
    if len(text) > _LONGEST_TEXT:
        raise UsageError(f"has {len(text):,} characters; write at most {_LONGEST_TEXT:,}", field=field)
    if private := _explain_private(text):
        raise UsageError(private, field=field)
    if text and not shows_something(text):
        raise UsageError("has nothing that people can read; write some words", field=field)
    for character in text:
        if character in _REORDERING:
            raise UsageError(
                f"holds U+{ord(character):04X}, which shows letters in another order; leave it out",
                field=field,
            )
        if category(character) in _UNPRINTABLE and character not in _OF_LINES:
            raise UsageError(f"holds a control character (U+{ord(character):04X}); leave it out", field=field)


def require_reason(text: str, *, field: str = "reason") -> None:
    """Ensure that a reason is given, in the same way.

    Raises:
        UsageError: None is, or not so that the evidence can hold it.
    """
    if not text.strip():
        raise UsageError("is empty; say why, for the evidence", field=field)
    check_text(text, field=field)


def _explain_private(text: str) -> str:
    kind = find_private(text)
    return f"holds {kind}, which evidence must not name; leave it out" if kind else ""
