"""Reads the records of a JSON Lines file one by one: a schedule each, with its history or without."""

import json
import os
import stat
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final, NamedTuple

import msgspec

from rollback_drills.documents.document_search import RECORDS_ENDING
from rollback_drills.documents.duplicate_keys import Origin, parse_json
from rollback_drills.documents.glimpse import is_bare
from rollback_drills.documents.history import History, share_words
from rollback_drills.documents.json_text import explain_repeats
from rollback_drills.documents.quotation import json_path, state
from rollback_drills.documents.reader import (
    BOM,
    LARGEST_DOCUMENT_BYTES,
    D,
    Loaded,
    add_calendars,
    hide_folder,
    parse_document,
    read_document,
)
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.settled import wait_until_settled
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.documents.whole_record import WholeRecord, read_whole
from rollback_drills.errors import UsageError

LARGEST_FILE_BYTES: Final = 1024**3
MOST_RECORDS: Final = 1_000_000
_CHUNK_BYTES: Final = 64 * 1024

Record = tuple[Loaded[Schedule], Loaded[History] | None]


class _Parts(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    schedule: msgspec.Raw
    history: msgspec.Raw = msgspec.Raw()


_decoder: Final = msgspec.json.Decoder(_Parts)
_parse: Final = msgspec.json.Decoder().decode


def is_records(path: str) -> bool:
    """Whether a path is that of a JSON Lines file, by its ending."""
    return path.lower().endswith(RECORDS_ENDING)


class Line(NamedTuple):
    """A line of the file that is not blank."""

    number: int
    data: bytes
    """All of it; of one that is too long, only the beginning."""
    place: str
    """What people see of where it was found."""
    folder: str
    """Where the file lies."""
    offset: int
    """Where the line begins, without the mark of an encoding."""

    def read(self) -> Record:
        """Read the record in it."""
        if len(self.data) > LARGEST_DOCUMENT_BYTES:
            problem = f"{self.place}: the record is larger than {LARGEST_DOCUMENT_BYTES:,} bytes; shorten it"
            return Loaded(self.place, problem=problem), None
        return _read_record(self.data.rstrip(), self.place, self.number, self.folder)


def read_records(path: str) -> Iterator[Record]:
    """Read a file line by line; no more than one line is in memory besides what came of the others.

    Raises:
        UsageError: It cannot be read, has no record, or is too large as a whole.
    """
    return (line.read() for line in read_lines(path))


def read_lines(path: str) -> Iterator[Line]:
    """Yield the lines of a file, each with a record that is not read yet.

    Raises:
        UsageError: It cannot be read, has no record, or is too large as a whole.
    """
    shown, folder = hide_folder(path), os.path.dirname(path)
    count = 0
    for number, offset, line in _read_lines(path):
        count += 1
        if count > MOST_RECORDS:
            raise UsageError(f"{path} has more than {MOST_RECORDS:,} records; split it", field="schedule")
        yield Line(number, line, f"{shown}:{number}", folder, offset)
    if not count:
        raise UsageError(f"{path} has no record; write one JSON object on each line", field="schedule")


def count_records(path: str) -> int:
    """Return how many records a file has.

    Raises:
        UsageError: It cannot be read.
    """
    return sum(1 for _ in _read_lines(path))


def _read_lines(path: str) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, offset and bytes of each line that is not blank; of a longer one only the beginning."""
    try:
        with open(path, "rb", buffering=_CHUNK_BYTES, opener=_open_at_once) as file:
            before = wait_until_settled(file.fileno())
            _check(path, before)
            yield from _split(path, file)
            if _version(os.fstat(file.fileno())) != _version(before):
                raise UsageError(
                    f"{path} was changed while it was read; write a new file and rename it to this name, so"
                    " that no half of a fleet is checked",
                    field="schedule",
                )
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist", field="schedule") from None
    except OSError as error:
        why = (error.strerror or "").lower()
        raise UsageError(f"{path} cannot be read: {why}", field="schedule") from None


def _version(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe without a writer must not block


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is not a file", field="schedule")
    _check_size(path, status.st_size)


def _check_size(path: str, size: int) -> None:
    if size > LARGEST_FILE_BYTES:
        raise UsageError(
            f"{path} has {size:,} bytes, of at most {LARGEST_FILE_BYTES:,}; split it", field="schedule"
        )


def _split(path: str, file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    number = offset = 0
    while line := file.readline(LARGEST_DOCUMENT_BYTES + 1):
        number += 1
        if number == 1 and line.startswith(BOM):
            line, offset = line.removeprefix(BOM), len(BOM)
        if line.strip():
            yield number, offset, line
        offset += len(line)
        while line and not line.endswith(b"\n"):  # the rest of a line that is too long is passed over
            line = file.readline(_CHUNK_BYTES)
            offset += len(line)
            _check_size(path, file.tell())


def _read_record(line: bytes, place: str, number: int, folder: str) -> Record:
    """Read `{"schedule": …, "history": …}` (each a document, or the path of one), or a bare schedule."""
    if is_bare(line):
        return parse_document(Schedule, line, place, Origin(number), folder=folder), None
    if whole := read_whole(line):
        return _split_whole(whole, place, folder)
    try:
        parts = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _read_odd_record(line, place, number, folder)
    schedule, history = bytes(parts.schedule), bytes(parts.history)
    own_commas = line.count(b",") - schedule.count(b",") - history.count(b",")
    if own_commas != bool(history):
        return _refuse_repeats(line, place, number), None
    read_part = partial(_read_part, line, place, number, folder)
    has_history = history not in (b"", b"null")
    return read_part(Schedule, "schedule", schedule), (
        read_part(History, "history", history) if has_history else None
    )


def _split_whole(record: WholeRecord, place: str, folder: str) -> Record:
    schedule = add_calendars(Loaded(f"{place}#schedule", record.schedule), folder)
    if record.history is None:
        return schedule, None
    share_words(record.history)
    return schedule, Loaded(f"{place}#history", record.history)


def _read_odd_record(line: bytes, place: str, number: int, folder: str) -> Record:
    """Read a line that is no record, or one that has what JSON does not: NaN, or half of a surrogate pair."""
    try:
        record, has_repeats = parse_json(line.decode())
    except (ValueError, RecursionError):
        return parse_document(Schedule, line, place, Origin(number), folder=folder), None
    if not isinstance(record, dict) or "schedule" not in record:
        return parse_document(Schedule, line, place, Origin(number), folder=folder), None
    if has_repeats:
        return _refuse_repeats(line, place, number), None
    for key in sorted(record.keys() - {"schedule", "history"}):
        problem = f"{place}: {json_path((key,))} is an unknown key; a record has schedule and history"
        return Loaded(place, problem=problem), None
    read_part = partial(_read_part, line, place, number, folder)
    schedule, history = (json.dumps(record.get(key)).encode() for key in ("schedule", "history"))
    return read_part(Schedule, "schedule", schedule), (
        None if history == b"null" else read_part(History, "history", history)
    )


def _refuse_repeats(line: bytes, place: str, number: int) -> Loaded[Schedule]:
    problem = next(explain_repeats(line.decode(errors="replace"), Origin(number)))
    return Loaded(place, problem=f"{place}: {problem}")


def _read_part(
    line: bytes, place: str, number: int, folder: str, model: type[D], key: str, part: bytes
) -> Loaded[D]:
    if part[:1] == b"{":
        loaded = parse_document(model, part, f"{place}#{key}", folder=folder)
        if loaded.document is None:  # once more, to name its lines and columns as those of the file
            before = line[: line.find(part)].decode(errors="replace")
            origin = Origin(number, len(before) + 1)
            return parse_document(model, part, f"{place}#{key}", origin, folder=folder)
        return loaded
    value = _parse(part)
    if isinstance(value, str) and value.strip():
        path = os.path.join(folder, value)
        return read_document(
            model, path, hide_folder(value if os.path.isabs(path) else path), show_path(value)
        )
    problem = f"{place}: $.{key} {state(value)}; must be a document, or the path of one"
    return Loaded(place, problem=problem)
