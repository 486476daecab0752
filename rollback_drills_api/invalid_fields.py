"""Explains fields of a request that cannot be used, without their values."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rollback_drills.documents.quotation import json_path
from rollback_drills.rendering.invalid_value import explain_invalid
from rollback_drills_api.bodies import PATTERNS


def find_invalid(error: ValidationError) -> tuple[str, str]:
    """Return the first field that cannot be used, and why; never its value."""
    first = error.errors()[0]
    placed = explain_field(first | {"loc": ("body", *first["loc"])})
    return str(first["loc"][-1]), placed["message"]


def explain_field(error: ErrorDetails) -> dict[str, str]:
    """Return place and message of a validation error; never the value, which may be a secret."""
    kind, *rest = error["loc"]
    path = json_path(tuple(rest)) if kind == "body" else f"{kind} {'.'.join(map(str, rest))}".strip()
    message = PATTERNS.get(error.get("ctx", {}).get("pattern", "")) or explain_invalid(error)
    return {"path": path, "message": message[:1].lower() + message[1:]}
