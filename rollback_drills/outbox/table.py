"""The tables of the outbox. Instants are seconds since 1970, so that SQL can compare them."""

from typing import Final

from sqlalchemy import Boolean, Column, Float, Index, Insert, Integer, String, Table, Text
from sqlalchemy.dialects import postgresql, sqlite

from rollback_drills.database.connections import METADATA, Database

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("notification_id", String(40), nullable=False, unique=True),
    Column("message_id", String(40), nullable=False, index=True),  # of a digest: that of its first row
    Column("route_key", String(40), nullable=False, index=True),
    Column("cycle_id", String(40), nullable=False, index=True),
    Column("schedule_id", Text, nullable=False, index=True),
    Column("provider", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("cycle_due", String(40), nullable=False),
    Column("planned_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("state", String(20), nullable=False),
    Column("is_closed", Boolean, nullable=False, default=False),
    Column("due_at", Float),  # when it wants attention: the next attempt, or the end of a lease; null: never
    Column("claim", String(40), nullable=False, default=""),
    Column("attempt_count", Integer, nullable=False, default=0),
    Column("unanswered_count", Integer, nullable=False, default=0),
    Column("may_repeat", Boolean, nullable=False, default=False),
    Column("started_at", Float),  # when the present streak of attempts began
    Column("completed_at", Float),
    Column("status_code", Integer),
    Column("detail", Text, nullable=False, default=""),
    Column("external_ref", Text, nullable=False, default=""),
    Column("request", Text, nullable=False, default=""),
    Column("is_indexed", Boolean, nullable=False, default=True),  # whether the evidence has the last outcome
    Column("notification", Text, nullable=False, default=""),
    Index("outbox_by_provider_and_due", "provider", "due_at"),
    Index("outbox_by_open", "is_closed", "schedule_id"),
    Index("outbox_by_indexed", "is_indexed", "sequence"),
)

DESTINATIONS: Final = Table(
    "destinations",
    METADATA,
    Column("provider", String(200), primary_key=True),
    Column("cool_until", Float, nullable=False, default=0.0),  # nothing is sent there before
    Column("disabled_at", Float),
    Column("disabled_because", Text, nullable=False, default=""),
)


def insert_new(database: Database, table: Table) -> Insert:
    """Return an INSERT that passes over rows that are there already."""
    if database.engine.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
