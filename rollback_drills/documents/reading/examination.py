"""Examines a document that cannot be used: each mistake in it once, and what can be read in spite of them."""

from typing import Any, Final

import msgspec

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.reading.careful_reader import D, Parsed, parse_carefully
from rollback_drills.documents.reading.json_text import TOO_DEEP
from rollback_drills.documents.reading.mismatches import explain_mismatch
from rollback_drills.documents.reading.mistake import Mistake
from rollback_drills.documents.reading.other_kinds import explain_other_kind
from rollback_drills.documents.reading.shapes import is_known
from rollback_drills.documents.unusable_document import UnusableDocumentError

_MOST_MISTAKES: Final = 100


def examine(model: type[D], data: bytes) -> tuple[list[Mistake], D | None]:
    """Return every mistake in a document, and what can be read in spite of them.

    Args:
        model: What the document is to be.
        data: Its bytes.

    Raises:
        UnusableDocumentError: Nothing can be read of it; the message says why.
    """
    try:
        parsed = parse_carefully(model, data)
        if other := explain_other_kind(model, parsed.raw):
            raise UnusableDocumentError(other)
        return _examine(model, parsed)
    except RecursionError:
        raise UnusableDocumentError(TOO_DEEP) from None


def _examine(model: type[D], parsed: Parsed) -> tuple[list[Mistake], D | None]:
    """Convert a document, without each value that the model refuses."""
    rest = _Rest(parsed.raw)
    for loc in parsed.unreadable:
        rest.leave_out(loc)
    mistakes, left_out = list(parsed.mistakes), set(parsed.unreadable)
    while len(mistakes) < _MOST_MISTAKES:
        try:
            msgspec.convert(rest.raw, model)
        except msgspec.ValidationError as error:
            refused = explain_mismatch(model, rest.raw, error)
            meant = {each.meant for each in mistakes if each.meant}
        else:
            return mistakes, rest.read(model)
        mistake = refused.move(rest.locate)
        if not (any(each.names(mistake.loc) for each in mistakes) or mistake.follows_from(left_out | meant)):
            mistakes.append(mistake)
        loc = refused.loc
        gone = rest.locate(loc)
        while not rest.leave_out(loc):  # a key that is missing: its object cannot be read
            if not loc:
                return mistakes, None
            loc, gone = loc[:-1], gone[:-1]
        if is_known(model, gone):
            left_out.add(gone)
    return mistakes, None


class _Rest:
    """What remains of a document, without the values that were left out."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self._indexes: dict[int, list[int]] = {}
        """For each list that lacks an item, by its identity: where in the document its other items stand."""

    def locate(self, loc: Location) -> Location:
        """Return where in the document something stands that remains."""
        whole: Location = ()
        value = self.raw
        for part in loc:
            if isinstance(part, int):
                indexes = self._indexes.get(id(value))
                whole = (*whole, indexes[part] if indexes else part)
                value = value[part]
            else:
                whole = (*whole, part)
                value = (value or {}).get(part)
        return whole

    def leave_out(self, loc: Location) -> bool:
        """Leave out the value at a place; return whether there is one."""
        if not loc:
            return False
        *above, last = loc
        value = self.raw
        for part in above:
            value = value[part]
        if isinstance(last, int):
            del self._indexes.setdefault(id(value), list(range(len(value))))[last]
        elif last not in value:
            return False
        del value[last]
        return True

    def read(self, model: type[D]) -> D | None:
        """Read what remains, without the lists that lack an item; None if the model needs them."""
        try:
            return msgspec.convert(self._keep_whole_lists(self.raw), model)
        except msgspec.ValidationError:
            return None

    def _keep_whole_lists(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: self._keep_whole_lists(each)
                for key, each in value.items()
                if id(each) not in self._indexes
            }
        return [*map(self._keep_whole_lists, value)] if isinstance(value, list) else value
