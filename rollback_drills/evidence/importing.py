"""Imports an evidence index of the system that this one takes over from; every row of it is marked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from rollback_drills.database import Database, repeat_on_conflict
from rollback_drills.documents.explaining import read_instant, show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appending import OpenSigningKey, appending
from rollback_drills.evidence.indexing import find_unknown
from rollback_drills.evidence.records import IMPORT_KIND, RECORD_SCHEMA, start_record
from rollback_drills.ledger.canonical import write_canonical
from rollback_drills.redaction import Redactor

_LISTS: Final = ("items", "records")
_NEEDED: Final = ("created_at", "metadata_kind", "session_id")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import added."""

    added: int
    known: int
    """How many records were imported before."""
    went_back: timedelta | None


@repeat_on_conflict
def import_records(
    database: Database,
    records: Mapping[str, dict[str, Any]],
    *,
    file_name: str,
    created_at: datetime,
    signer: str,
    open_key: OpenSigningKey,
) -> Imported:
    """Add records that were not imported before, all of them or none.

    Args:
        database: Keeps the ledger.
        records: From `read_index`.
        file_name: The name of the file, without its folders.
        created_at: The clock of the evidence.
        signer: Who imports.
        open_key: Opens the key of the ledger.
    """
    redactor = Redactor()
    with appending(database, open_key) as (connection, appender):
        unknown = find_unknown(connection, records)
        start = start_record(IMPORT_KIND, "rcd-import", created_at=created_at, signer=signer)
        appender.add(
            (
                {**start, "imported_from": file_name, "original": redactor.value(records[key])}
                for key in unknown
            ),
            unknown,
        )
    return Imported(len(unknown), len(records) - len(unknown), appender.went_back)


def read_index(path: Path) -> dict[str, dict[str, Any]]:
    """Read an index: a JSON array, an object with `items` or `records`, or JSON Lines.

    Returns:
        By the SHA-256 of its canonical JSON each record, in the order of the file.

    Raises:
        UsageError: The file cannot be read, or a record is none (contract §5); the place is named.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    found = {}
    for place, record in _records(path, content):
        where = f"{path}: {place}"
        _check(record, where)
        try:
            found[sha256(write_canonical(record)).hexdigest()] = record
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
    if not found:
        raise UsageError(f"{path} holds no record")
    return found


def _records(path: Path, content: bytes) -> Iterator[tuple[str, Any]]:
    try:
        document = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        if b"\n" not in content.strip():
            raise UsageError(f"{path} is no JSON: {error}") from None
        yield from _lines(path, content)
        return
    name = next((name for name in _LISTS if isinstance(document, dict) and name in document), "")
    listed = document[name] if name else document
    if isinstance(listed, dict):
        listed = [listed]  # JSON Lines of one line
    if not isinstance(listed, list):
        raise UsageError(f"{path}: write an array of records, or an object with items or records")
    place = f"$.{name}" if name else "$"
    for number, record in enumerate(listed):
        yield f"{place}[{number}]", record


def _lines(path: Path, content: bytes) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                yield f"line {number}", msgspec.json.decode(line)
            except msgspec.DecodeError as error:
                raise UsageError(f"{path}: line {number} is no JSON: {error}") from None


def _check(record: Any, where: str) -> None:
    if not isinstance(record, dict):
        raise UsageError(f"{where} is {show(record)}; must be an object")
    if record.get("schema_version") != RECORD_SCHEMA:
        found = show(record.get("schema_version"))
        raise UsageError(f'{where}.schema_version is {found}; must be "{RECORD_SCHEMA}"')
    for name in _NEEDED:
        if not isinstance(record.get(name), str) or not record[name]:
            raise UsageError(f"{where}.{name} is {show(record.get(name))}; must be a text")
    try:
        read_instant(record["created_at"])
    except ValueError:
        raise UsageError(f"{where}.created_at is {show(record['created_at'])}; must be a timestamp") from None
