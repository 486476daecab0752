"""Says that a document is of another kind than the one that is needed: a history in place of a schedule."""

import re
from collections.abc import Set as AbstractSet
from typing import Any, Final

from rollback_drills.documents.fields import Document
from rollback_drills.documents.reading.shapes import keys_at

_KIND: Final = re.compile(
    r"(?:rollback-drills\.|cavra\.go-backend-(?:rollback-drill-)?)"
    r"(schedule|history|changes|expectations|performed-drills|promotion-evidence|rollback-plan|rollback-rehearsal)"
    r"\.v[0-9]+"
)
_BY_KEY: Final = {
    "schedule": ("record of a fleet", "write it on one line of a .jsonl file"),
    "schedules": ("whole fleet", "write each schedule into a file, or on one line of a .jsonl file"),
    "connectors": ("connectors", "fix the path"),
}
"""What a document without a schema version is, by a key that no other has."""
_OF_DRILLS: Final = "drill_id"
_NEXT_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def explain_other_kind(model: type[Document], raw: Any) -> str:
    """Return which kind of document this is by its schema version, and which one is needed.

    Args:
        model: What the document was to be.
        raw: The document, as JSON is parsed.

    Returns:
        A clause whose subject is the file; empty if the kind is not known, or the one that is needed.
    """
    if not isinstance(raw, dict):
        return ""
    version, needed = raw.get("schema_version"), _NEXT_WORD.sub(" ", model.__name__).lower()
    if found := _KIND.fullmatch(version) if isinstance(version, str) else None:
        kind, remedy = found[1].replace("-", " "), "fix the path"
    else:
        kind, remedy = _guess_by_keys(raw, keys_at(model, ()))
    if kind in ("", needed):
        return ""
    return f"holds {_with_article(kind)}, not {_with_article(needed)}; {remedy}"


def _with_article(kind: str) -> str:
    return kind if kind.endswith(("s", "evidence")) else f"a {kind}"


def _guess_by_keys(raw: dict[str, Any], known: AbstractSet[str]) -> tuple[str, str]:
    """Return what a document is by its keys, and the remedy; empty if it may be the one that is needed."""
    if _OF_DRILLS in raw and _OF_DRILLS not in known:
        return "drill", "write it into the drills of a history"
    kinds = (what for key, what in _BY_KEY.items() if key in raw)
    return next(kinds, ("", "")) if known.isdisjoint(raw) else ("", "")
