"""Finds notifications in the outbox: by what a person or the program wants to know of them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.names.spellings import find_spellings_by_index, match
from rollback_drills.notifications.states import DEAD, State
from rollback_drills.outbox.dead_letters import WORTH_SENDING
from rollback_drills.outbox.rows import OutboxRow, decode_rows


@dataclass(frozen=True, slots=True)
class OutboxFilter:
    """Which notifications are wanted; empty matches everything."""

    states: Collection[State] = ()
    provider: str | None = None
    owner: str | None = None
    schedule_ids: Collection[str] = ()
    cycle_id: str | None = None

    def to_sql(self, connection: Connection) -> list[ColumnElement[bool]]:
        """Return the conditions; names match in any spelling."""
        conditions: list[ColumnElement[bool]] = []
        if self.states:
            conditions.append(OUTBOX.c.state.in_(list(self.states)))
        if self.schedule_ids:
            ids = find_spellings_by_index(connection, OUTBOX.c.schedule_id, self.schedule_ids)
            conditions.append(OUTBOX.c.schedule_id.in_(ids))
        wanted = {"cycle_id": self.cycle_id, "provider": self.provider, "owner": self.owner}
        given = [(name, value) for name, value in wanted.items() if value is not None]
        return match(connection, OUTBOX, given, *conditions)


def find_rows(
    database: Database, wanted: OutboxFilter, *, limit: int = 100, offset: int = 0
) -> tuple[list[OutboxRow], int]:
    """Return the newest notifications that match, and how many match altogether."""
    with database.read() as connection:
        conditions = wanted.to_sql(connection)
        page = select(OUTBOX).where(*conditions).order_by(OUTBOX.c.sequence.desc())
        page = page.limit(limit).offset(offset)
        total = connection.scalar(select(func.count()).select_from(OUTBOX).where(*conditions))
        return [*decode_rows(connection.execute(page))], total or 0


def find_dead_letters(database: Database, provider: str | None, *, settled: bool = False) -> list[str]:
    """Return the ids of the dead letters of one provider or of all, the oldest first.

    Args:
        database: Keeps the outbox.
        provider: Through which they were to go; None: through any.
        settled: Also those that matter no more, or that a newer one of their route repeats.
    """
    with database.read() as connection:
        conditions = [
            *OutboxFilter(DEAD, provider).to_sql(connection),
            *(() if settled else (WORTH_SENDING,)),
        ]
        statement = select(OUTBOX.c.notification_id).where(*conditions).order_by(OUTBOX.c.sequence)
        return list(connection.scalars(statement))


def get_row(database: Database, notification_id: str) -> OutboxRow | None:
    """Return one notification.

    Raises:
        DatabaseError: Its row cannot be read.
    """
    with database.read() as connection:
        row = connection.execute(
            select(OUTBOX).where(OUTBOX.c.notification_id == notification_id)
        ).one_or_none()
        return OutboxRow.from_row(row) if row else None
