"""Finds the published JSON Schemas, for editors and other validators."""

from importlib.resources import files
from typing import Final

SCHEMAS: Final = {
    "schedule": "a drill schedule",
    "history": "the drills that were performed",
    "policy": "a routing policy",
    "changes": "what was promoted, and when",
    "expectations": "what `drills test` expects",
}
"""By name, what each schema describes."""


def read_schema(name: str) -> str:
    """Return a schema as it is published: JSON, draft 2020-12, with a new line at its end.

    Args:
        name: One of `SCHEMAS`.
    """
    return (files(__package__) / f"{name}.schema.json").read_text(encoding="utf-8")
