"""Empty schemas in PostgreSQL: each serves many tests, since to make one takes longer than most of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from rollback_drills.database.connections import Database

POSTGRES: Final = os.environ.get("DRILLS_TEST_POSTGRES", "")
_SHAPE: Final = """
WITH own AS (SELECT oid, xmin FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
  SELECT concat_ws(' ', oid, xmin) FROM own
  UNION ALL SELECT concat_ws(' ', attrelid, attnum, xmin) FROM pg_attribute
    WHERE attrelid IN (SELECT oid FROM own)
  UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM own)
  UNION ALL SELECT concat_ws(' ', indexrelid, xmin) FROM pg_index WHERE indrelid IN (SELECT oid FROM own)
  UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM own)
  UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_policy WHERE polrelid IN (SELECT oid FROM own)
  UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM own)
  UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace
  UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
  UNION ALL SELECT concat_ws(' ', 'version', v.*) FROM drills_schema_version v
) AS parts (part)"""
"""All that a test may have changed of a schema besides its rows, as the transactions that wrote it."""
_EMPTY: Final = """
DO $$ DECLARE found record; BEGIN
  SET LOCAL session_replication_role = replica; -- rows of the evidence cannot be removed otherwise
  FOR found IN SELECT oid::regclass AS name, relkind AS kind FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relname <> 'drills_schema_version'
      AND relkind IN ('r', 'S')
  LOOP
    IF found.kind = 'S' THEN PERFORM setval(found.name, 1, false);
    ELSE EXECUTE format('DELETE FROM %s', found.name);
    END IF;
  END LOOP;
END $$"""

_kept: Final[dict[str, str]] = {}
"""The schemas that are empty, each with its shape."""


@contextmanager
def empty_schema(*options: str) -> Iterator[str]:
    """Return the URL of a schema with all tables and without rows, which nobody else uses meanwhile.

    Args:
        options: Settings of PostgreSQL for each connection, as in `synchronous_commit=off`.
    """
    schema, shape = _kept.popitem() if _kept else _make_schema()
    try:
        yield _url_of(schema, *options)
    finally:
        if _emptied(schema, shape):
            _kept[schema] = shape
        else:
            _drop(schema)


def drop_schemas() -> None:
    """Remove what was kept."""
    while _kept:
        _drop(_kept.popitem()[0])


def _make_schema() -> tuple[str, str]:
    schema = f"drills_{uuid4().hex}"
    with _server().begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    Database.open(_url_of(schema)).engine.dispose()
    with _server().begin() as connection:
        return schema, _shape_of(connection, schema)


def _emptied(schema: str, shape: str) -> bool:
    """Take all rows away; False if a test has changed more than rows, or this role may not do so."""
    try:
        with _server().begin() as connection:
            is_same = _shape_of(connection, schema) == shape
            if is_same:
                connection.execute(text(_EMPTY))
            return is_same
    except SQLAlchemyError:
        return False


def _shape_of(connection: Connection, schema: str) -> str:
    connection.execute(text(f"SET LOCAL search_path TO {schema}"))
    return str(connection.execute(text(_SHAPE)).scalar_one())


def _drop(schema: str) -> None:
    with _server().begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


def _url_of(schema: str, *options: str) -> str:
    settings = " ".join(f"-c{each}" for each in (f"search_path={schema}", *options))
    return make_url(POSTGRES).update_query_dict({"options": settings}).render_as_string(hide_password=False)


@cache
def _server() -> Engine:
    return create_engine(POSTGRES, pool_size=1)
