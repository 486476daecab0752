"""Writes cells of CSV that no spreadsheet takes for a formula, or for several cells."""

from typing import Any, Final

import re2

_FORMULA: Final = re2.compile(
    r"(^|[\n\r\t;])([\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\pZ\p{Cf}]*[=+\-@＝＋－﹣﹢﹦﹫＠−])"
)
"""What a spreadsheet takes for a formula (OWASP, CSV injection), in a cell or behind another separator.
Some spreadsheets make full-width and small forms narrow."""
_STARTS_LINE: Final = ("\t", "\r", "\n")
_LONGEST: Final = 32_767
"""Characters of UTF-16 that Excel takes in a cell; what is beyond them begins a cell of its own."""


def write_cell(value: Any) -> str:
    """Write a value; what could be a formula gets a quotation mark in front, and a long text is cut."""
    text = "" if value is None else str(value)
    quoted: str = _FORMULA.sub(r"\1'\2", text)
    return _shorten(f"'{quoted}" if quoted.startswith(_STARTS_LINE) else quoted)


def _shorten(text: str) -> str:
    if len(text) <= _LONGEST // 2:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * _LONGEST:
        return text
    return units[: 2 * (_LONGEST - 1)].decode("utf-16-le", "ignore") + "…"
