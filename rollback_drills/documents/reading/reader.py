"""Reads one document from disk: a value, or one line that says what is wrong with it and where."""

import errno
import os
import stat
from collections.abc import Callable
from functools import cache
from typing import Final, Generic, TypeVar

import msgspec

from rollback_drills.documents.duplicate_keys import START, Origin, certainly_has_no_repeats, parse_json
from rollback_drills.documents.fields import Document
from rollback_drills.documents.privacy.private_texts import is_public
from rollback_drills.documents.reading.yaml_text import is_yaml, to_json
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.errors import reason_of

LARGEST_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
BOM: Final = b"\xef\xbb\xbf"
_READ_AT_ONCE: Final = os.O_RDONLY | os.O_NONBLOCK  # a pipe without a writer must not block
_REMEDIES: Final = {
    errno.EACCES: "give access to it",
    errno.EISDIR: "name a file in it",
    errno.ELOOP: "remove the links that lead in a circle",
    errno.ENAMETOOLONG: "fix the path",
}
_NO_FILE: Final = "is not a file; replace or remove it"
_FIRST_READ_BYTES: Final = 32 * 1024  # nearly every document is smaller, and then needs no look at its size

D = TypeVar("D", bound=Document)


class Loaded(msgspec.Struct, Generic[D], frozen=True, gc=False):
    """A document as it was found: usable (`document`), or not (`problem`)."""

    path: str
    """What people see of where it was read, which is never absolute; `file:line` for JSON Lines."""
    document: D | None = None
    problem: str = ""
    """What makes the document unusable: file, JSON path, value and remedy. Empty if it is usable."""
    without_offset: tuple[str, ...] = ()
    """JSON paths of the timestamps that have no offset and were read as UTC (contract §8.1)."""
    name: str = ""
    """Its path below the configured place; empty if that is the same as `path`."""
    file: str = ""
    """Where it lies on this machine; empty if it is no file of its own."""
    beside: tuple[str, ...] = ()
    """The other files that were read for it, or could not be: calendars of people."""

    @property
    def identity(self) -> str:
        """By what it is known as long as it has no id: the same wherever the configured place is."""
        return self.name or self.path

    @property
    def former_identities(self) -> tuple[str, ...]:
        """Its path as an earlier version may have known it: as configured, or from a folder above it."""
        whole = show_path(self.file) or self.path
        if "/" not in whole:
            return (whole,)
        starts = (place + 1 for place, character in enumerate(whole) if character == "/")
        endings = (whole[start:] for start in starts)
        return whole, *(each for each in endings if len(each) > len(self.identity))


def read_document(model: type[D], path: str, shown: str = "", name: str = "") -> Loaded[D]:
    """Read a document, YAML by its ending and JSON otherwise; never raises for what a file can hold.

    Args:
        model: What the document is to be.
        path: Where it lies.
        shown: What people see of that; by default as `hide_folder` has it.
        name: Its path below the configured place, if that is something else.
    """
    shown = shown or hide_folder(path)
    try:
        data = read_json(path)
    except UnusableDocumentError as error:
        return Loaded(shown, problem=f"{shown}: {error}", name=name, file=path)
    return parse_document(model, data, shown, name=name, file=path)


def read_json(path: str) -> bytes:
    """Read the JSON of a document, whose file is YAML by its ending or JSON otherwise.

    Raises:
        UnusableDocumentError: It cannot be read; the message does not name the file.
    """
    data = _read_bytes(path)
    return to_json(data) if is_yaml(path) else data


def read_bytes(path: str) -> bytes:
    """Read a document as it lies on disk.

    Raises:
        UnusableDocumentError: It does not exist, cannot be read, is no file, or is too large.
    """
    try:
        return _read_bytes(path)
    except UnusableDocumentError as error:
        raise UnusableDocumentError(f"{show_path(path)}: {error}") from None


def hide_folder(path: str) -> str:
    """Write the path of a configured file for people: of an absolute one, which is private, only the name."""
    return show_path(os.path.basename(path) or path if os.path.isabs(path) else path)


