"""Reads a text as people see it: pasted texts have hidden characters, and letters that are wide or bold."""

import re
from functools import cache
from typing import Final
from unicodedata import category, normalize

_DISGUISE: Final = (
    "[\u00ad\u061c\u180e\u200b-\u2011\u202a-\u202e\u2060-\u206f\u3002\ufe50-\ufe6b\ufeff\uff01-\uff5e\uff61"
    "\U0001d400-\U0001d7ff\U000e0001-\U000e007f]"
    r"|\[\.\]|\(\.\)|\{\.\}"
)
# Those who warn of a host write its dots so that nobody follows it by accident. Input methods of Chinese and
# Japanese write a full stop of their own, which browsers read as a dot.
_DOT: Final = r"(?<=\w)(?:\[\.\]|\(\.\)|\{\.\})(?=\w)|(?<=[0-9A-Za-z])\u3002(?=[0-9A-Za-z])"
_HYPHENS: Final = str.maketrans("\u2010\u2011", "--")

LOOSE_DISGUISE: Final = (
    r"\xc2\xad|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x91\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xe3\x80\x82|\xef\xb9[\x90-\xab]"
    r"|\xef\xbb\xbf|\xef\xbc[\x81-\xbf]|\xef\xbd[\x80-\x9e\xa1]|\xf0\x9d[\x90-\x9f]|\xf3\xa0[\x80\x81]"
    r"|\[\.\]|\(\.\)|\{\.\}"
)
"""For RE2, which looks at the bytes of UTF-8."""


def read_as_shown(text: str) -> str:
    """Return a text as people see it, or the text itself if it has nothing that hides its letters."""
    if not _compile(_DISGUISE).search(text):
        return text
    visible = "".join(character for character in text if category(character) != "Cf")
    return _compile(_DOT).sub(".", normalize("NFKC", visible).translate(_HYPHENS))


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)  # only for a suspicious text: a start does not wait for it
