"""The identity of names: of schedules, owners, providers and windows, however a document spells them."""

from collections.abc import Collection, Iterable
from functools import lru_cache
from unicodedata import normalize


def name_key(name: str) -> str:
    """Return the identity of a name: without outer blanks, in one Unicode form, and without case.

    Names are compared and hashed by this key. People see the spelling of the document.
    """
    return name.strip().lower() if name.isascii() else _fold(name)


@lru_cache(maxsize=16_384)
def _fold(name: str) -> str:
    # a canonical caseless match: Unicode standard, section 3.13, definition D145
    return normalize("NFC", normalize("NFD", name).casefold()).strip()


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same name."""
    return one == other or name_key(one) == name_key(other)


def find_spelling(name: str, known: Collection[str]) -> str | None:
    """Return the known name that this one is, in its own spelling; None if there is none."""
    if name in known:
        return name
    key = name_key(name)
    return next((each for each in known if name_key(each) == key), None)


def first_spellings(names: Iterable[str]) -> dict[str, str]:
    """Return the names by key, each in its first spelling, in their order."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name_key(name), name)
    return found
