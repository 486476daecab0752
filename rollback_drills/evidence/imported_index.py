"""Imports an evidence index of the system that this one takes over from; every row of it is marked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Final

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.documents.duplicate_keys import Location
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.quotation import json_path, show
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError, reason_of
from rollback_drills.errors.pipes import refuse_named_pipe
from rollback_drills.evidence.appender import OpenSigningKey, appending
from rollback_drills.evidence.import_record import ImportRecord
from rollback_drills.evidence.ledger.canonical import digest_canonical
from rollback_drills.evidence.outbox_transfer import find_unknown
from rollback_drills.evidence.record import RECORD_SCHEMA
from rollback_drills.evidence.strict_json import check_strictly, parse_strictly
from rollback_drills.evidence.written_record import WrittenRecord
from rollback_drills.redaction.redactor import Redactor

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
    records: Mapping[str, WrittenRecord],
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
        imported_from, written_at = redactor.text(file_name), write_instant(created_at)
        found = (
            ImportRecord(
                created_at=written_at,
                signer=signer,
                imported_from=imported_from,
                original=redactor.value(records[key]),
            )
            for key in unknown
        )
        appender.add(found, unknown)
    return Imported(len(unknown), len(records) - len(unknown), appender.went_back)


def read_index(path: Path) -> dict[str, WrittenRecord]:
    """Read an index: a JSON array, an object with `items` or `records`, or JSON Lines.

    Returns:
        By the SHA-256 of its canonical JSON each record, in the order of the file.

    Raises:
        UsageError: The file cannot be read, or a record is none (contract §5); the place is named.
    """
    if path.is_char_device():  # /dev/zero has no end
        raise UsageError(f"{path} is not a file")
    try:
        refuse_named_pipe(path)
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason_of(error)}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    found = {}
    try:
        for record in _records(text):
            found[digest_canonical(record)] = record
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if not found:
        raise UsageError(f"{path} holds no record")
    return found


def _records(text: str) -> Iterator[WrittenRecord]:
    """Yield the records, each of them checked."""
    if not text.strip():
        raise UsageError("is empty; an evidence index is needed")
    try:
        document = parse_strictly(text)
    except JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" not in text[: error.pos].strip():
            yield from _lines(text)  # the first line was a value of its own
            return
        place = f"line {error.lineno} column {error.colno}"
        raise UsageError(f"is not JSON: {error.msg.lower()}, {place}") from None
    if isinstance(document, dict) and "metadata_kind" in document:
        yield _check(document, ())  # JSON Lines of one line
        return
    loc, listed = _find_list(document)
    if not isinstance(listed, list):
        check_strictly(listed, loc)
        raise UsageError(f"{json_path(loc)} is {show(listed)}; write an array of records")
    for index, record in enumerate(listed):
        yield _check(record, (*loc, index))


def _find_list(document: Any) -> tuple[Location, Any]:
    if not isinstance(document, dict):
        return (), document
    names = [name for name in _LISTS if name in document]
    if len(names) != 1:
        raise UsageError("write an array of records, or an object with either items or records")
    return (names[0],), document[names[0]]


def _lines(text: str) -> Iterator[WrittenRecord]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _check(parse_strictly(line), ())
            except JSONDecodeError as error:
                raise UsageError(f"line {number}: is not JSON: {error.msg.lower()}") from None
            except UsageError as error:
                raise UsageError(f"line {number}: {error}") from None


def _check(record: Any, loc: Location) -> WrittenRecord:
    check_strictly(record, loc)
    if not isinstance(record, dict):
        raise UsageError(f"{json_path(loc)} is {show(record)}; must be an object")
    if record.get("schema_version") != RECORD_SCHEMA:
        found = show(record.get("schema_version"))
        raise UsageError(f'{json_path((*loc, "schema_version"))} is {found}; must be "{RECORD_SCHEMA}"')
    for name in _NEEDED:
        if not isinstance(record.get(name), str) or not record[name]:
            raise UsageError(f"{json_path((*loc, name))} is {show(record.get(name))}; must be a text")
    try:
        read_instant(record["created_at"])
    except ValueError:
        found = show(record["created_at"])
        raise UsageError(f"{json_path((*loc, 'created_at'))} is {found}; must be a timestamp") from None
    return record
