"""Finds people in escalation chains whose name is almost that of an owner, and probably misspelt."""

from collections.abc import Collection, Iterator
from typing import Final

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.owner_rules import OwnerRule
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.names.keys import name_key
from rollback_drills.names.similar_names import find_digits

_MOST_COMPARED: Final = 200
"""With more owners, comparing each name would take longer than a hint is worth."""
_SHORTEST: Final = 6
"""In shorter names one letter may make another name: `lead-a` and `lead-ab`."""


def find_misspelt_owners(loc: Location, rule: OwnerRule, owners: Collection[str]) -> Iterator[str]:
    """Yield path, name and remedy of everybody in a rule whose name is almost that of an owner.

    Args:
        loc: Where the rule stands.
        rule: The rule.
        owners: The owners of the schedules.
    """
    if len(owners) > _MOST_COMPARED:
        return
    steps = [
        ((*loc, "escalation_steps", place, "owner"), step.owner)
        for place, step in enumerate(rule.escalation_steps)
    ]
    people = [((*loc, "escalation_owner"), rule.escalation_owner), *steps]
    keys = {name_key(each): each for each in owners}
    for where, name in people:
        key = name_key(name)
        if key in keys or len(key) < _SHORTEST:
            continue
        meant = next((each for each in keys if _is_slip(key, each)), "")
        if meant:
            remedy = f"did you mean {show(keys[meant])}?"
            yield f"{json_path(where)} is {show(name)}, who owns no schedule; {remedy}"


def _is_slip(one: str, other: str) -> bool:
    """Return whether one letter was left out or added, or two adjacent letters were swapped."""
    if abs(len(one) - len(other)) > 1 or find_digits(one) != find_digits(other):
        return False
    shorter, longer = sorted((one, other), key=len)
    if len(longer) == len(shorter) + 1:
        return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
    return len(longer) == len(shorter) and any(
        one[:at] + one[at + 1 : at + 2] + one[at] + one[at + 2 :] == other for at in range(len(one) - 1)
    )
