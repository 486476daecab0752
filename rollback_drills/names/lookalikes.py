"""Finds names that look the same and are not: letters of another script, digits, full width."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from unicodedata import normalize

from rollback_drills.names.keys import name_key

# The common ones of https://www.unicode.org/Public/security/latest/confusables.txt, in lower case: Cyrillic,
# Greek, Armenian and small capitals by the Latin letter, and the dashes and quotes.
_LIKE: Final = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432\u03b2",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435\u03b5\u04bd",
    "g": "\u0261\u0581",
    "h": "\u04bb\u043d\u0570",
    "i": "\u0456\u03b9\u0131\u0269",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf",
    "m": "\u043c\u03bc",
    "n": "\u03b7\u0578\u043f",
    "o": "\u043e\u03bf\u0585\u03c3",
    "p": "\u0440\u03c1",
    "q": "\u051b\u0566",
    "r": "\u0433\u1d26",
    "s": "\u0455\ua731",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d\u1d1c",
    "v": "\u03bd\u0475",
    "w": "\u051d\u03c9\u0461",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3\u04af",
    "z": "\u03b6\u1d22",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2212",
    "'": "\u2019\u2018\u02bc",
}
# They choose another shape of the character before them, which may look the same.
_VARIANTS: Final = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_LATIN: Final = str.maketrans({each: latin for latin, some in _LIKE.items() for each in some})


def look_of(name: str) -> str:
    """Return what a name looks like: the same for two names that people can hardly tell apart."""
    key = name_key(name)
    if not key.isascii():
        key = normalize("NFKC", _VARIANTS.sub("", key)).translate(_LATIN)
    if " " in key:
        key = " ".join(key.split())
    return _merge_alike(key)


def look_different(names: Sequence[str]) -> bool:
    """Whether names certainly look different, each from all others; False if it takes a closer look.

    Plain names are written as one text, so that a fleet costs a few steps and not some for each schedule.
    """
    text = "\n".join(names)
    if not text.isascii():
        return False
    merged = _merge_alike(text.lower())
    looks = merged.split()
    has_blanks = looks != merged.split("\n")
    return not has_blanks and len(set(looks)) == len(looks) == len(names)


def _merge_alike(text: str) -> str:
    """Write characters of ASCII that look alike as one."""
    return text.replace("1", "l").replace("|", "l").replace("0", "o").replace("rn", "m")


def find_lookalikes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return each name that looks like an earlier, different one, after that one."""
    seen: dict[str, str] = {}
    for name in dict.fromkeys(names):
        first = seen.setdefault(look_of(name), name)
        if first is not name and name_key(first) != name_key(name):
            yield first, name


def explain_lookalike(place: str, path: str, first: str, second: str, where: str) -> str:
    """Name two names that look the same, with what tells them apart.

    Args:
        place: The document of the second one.
        path: The JSON path of the second one.
        first: The earlier name.
        second: The name.
        where: Where the first one is.
    """
    return (
        f"{place}: {path} {_write(second)} looks like {_write(first)} {where}, and is another name;"
        " rename one if they mean the same"
    )


def _write(name: str) -> str:
    """Write a name so that its characters can be told apart."""
    odd = [f"U+{ord(each):04X}" for each in name if not each.isascii()]
    return json.dumps(name, ensure_ascii=False) + (f" ({', '.join(odd)})" if odd else "")
