"""Inserts rows that may be there already."""

from typing import Any

from sqlalchemy import Column, Insert
from sqlalchemy.dialects import postgresql, sqlite

from rollback_drills.database.connections import Database


def insert_new(database: Database, key: Column[Any]) -> Insert:
    """Return an INSERT that skips rows whose key is there already.

    Any other conflict is an error, so that no row is lost silently.
    """
    if database.engine.dialect.name == "postgresql":
        return postgresql.insert(key.table).on_conflict_do_nothing(index_elements=[key])
    return sqlite.insert(key.table).on_conflict_do_nothing(index_elements=[key])
