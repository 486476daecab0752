"""Says that a document is of another kind than the one that is needed: a history in place of a schedule."""

import re
from typing import Any, Final

from rollback_drills.documents.fields import Document

_KIND: Final = re.compile(
    r"(?:rollback-drills\.|cavra\.go-backend-(?:rollback-drill-)?)"
    r"(schedule|history|changes|expectations|performed-drills|promotion-evidence|rollback-plan|rollback-rehearsal)"
    r"\.v[0-9]+"
)
_NEXT_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def explain_other_kind(model: type[Document], raw: Any) -> str:
    """Return which kind of document this is by its schema version, and which one is needed.

    Args:
        model: What the document was to be.
        raw: The document, as JSON is parsed.

    Returns:
        A clause whose subject is the file; empty if the kind is not known, or the one that is needed.
    """
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    found = _KIND.fullmatch(version) if isinstance(version, str) else None
    if not found or "schema_version" not in model.__struct_fields__:  # a part of a document has none
        return ""
    kind, needed = found[1].replace("-", " "), _NEXT_WORD.sub(" ", model.__name__).lower()
    if kind == needed:
        return ""
    return f"holds {_with_article(kind)}, not {_with_article(needed)}; fix the path"


def _with_article(kind: str) -> str:
    return kind if kind.endswith(("s", "evidence")) else f"a {kind}"
