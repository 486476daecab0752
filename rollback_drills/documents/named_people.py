"""Ensures that the evidence names people so that readers see who it was."""

from typing import Final

from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.privacy_rules import find_private
from rollback_drills.errors import UsageError

_LONGEST_PERSON: Final = 300


def check_person(name: str, *, field: str) -> None:
    """Ensure that a name can be read and holds nothing that evidence must not; a blank one is absent.

    Raises:
        UsageError: The name is private or too long, or holds a character that nobody sees.
    """
    if kind := find_private(name):
        raise UsageError(f"holds {kind}, which evidence must not name; leave it out", field=field)
    if name.strip() and (problem := explain_odd_name(name)):
        raise UsageError(problem, field=field)
    if len(name) > _LONGEST_PERSON:
        raise UsageError(f"is longer than {_LONGEST_PERSON} characters; write a name", field=field)


def require_person(name: str, *, field: str) -> None:
    """Ensure that somebody is named, in the same way.

    Raises:
        UsageError: Nobody is named, or not so that the evidence can hold it.
    """
    if not name.strip():
        raise UsageError("is empty; say who, for the evidence", field=field)
    check_person(name, field=field)
