"""Documents of what was promoted."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHANGE: Mapping[str, Any] = {
    "change_id": "rel-42",
    "promoted_at": "2026-12-01T09:00:00Z",
    "what": "payments 2.4.0",
    "reference": "CHG-1007",
}


def write_changes(path: Path, *changes: Mapping[str, Any], **further: Any) -> str:
    """Write a document of changes, each with what the sample has besides; return its path."""
    document = {
        "schema_version": "rollback-drills.changes.v1",
        "changes": [{**CHANGE, **each} for each in changes],
    }
    path.write_text(json.dumps({**document, **further}))
    return str(path)
