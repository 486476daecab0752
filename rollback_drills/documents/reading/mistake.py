"""Mistakes in documents, as values: the place of each, what is wrong there, and what else it is about."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.quotation import json_path
from rollback_drills.names.keys import name_key


class Mistake(NamedTuple):
    """What is wrong with a document, where, and how to fix it."""

    loc: Location
    what: str
    """What is wrong at the place, and the remedy."""
    about: tuple[Location, ...] = ()
    """The places at which a check looked, if they are others: what is wrong there may be why this is."""
    meant: Location | None = None
    """The place of the key that is probably meant, if this one is misspelt."""

    def __str__(self) -> str:
        """Write the mistake for people: its path, and what is wrong there."""
        return f"{json_path(self.loc)} {self.what}"

    def names(self, loc: Location) -> bool:
        """Return whether this is about a place, or about a misspelling of its key."""
        return loc in (self.loc, self.meant)

    def follows_from(self, left_out: Iterable[Location]) -> bool:
        """Return whether this is only because something was left out, on account of another mistake."""
        return any(_overlap(each, loc) for loc in left_out for each in self.about or (self.loc,))

    def move(self, locate: Callable[[Location], Location]) -> Self:
        """Return the same mistake at other places."""
        meant = None if self.meant is None else locate(self.meant)
        return self._replace(loc=locate(self.loc), about=tuple(map(locate, self.about)), meant=meant)


def _overlap(one: Location, other: Location) -> bool:
    """Return whether two places are the same, or one is within the other; names in any spelling."""
    return all(_fold(mine) == _fold(theirs) for mine, theirs in zip(one, other, strict=False))


def _fold(part: int | str) -> int | str:
    return name_key(part) if isinstance(part, str) else part
