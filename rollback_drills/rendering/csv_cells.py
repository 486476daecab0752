"""Writes cells of CSV that no spreadsheet takes for a formula."""

from typing import Any, Final

import re2

_FORMULA: Final = re2.compile(
    r"(^|[\n\r\t;])([\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\pZ\p{Cf}]*[=+\-@＝＋－﹣﹢﹦﹫＠−])"
)
"""What a spreadsheet takes for a formula (OWASP, CSV injection), in a cell or behind another separator.
Some spreadsheets make full-width and small forms narrow."""
_STARTS_LINE: Final = ("\t", "\r", "\n")


def write_cell(value: Any) -> str:
    """Write a value; what could be a formula gets a quotation mark in front."""
    text = "" if value is None else str(value)
    quoted: str = _FORMULA.sub(r"\1'\2", text)
    return f"'{quoted}" if quoted.startswith(_STARTS_LINE) else quoted
