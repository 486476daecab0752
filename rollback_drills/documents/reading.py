"""Reads one document from disk: a value, or one line that says what is wrong with it and where."""

import os
import stat
from functools import cache
from typing import Final, Generic, TypeVar

import msgspec

from rollback_drills.documents.explaining import UnusableDocumentError, read_carefully
from rollback_drills.documents.fields import Document
from rollback_drills.documents.linting import is_public
from rollback_drills.documents.repeats import START, Origin, certainly_has_no_repeats, parse_json

LARGEST_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_FIRST_READ_BYTES: Final = 32 * 1024  # nearly every document is smaller, and then needs no look at its size

D = TypeVar("D", bound=Document)


class Loaded(msgspec.Struct, Generic[D], frozen=True, gc=False):
    """A document as it was found: usable (`document`), or not (`problem`)."""

    path: str
    """Where it was read, as the user wrote it; `file:line` for JSON Lines."""
    document: D | None = None
    problem: str = ""
    """What makes the document unusable: file, JSON path, value and remedy. Empty if it is usable."""
    without_offset: tuple[str, ...] = ()
    """JSON paths of the timestamps that have no offset and were read as UTC (contract §8.1)."""


def read_document(model: type[D], path: str) -> Loaded[D]:
    """Read a document; never raises for what a file can hold."""
    try:
        data = read_bytes(path)
    except UnusableDocumentError as error:
        return Loaded(show_path(path), problem=str(error))
    return parse_document(model, data, show_path(path))


def read_bytes(path: str) -> bytes:
    """Read a document as it lies on disk.

    Raises:
        UnusableDocumentError: It does not exist, cannot be read, is no file, or is too large.
    """
    try:
        return _read_bytes(path)
    except (OSError, ValueError) as error:
        raise UnusableDocumentError(f"{show_path(path)}: {_why_unreadable(error)}") from None


def show_path(path: str) -> str:
    """Write a path into a report, which must be UTF-8, as the name of a file need not be."""
    return path if path.isascii() else path.encode(errors="backslashreplace").decode()


def parse_document(model: type[D], data: bytes, path: str, origin: Origin = START) -> Loaded[D]:
    """Parse the bytes of a document that was found at `path`.

    Args:
        model: What the document is to be.
        data: Its bytes.
        path: Where it was found, for messages.
        origin: Where in its file it begins.
    """
    data = data.removeprefix(_BOM)
    try:
        document = _decoder(model).decode(data)
        if is_public(document, data) and (
            certainly_has_no_repeats(document, data) or not parse_json(data.decode())[1]
        ):
            return Loaded(path, document)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # the careful reading below accepts more, or tells what is wrong
    try:
        document, without_offset = read_carefully(model, data, origin)
    except UnusableDocumentError as error:
        return Loaded(path, problem=f"{path}: {error}")
    return Loaded(path, document, without_offset=without_offset)


@cache
def _decoder(model: type[D]) -> msgspec.json.Decoder[D]:
    return msgspec.json.Decoder(model)


def _read_bytes(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer must not block
    try:
        data = os.read(descriptor, _FIRST_READ_BYTES)
        if 0 < len(data) < _FIRST_READ_BYTES:
            return data
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is not a file")
        if status.st_size > LARGEST_DOCUMENT_BYTES:
            raise ValueError(
                f"has {status.st_size:,} bytes, of which at most {LARGEST_DOCUMENT_BYTES:,} are read;"
                " is it the right file?"
            )
        return data + os.read(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def _why_unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist; write it, or mend the path"
    if isinstance(error, OSError):
        return f"cannot be read: {(error.strerror or 'unknown reason').lower()}"
    return str(error)
