"""Texts that may stand in XML."""

import re
from typing import Final

# XML 1.0 knows no way to write these, escaped or not: https://www.w3.org/TR/xml/#charsets
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """Put the replacement character for each one that XML cannot hold."""
    return _ILLEGAL.sub("\ufffd", text)
