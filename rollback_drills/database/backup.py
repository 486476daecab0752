"""Copies an SQLite database while others write to it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.database.engines import sqlite
from rollback_drills.errors import Field, UsageError
from rollback_drills.errors.effects import note_effect

_PAGES_AT_ONCE: Final = 2000
Progress = Callable[[int, int], None]
"""Is called with the number of pages that are copied, and of all."""


@contextmanager
def copying(database: Database, target: Path, progress: Progress, *, force: bool) -> Iterator[Database]:
    """Copy a database, and yield the copy for reading; it gets its name when this ends without an error.

    Nobody else can read the copy. What was under its name before stays until then.

    Args:
        database: Is in a file.
        target: The name of the copy.
        progress: Shows how far it is.
        force: Whether to replace a file of that name.

    Raises:
        UsageError: The database is not in a file, or the copy cannot have this name or cannot be written.
        DatabaseError: The database cannot be read.
    """
    _check_target(database, target, force=force)
    with (
        _explained(target),
        NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}-", suffix=".partial", delete=False
        ) as file,
    ):
        partial = Path(file.name)  # mode 0600
    try:
        with _explained(target):
            _copy(database, partial, progress)
        copy = Database(sqlite.make_reading_engine(partial))
        yield copy
        copy.engine.dispose()
        with _explained(target):
            _rename(partial, target, force=force)
    finally:
        with suppress(OSError):
            partial.unlink()


def _check_target(database: Database, target: Path, *, force: bool) -> None:
    source = sqlite.file_of(database.engine.url)
    if source is None:
        raise UsageError("only a database in an SQLite file can be copied")
    with _explained(target):
        if source.exists() and target.exists() and source.samefile(target):
            raise UsageError(f"{target} is the database itself; name another file")
        if target.exists() and not target.is_file():
            raise UsageError(f"{target} is not a file; name one")
        if target.exists() and not force:
            raise _exists(target)
        for each in sqlite.files_beside(target):
            if each.exists():
                raise UsageError(
                    f"{each} exists, and SQLite would take its content for part of the copy;"
                    " name another file, or remove it if no process has it open"
                )


def _copy(database: Database, partial: Path, progress: Progress) -> None:
    """Copy page by page; the snapshot keeps the copy consistent, and does not keep writers waiting."""
    with database.snapshot() as connection, closing(sqlite3.connect(partial)) as target:
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # the snapshot begins here
        source = connection.connection.driver_connection
        if isinstance(source, sqlite3.Connection):
            source.backup(
                target, pages=_PAGES_AT_ONCE, progress=lambda _, left, total: progress(total - left, total)
            )
        target.execute("PRAGMA journal_mode=DELETE")  # one file that needs no other


def _rename(partial: Path, target: Path, *, force: bool) -> None:
    if force:
        partial.replace(target)
    else:
        try:
            target.hardlink_to(partial)  # unlike a renaming, it replaces nothing
        except FileExistsError:
            raise _exists(target) from None
    note_effect()


def _exists(target: Path) -> UsageError:
    return UsageError(f"{target} exists already; name another file, or replace it with ", Field("force"))


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{target} cannot be written: {why.lower()}") from None
