"""Keeps the changes that a check has recorded and not published yet: a later check publishes them."""

from collections.abc import Set as AbstractSet

from sqlalchemy import Connection, delete, insert, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import UNPUBLISHED
from rollback_drills.evidence.appender import lock_ledger
from rollback_drills.evidence.checks.last_findings import find_last_check


def find_unpublished(connection: Connection, population_id: str) -> frozenset[str]:
    """Return the changed schedules of a population that a killed check has not published."""
    names = select(UNPUBLISHED.c.schedule_id).where(UNPUBLISHED.c.population_id == population_id)
    return frozenset(connection.scalars(names))


def keep_unpublished(connection: Connection, population_id: str, names: AbstractSet[str]) -> None:
    """Keep changed schedules of a population until they are published. None of them may be kept already."""
    rows = [{"population_id": population_id, "schedule_id": name} for name in sorted(names)]
    if rows:
        connection.execute(insert(UNPUBLISHED), rows)


def forget_unpublished(database: Database, population_id: str, size: int) -> None:
    """Forget what was kept of a population, now that its newest check has published it.

    A check that was recorded meanwhile publishes all of it once more, together with its own changes.

    Args:
        database: Keeps the ledger.
        population_id: The population.
        size: How many rows the ledger had when the check was recorded.

    Raises:
        DatabaseError: The database cannot be written; the next check publishes the same again.
    """
    with database.write() as connection:
        lock_ledger(connection)
        if (find_last_check(connection, population_id) or 0) < size:
            connection.execute(delete(UNPUBLISHED).where(UNPUBLISHED.c.population_id == population_id))
