"""Reads the records of a JSON Lines file one by one: a schedule each, with its history or without."""

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from rollback_drills.documents.fleets.document_search import RECORDS_ENDING
from rollback_drills.documents.fleets.records import Record, read_record
from rollback_drills.documents.fleets.settled import wait_until_settled
from rollback_drills.documents.reading.reader import (
    BOM,
    LARGEST_DOCUMENT_BYTES,
    Loaded,
    hide_folder,
)
from rollback_drills.errors import UsageError, reason_of

LARGEST_FILE_BYTES: Final = 1024**3
MOST_RECORDS: Final = 1_000_000
_CHUNK_BYTES: Final = 64 * 1024


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
        return read_record(self.data.rstrip(), self.place, self.number, self.folder)


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
        raise UsageError(f"{path} cannot be read: {reason_of(error)}", field="schedule") from None


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
