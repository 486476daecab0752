"""Whether a history has a drill already: by its id, or by everything else that it says."""

import json
from collections.abc import Iterable, Iterator

import msgspec

from rollback_drills.documents.history import Drill
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import is_same
from rollback_drills.recording.drill_entry import drill_to_wire


class DifferentDrillError(UsageError):
    """The history has a drill of the same id that says something else; nothing was written."""


def is_recorded(drill: Drill, known: Iterable[Drill], place: str) -> bool:
    """Whether the history has this drill already, as when its result arrives a second time.

    Raises:
        DifferentDrillError: It has a drill of the same id that says something else; names each difference.
    """
    for number, each in enumerate(known):
        if is_same(each.drill_id, drill.drill_id):
            if each == drill:
                return True
            differences = "; ".join(_find_differences(each, drill))
            raise DifferentDrillError(
                f"{place}: $.drills[{number}] is {show(each.drill_id)} already, and differs: {differences};"
                " nothing was written"
            )
    return False


def _find_differences(recorded: Drill, drill: Drill) -> Iterator[str]:
    old, new = drill_to_wire(recorded), drill_to_wire(drill)
    for name in Drill.__struct_fields__:
        if old.get(name) != new.get(name):
            yield f"{name} {_write(old.get(name))} is recorded, and {_write(new.get(name))} was sent"


def _write(value: object) -> str:
    if value is None:
        return "nothing"
    return show(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def refuse_repeated(drill: Drill, known: Iterable[Drill], place: str) -> None:
    """Ensure that a drill is not in the history yet.

    Raises:
        UsageError: A drill with the same id is there, or one that is equal in everything else.
    """
    for number, each in enumerate(known):
        if is_same(each.drill_id, drill.drill_id):
            raise UsageError(
                f"{place}: $.drills[{number}] is {show(each.drill_id)} already; nothing was written"
            )
        if msgspec.structs.replace(each, drill_id=drill.drill_id) == drill:
            raise UsageError(
                f"{place}: $.drills[{number}] ({show(each.drill_id)}) is the same drill; nothing was written"
            )
