"""Writes in plain English why pydantic refused a value: its own words name Python types."""

from collections.abc import Mapping
from typing import Any, Final

from rollback_drills.rendering.counts import write_count

_PLAIN: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "json_invalid": "is no valid JSON",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number that is not infinite",
    "string_type": "must be a text",
    "string_pattern_mismatch": "has a character or a form that is not allowed here",
    "dict_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dataclass_type": "must be a JSON object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "none_required": "must be null",
    "greater_than": "must be greater than {gt:,.12g}",
    "greater_than_equal": "must be at least {ge:,.12g}",
    "less_than": "must be less than {lt:,.12g}",
    "less_than_equal": "must be at most {le:,.12g}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}
_OF_TIMES: Final = "must be a time with its offset from UTC, such as 2026-06-20T15:40:00Z"


def explain_invalid(detail: Any) -> str:
    """Return why a value was refused, as what follows its name; never the value, which may be a secret.

    Args:
        detail: One of the `errors()` of a ValidationError.
    """
    kind, message, known = str(detail["type"]), str(detail["msg"]), detail.get("ctx") or {}
    if kind in ("value_error", "assertion_error"):
        return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind.endswith("too_short"):
        return _describe_least(known["min_length"], "character" if kind.startswith("string") else "item")
    if kind.endswith("too_long"):
        unit = "character" if kind.startswith("string") else "item"
        return f"must have at most {write_count(known['max_length'], unit)}"
    if kind.startswith(("datetime_", "timezone_", "date_")):
        return _OF_TIMES
    if kind in _PLAIN:
        return _PLAIN[kind].format(**known)
    return message.replace("Input should be", "must be")


def _describe_least(count: int, unit: str) -> str:
    return "must not be empty" if count == 1 else f"must have at least {write_count(count, unit)}"
