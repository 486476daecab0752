"""What is known of destinations, also if somebody has changed their table."""

from typing import Any

import pytest
from sqlalchemy import insert, type_coerce
from sqlalchemy.types import NullType

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import DESTINATIONS
from rollback_drills.outbox.destinations import Destination, find_destinations
from tests.samples.databases import only_on_sqlite


@only_on_sqlite  # PostgreSQL keeps the type of a column
@pytest.mark.parametrize(
    "change",
    [
        {"provider": b"\xff"},
        {"cool_until": "soon"},
        {"disabled_at": "2026-12-01"},
        {"disabled_at": float("inf")},
        {"disabled_because": b"\xff"},
    ],
    ids=str,
)
def test_a_destination_that_cannot_be_read_hides_no_other(
    change: dict[str, Any], database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"provider": "teams", "cool_until": 0.0, "disabled_at": 5.0, "disabled_because": "revoked"}
    put(database, {**row, "provider": "slack"})
    put(database, {**row, **change})

    assert find_destinations(database) == [Destination("slack", 0.0, 5.0, "revoked")]
    assert "in the table destinations cannot be read" in caplog.text
    assert "delete it from the table, or restore a backup" in caplog.text


def put(database: Database, row: dict[str, Any]) -> None:
    """Write a row as somebody can who takes any value for any column."""
    values = {name: type_coerce(value, NullType()) for name, value in row.items()}
    with database.write() as connection:
        connection.execute(insert(DESTINATIONS).values(**values))
