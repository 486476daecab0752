"""A ledger to tamper with, and what an administrator can do to it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from tests.samples.builders import NOW, open_key
from tests.samples.plain_records import as_record, start_record

OTHER_KEY = SigningKey("rollback-drills/0123456789abcdef", b"\1" * 32)
"""A key of the same name that is not the ledger's."""


def make_row(number: int, **changes: Any) -> Record:
    """Make the record of a delivery, an hour after the one before."""
    return as_record(plain_row(number, **changes))


def plain_row(number: int, **changes: Any) -> dict[str, Any]:
    """Make the same as plain values."""
    start = start_record(
        ROUTE_DELIVERY_KIND, f"rcd-{number}", created_at=NOW + timedelta(hours=number), signer="test"
    )
    route = {"cycle_id": f"gordcycle-{number % 5}", "provider": "slack", "owner": "team-a"}
    told = {"status": "due_soon", "delivery_success": True, "outcome": "delivered"}
    return {**start, "schedule_id": f"schedule-{number % 3}", **route, **told, **changes}


def fill(database: Database, counts: Sequence[int], *, start: int = 0, key: SigningKey | None = None) -> None:
    """Append so many rows in each transaction; the first one has the row of the key before them."""

    def open_this(public_key: PublicKey | None) -> SigningKey:
        return key or open_key(public_key)

    for count in counts:
        append(database, [make_row(number) for number in range(start, start + count)], open_this)
        start += count


def unguard(connection: Connection) -> Callable[[], None]:
    """Take the triggers away, as an administrator can; return what puts them back."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        _run(connection, [f"DROP TRIGGER {row.name}" for row in found])
        return partial(_run, connection, [row.sql for row in found])
    tables = ("ledger", "ledger_pruned", "ledger_heads")
    _run(connection, [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables])
    return partial(_run, connection, [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables])


@contextmanager
def tampering(database: Database) -> Iterator[Connection]:
    """Change what cannot be changed, and leave no trace in the triggers."""
    with database.write() as connection:
        guard = unguard(connection)
        yield connection
        guard()


def _run(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)
