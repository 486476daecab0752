"""Replaces a document on disk: one writer at a time, and after a crash the old or the new one, whole."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from rollback_drills.documents.terminal_text import show_path
from rollback_drills.errors import DrillsError, reason_of
from rollback_drills.errors.effects import note_effect
from rollback_drills.errors.posix import require_posix

_WAIT_SECONDS: Final = 30.0
_LOOK_AGAIN_SECONDS: Final = 0.02


class WriteError(DrillsError):
    """A document could not be written; the message says what it is now."""


@contextmanager
def locked(path: str, *, wait_seconds: float = _WAIT_SECONDS) -> Iterator[str]:
    """Hold the lock of a document, and yield the path of the file itself, behind all symbolic links.

    The lock is a file beside the document, which stays: a writer that removed it would let two others in. It
    is the system that holds it, so that the lock of a process that dies is gone.

    Raises:
        UsageError: The system has no such locks.
        WriteError: Another writer does not let go, or the folder cannot be written.
    """
    require_posix("fcntl", f"writing {show_path(path)}")
    place = os.path.realpath(path)
    try:
        descriptor = os.open(f"{place}.lock", os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise _explain(f"{path}.lock", error) from None
    try:
        _acquire(descriptor, path, wait_seconds)
        yield place
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: str, wait_seconds: float) -> None:
    import fcntl  # only POSIX has it, and `locked` has ensured that

    until = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise WriteError(
                    f"{show_path(path)} is being written by another process for {wait_seconds:g} s;"
                    " nothing was changed; try again"
                ) from None
            time.sleep(_LOOK_AGAIN_SECONDS)
        except OSError as error:
            raise _explain(f"{path}.lock", error) from None
        else:
            return


def write_document(place: str, data: bytes, previous: bytes | None) -> None:
    """Put a document in its place at once, with its permissions, and what it was beside it as `NAME.bak`.

    To be called with its lock held. When this returns, the document and its name are on disk.

    Args:
        place: The path that `locked` gave.
        data: The new document.
        previous: What it was; None if there was none.

    Raises:
        WriteError: It cannot be written.
    """
    try:
        if previous is not None:
            if not os.access(place, os.W_OK):
                raise PermissionError(errno.EACCES, "it is read-only")
            _put(f"{place}.bak", previous, like=place)
        _put(place, data, like=place if previous is not None else None)
    except OSError as error:
        raise _explain(place, error) from None


def _put(place: str, data: bytes, *, like: str | None) -> None:
    """Write a file beside its place, and move it there when it is on disk."""
    folder, name = os.path.split(place)
    new = f"{folder}/.{name}.new"  # one name: who holds the lock finds only what a dead process left
    with suppress(FileNotFoundError):
        os.unlink(new)
    try:
        # nobody else may read it before it has the permissions of the document
        mode = 0o666 if like is None else 0o600
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            if like is not None:
                _take_after(like, new)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, place)
        if like in (None, place):  # the document, not the copy of what it was
            note_effect()
    except OSError:
        with suppress(OSError):
            os.unlink(new)
        raise
    try:
        _sync_folder(folder)
    except OSError as error:
        raise WriteError(
            f"{show_path(place)} was written, but may be what it was after a crash: {reason_of(error)}"
        ) from None


def _take_after(like: str, new: str) -> None:
    """Copy permissions, access list and, where that is allowed, the owner of another file."""
    status = os.stat(like)
    with suppress(PermissionError):
        os.chown(new, status.st_uid, status.st_gid)
    shutil.copystat(like, new)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems have nothing to do
            raise
    finally:
        os.close(descriptor)


def _explain(path: str, error: OSError) -> WriteError:
    return WriteError(f"{show_path(path)} cannot be written: {reason_of(error)}; nothing was changed")
