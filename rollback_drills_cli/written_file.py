"""Writes a document into a new file, all of it or nothing."""

from pathlib import Path

import msgspec

from rollback_drills.errors import UsageError
from rollback_drills.readiness.terms import Report


def write_new_file(path: Path, document: Report) -> None:
    """Write a document as indented JSON into a file that does not exist yet.

    Raises:
        UsageError: The file exists, or cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        if path.exists():
            raise UsageError(f"{path} exists already; name a file that does not")
        try:
            partial.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
