"""Connections to an SQLite file: durable where it can be written, and readable where it cannot."""

import os
import shutil
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import NullPool

_BUSY_SECONDS: Final = 30.0
_SWITCH_SECONDS: Final = 0.01
_CACHE_KIB: Final = 65_536
"""An append to a million rows touches pages all over the indexes; this many of them stay at hand."""
_IS_FOREIGN: Final = (
    "SELECT EXISTS (SELECT 1 FROM sqlite_master) AND NOT EXISTS"
    " (SELECT 1 FROM sqlite_master WHERE name IN ('ledger', 'outbox', 'evidence'))"
)
"""Whether a file belongs to another program; nothing of it is changed."""


def file_of(url: URL) -> Path | None:
    """Return the file of an SQLite database; None for every other database."""
    name = url.database if url.get_backend_name() == "sqlite" else None
    return Path(name) if name and name != ":memory:" and not name.startswith("file:") else None


def create_private(file: Path) -> None:
    """Create a file, and the folders that are missing, so that only their owner can read them."""
    missing = [each for each in file.parents if not each.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def make_engine(url: URL) -> Engine:
    """Return an engine whose connections are durable, or only read where the file is write-protected."""
    file = file_of(url)
    if file and _is_protected(file):
        return make_reading_engine(file)
    engine = create_engine(url)
    event.listen(engine, "connect", _make_durable)
    return engine


def make_reading_engine(file: Path) -> Engine:
    """Return an engine that only reads a file, and writes nothing beside it."""
    # Nothing is pooled: how the file can be read depends on who else has it open at that moment.
    url = URL.create("sqlite", database=str(file))
    return create_engine(url, poolclass=NullPool, creator=_Protected(file).connect)


def files_beside(file: Path) -> tuple[Path, ...]:
    """Return the names of the files that SQLite keeps beside one while it is in use."""
    return tuple(_beside(file, kind) for kind in ("wal", "shm", "journal"))


def _is_protected(file: Path) -> bool:
    """Return whether a file that exists, or what SQLite keeps beside it, cannot be written."""
    beside = (_beside(file, "wal"), _beside(file, "shm"))
    return file.exists() and not (
        os.access(file, os.W_OK)
        and (os.access(file.parent, os.W_OK) or all(os.access(each, os.W_OK) for each in beside))
    )


def _make_durable(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # no implicit transactions: `write` begins them
    connection.text_factory = _read_text
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000:.0f}")
    if cursor.execute(_IS_FOREIGN).fetchone() != (1,):
        _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Switch to the write-ahead log, which the file remembers.

    While another process switches, SQLite answers "locked" at once, whatever the busy timeout is.
    """
    ends = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(_SWITCH_SECONDS)
        else:
            return


@dataclass
class _Protected:
    """A file that cannot be written, with the changes that another process has not moved into it yet."""

    file: Path
    _copy: "TemporaryDirectory[str] | None" = None

    def connect(self) -> sqlite3.Connection:
        """Open the file for reading, in a way that needs to write nothing beside it.

        https://sqlite.org/wal.html#read_only_databases
        """
        if not _has_content(_beside(self.file, "wal")):
            return _connect(self.file, "immutable=1")  # nobody writes: SQLite then needs no file beside it
        if _beside(self.file, "shm").exists():
            return _connect(self.file, "mode=ro")
        return _connect(self._copied(), "mode=ro")

    def _copied(self) -> Path:
        """Copy the file and its changes to where SQLite can put them together."""
        if self._copy is None:
            self._copy = TemporaryDirectory(prefix="rollback-drills-")
            for each in (self.file, _beside(self.file, "wal")):
                shutil.copyfile(each, Path(self._copy.name, each.name))
        return Path(self._copy.name, self.file.name)


def _connect(file: Path, how: str) -> sqlite3.Connection:
    address = f"file:{quote(str(file.absolute()))}?{how}"
    connection = sqlite3.connect(
        address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = _read_text
    return connection


def _read_text(value: bytes) -> str | bytes:
    """Decode a text. Bytes that are not UTF-8 stay bytes, like a BLOB, so that only their row is damaged."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _beside(file: Path, kind: str) -> Path:
    return file.with_name(f"{file.name}-{kind}")


def _has_content(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0
