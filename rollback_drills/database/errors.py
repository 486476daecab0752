"""What goes wrong with the database, in words that name it and the remedy."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Final, ParamSpec, TypeVar

import msgspec
from sqlalchemy import URL, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.errors import DrillsError, Setting
from rollback_drills.names.environment_variables import DATABASE

_CONFLICTS: Final = frozenset({"40001", "40P01"})
"""SQLSTATE of a serialization failure and of a deadlock (PostgreSQL, appendix A)."""
_REMEDIES: Final[Mapping[str, str | tuple[str | Setting, ...]]] = {
    "SQLITE_READONLY": "; make the file and its folder writable for this user",
    "SQLITE_NOTADB": ("; set ", DATABASE, " to another file"),
    "SQLITE_BUSY": "; another program holds it for too long: end that program, or try again later",
    "SQLITE_CANTOPEN": ("; correct the path in ", DATABASE, ", or let this user open the file"),
    "SQLITE_CORRUPT": "; restore a backup",
    "SQLITE_FULL": "; free some space",
    "SQLITE_IOERR": "; look whether the disk is full or damaged",
    "23505": "; look for the reason with `drills evidence verify`",
    "25006": "; use a role that may write, and a server that is no standby",
    "55P03": "; another transaction held a lock for too long: look for it in pg_stat_activity",
    "57014": "; raise statement_timeout for this role if the database is that large",
}
"""What to do, by SQLite's name or the SQLSTATE of an error."""
_MOST_CONFLICTS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 0.2

P = ParamSpec("P")
T = TypeVar("T")


class FormatProblem(Exception):  # noqa: N818 - `explained` turns it into an error that names the database
    """This program cannot use a database as it is; the text says what to do."""


class DatabaseError(DrillsError):
    """The database cannot be read or written; the message names it without its password."""


class ConflictError(DatabaseError):
    """Two transactions stood in each other's way, and the database has ended this one; it can be repeated."""


def repeat_on_conflict(change: Callable[P, T]) -> Callable[P, T]:
    """Repeat a transaction that the database rolled back because of a conflict."""

    @wraps(change)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(_MOST_CONFLICTS):
            try:
                return change(*args, **kwargs)
            except ConflictError:
                time.sleep(random.random() * _LONGEST_PAUSE_SECONDS)  # noqa: S311 - needs no secrecy
        return change(*args, **kwargs)

    return repeated


def show_place(url: URL | str) -> str:
    """Return the URL of a database as it may be shown: without its password."""
    return make_url(url).difference_update_query(["password"]).render_as_string(hide_password=True)


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Raise what goes wrong inside as an error that a person can read.

    Raises:
        DatabaseError: The database cannot be used, or has another format.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, FormatProblem) as error:
        cause = getattr(error, "orig", None) or error
        sqlstate = getattr(cause, "sqlstate", None)
        kind = ConflictError if sqlstate in _CONFLICTS else DatabaseError
        place = show_place(engine.url)
        name = getattr(cause, "sqlite_errorname", sqlstate) or ""
        family = "_".join(name.split("_")[:2])  # SQLITE_CANTOPEN_ISDIR is SQLITE_CANTOPEN
        remedy = _REMEDIES.get(family, "")
        parts = error.args if isinstance(error, FormatProblem) else (" ".join(str(cause).split()),)
        parts += (remedy,) if isinstance(remedy, str) else remedy
        raise kind(f"the database at {place} cannot be used: ", *parts) from None
    except UnicodeDecodeError:  # what sqlite3 raises if an error quotes a name that was damaged
        what = "cannot be used: a name in it is no text; restore a backup"
        raise DatabaseError(f"the database at {show_place(engine.url)} {what}") from None
    except msgspec.MsgspecError:  # what readers of rows raise
        what = "has a row that cannot be read; `drills evidence verify` shows what happened"
        raise DatabaseError(f"the database at {show_place(engine.url)} {what}") from None
