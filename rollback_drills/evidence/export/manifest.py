"""What an export says of itself, and the names of its files."""

from typing import Final, Literal

import msgspec

SCHEMA: Final = "rollback-drills.evidence-bundle.v1"
ROWS_FILE: Final = "rows.jsonl"
TREE_FILE: Final = "tree.txt"
CHECKPOINTS_FILE: Final = "checkpoints.txt"
PUBLIC_KEY_FILE: Final = "public-key.txt"
REPORT_FILE: Final = "report.html"
TABLE_FILE: Final = "evidence.csv"
GUIDE_FILE: Final = "VERIFY.md"
MANIFEST_FILE: Final = "manifest.json"
SIGNATURE_FILE: Final = "manifest.sig"


class Query(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """What was asked for: a period [from, to) of instants in UTC, and schedules; None is everything."""

    since: str | None = None
    until: str | None = None
    schedules: tuple[str, ...] | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The document `manifest.json`."""

    schema_version: Literal["rollback-drills.evidence-bundle.v1"] = SCHEMA
    product: str
    version: str
    origin: str
    size: int
    root: str
    exported_at: str
    query: Query
    row_count: int
    files: dict[str, str]
    """The SHA-256 of each file, in hex digits."""
    sizes: dict[str, int] = {}
    """The bytes of each file; empty in exports of earlier versions."""


def manifest_text(digest: str) -> str:
    """Return what is signed of a manifest with this SHA-256, in hex digits."""
    return f"rollback-drills evidence bundle\n{digest}\n"
