"""Decides whether two names of the evidence stand for one person: who asks may not be who approves."""

from typing import Final
from unicodedata import combining, normalize

from rollback_drills.names.lookalikes import look_of

PROXY: Final = "proxy"
"""Stands after `via` in the name of a person whom the proxy's login named."""
LINK: Final = "link"
"""Stands after `via` in the name that a person typed on the page behind a link."""
SHARED: Final = frozenset({PROXY, LINK})
"""What many people come through; everything else after `via` is the name of one token."""
_VIA: Final = " via "
_PLAIN: Final = str.maketrans(
    {"\u00e6": "ae", "\u0153": "oe", "\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00f0": "d"}
)
"""Letters without an accent to take off, as they are written where a keyboard lacks them."""


def name_via(person: str, through: str) -> str:
    """Return how the evidence names a person who came through a token, a proxy or a link."""
    return f"{person}{_VIA}{through}"


def is_plain(name: str) -> bool:
    """Whether a name does not look like one that says through what somebody came."""
    return _VIA not in name.casefold()


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are of one person: the same in any spelling, or too alike to tell apart."""
    return _look_of(_person(one)) == _look_of(_person(other))


def is_same_caller(one: str, other: str) -> bool:
    """Whether two names are of one person, or came through one token, whoever its holder claimed to be."""
    return not _callers(one).isdisjoint(_callers(other))


def _callers(name: str) -> set[str]:
    token = name.rpartition(_VIA)[2] if _VIA in name else ""
    return {_look_of(_person(name)), *([_look_of(token)] if token and token not in SHARED else ())}


def _look_of(name: str) -> str:
    """Return what a name looks like without its accents: people leave them out of their own names."""
    bare = (each for each in normalize("NFD", name.casefold()) if not combining(each))
    return look_of("".join(bare).translate(_PLAIN))


def _person(name: str) -> str:
    return name.partition(_VIA)[0]