def parse_document(
    model: type[D],
    data: bytes,
    path: str,
    origin: Origin = START,
    *,
    name: str = "",
    file: str = "",
    folder: str | None = None,
) -> Loaded[D]:
    """Parse the bytes of a document.

    Args:
        model: What the document is to be.
        data: Its bytes.
        path: Where it was found, for messages.
        origin: Where in its file it begins.
        name: Its path below the configured place, if that is something else.
        file: Where it lies on this machine.
        folder: Where the calendars lie that it names, if it is no file of its own.
    """
    data = data.removeprefix(BOM)
    try:
        document = _decode_with(model)(data)
        if is_public(document, data) and not _has_repeats(document, data):
            return add_calendars(Loaded(path, document, "", (), name, file), folder)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # the careful reading below accepts more, or says what is wrong
    from rollback_drills.documents.reading.careful_reader import read_carefully  # few documents need it

    try:
        document, without_offset = read_carefully(model, data, origin)
    except UnusableDocumentError as error:
        return Loaded(path, problem=f"{path}: {error}", name=name, file=file)
    return add_calendars(Loaded(path, document, "", without_offset, name, file), folder)


def add_calendars(loaded: Loaded[D], folder: str | None) -> Loaded[D]:
    """Read the calendars of people that a document names; nearly every document names none.

    Args:
        loaded: The document.
        folder: Where they lie, if it is no file of its own.
    """
    document = loaded.document
    if not isinstance(document, RoutingPolicy) or not document.owner_calendars:
        return loaded
    named = [each.ics for each in document.owner_calendars.values() if each.ics]
    if not named:
        return loaded
    from rollback_drills.documents.busy_calendars.calendar_files import read_calendars

    place = os.path.dirname(loaded.file) if loaded.file else folder
    beside = tuple(os.path.join(place or "", each) for each in named)
    try:
        complete = read_calendars(document, place, _read_bytes)
    except UnusableDocumentError as error:
        problem = f"{loaded.path}: {error}"
        return msgspec.structs.replace(loaded, document=None, problem=problem, beside=beside)
    return msgspec.structs.replace(loaded, document=complete, beside=beside)


def _has_repeats(document: Document, data: bytes) -> bool:
    return not certainly_has_no_repeats(document, data) and parse_json(data.decode())[1]


@cache
def _decode_with(model: type[D]) -> Callable[[bytes], D]:
    return msgspec.json.Decoder(model).decode


def _read_bytes(path: str, most: int = LARGEST_DOCUMENT_BYTES) -> bytes:
    try:
        descriptor = os.open(path, _READ_AT_ONCE)
        try:
            data = os.read(descriptor, _FIRST_READ_BYTES)
            return data if 0 < len(data) < _FIRST_READ_BYTES else _read_whole(descriptor, most)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise UnusableDocumentError(_why_unreadable(path, error)) from None


def _read_whole(descriptor: int, most: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(_NO_FILE)
    if status.st_size > most:
        raise ValueError(
            f"has {status.st_size:,} bytes, of which at most {most:,} are read; is it the right file?"
        )
    data = os.pread(descriptor, status.st_size, 0)
    after = os.fstat(descriptor)
    if (after.st_size, after.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
        raise ValueError("was changed while it was read; write a new file and rename it to this name")
    return data


def _why_unreadable(path: str, error: OSError | ValueError) -> str:
    if "\0" in path:
        return "has a null byte in its name; fix the path"
    if isinstance(error, FileNotFoundError):
        return "does not exist; create the file, or fix the path"
    if isinstance(error, OSError) and error.errno == errno.ENXIO:  # nobody can open a socket
        return _NO_FILE
    if isinstance(error, OSError):
        remedy = f"; {_REMEDIES[error.errno]}" if error.errno in _REMEDIES else ""
        return f"cannot be read: {reason_of(error)}{remedy}"
    return str(error)
