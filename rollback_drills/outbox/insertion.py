"""Inserts rows that may be there already."""

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from rollback_drills.database.connections import Database


def insert_new(database: Database, table: Table) -> Insert:
    """Return an INSERT that passes over rows that are there already."""
    if database.engine.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
