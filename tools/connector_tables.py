"""Writes the table of connectors into docs/reference/connectors.md: `python tools/connector_tables.py`."""

import re
from collections.abc import Iterator
from pathlib import Path

from blocks.connector import Connector
from blocks.registry import CONNECTORS
from blocks.secret_fields import is_secret

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "connectors.md"
BEGIN = "<!-- written by tools/connector_tables.py -->\n"
END = "<!-- end -->\n"
HEADER = "| `type` | block type | secret fields | other fields | schedules in one message | sent at once |"

_SHARED = {"enabled", "replay_approval"}
"""Fields of every connector."""


def write(page: str) -> str:
    """Return the page with the table of the connectors that are registered."""
    rows = [HEADER, "|---|---|---|---|---|---|", *(_row(*each) for each in CONNECTORS.items())]
    table = BEGIN + "\n".join(rows) + "\n" + END
    return re.sub(f"{BEGIN}.*?{END}", lambda _: table, page, flags=re.DOTALL)


def _row(name: str, kind: type[Connector]) -> str:
    block = kind.get_block_type_name().removeprefix("Rollback drills: ")
    secrets = ", ".join(_fields(kind, secret=True))
    others = ", ".join(_fields(kind, secret=False))
    return f"| `{name}` | {block} | {secrets} | {others} | {kind.most_in_one_message} | {kind.workers} |"


def _fields(kind: type[Connector], *, secret: bool) -> Iterator[str]:
    for name, field in kind.model_fields.items():
        if name not in _SHARED and is_secret(field) == secret:
            yield f"`{name}`" + ("\\*" if field.is_required() else "")


if __name__ == "__main__":
    PAGE.write_text(write(PAGE.read_text()))
