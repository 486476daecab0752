"""Rows that a database cannot give, or gives as something else, are findings; the others are read."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.pruning import prune
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind as Kind
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.evidence.verify.stored_rows import reading_anything
from tests.samples.builders import NOW, open_key
from tests.samples.tampering import fill, tampering

TOO_LARGE = 69_000_000


@pytest.fixture
def database(database: Database) -> Database:
    """Fill the database with rows under the heads over 10 and 17 rows."""
    fill(database, (9, 7))
    return database


@pytest.fixture
def sqlite(database: Database) -> Database:
    """Let a test run on SQLite alone, where a cell may hold anything."""
    if database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps the type of a column and bounds what it returns")
    return database


def verified(database: Database) -> Verification:
    return verify_ledger(database, Trust(), lambda _: None)


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 3, 16])
def test_a_record_that_is_too_large_is_a_finding_and_the_rest_is_read(number: int, sqlite: Database) -> None:
    with tampering(sqlite) as connection:
        change = text("UPDATE ledger SET record = zeroblob(:size) WHERE leaf_index = :number")
        connection.execute(change, {"size": TOO_LARGE, "number": number})

    result = verified(sqlite)

    found = [each.message for each in result.findings if "cannot be read" in each.message]
    assert found == [f"row {number} cannot be read: string or blob too big"]
    assert (result.size, result.head_count) == (17, 2)


@pytest.mark.slow
def test_what_is_left_of_a_pruned_row_and_too_large_is_a_finding_of_it(sqlite: Database) -> None:
    fill(sqlite, (1,), start=40_000)
    prune(sqlite, months=12, now=NOW + timedelta(days=900), signer="maria", open_key=open_key)
    with tampering(sqlite) as connection:
        change = text("UPDATE ledger_pruned SET hashes = zeroblob(:size) WHERE leaf_index = 3")
        connection.execute(change, {"size": TOO_LARGE})

    result = verified(sqlite)

    assert result.findings[0].message == "row 3 cannot be read: string or blob too big"
    assert result.pruned_count == 16


def test_a_row_whose_number_is_a_text_is_a_finding(sqlite: Database) -> None:
    with tampering(sqlite) as connection:
        connection.exec_driver_sql("CREATE TABLE other AS SELECT * FROM ledger")
        connection.exec_driver_sql("DROP TABLE ledger")
        connection.exec_driver_sql("ALTER TABLE other RENAME TO ledger")
        connection.exec_driver_sql("CREATE TABLE one AS SELECT * FROM ledger WHERE leaf_index = 3")
        connection.exec_driver_sql("UPDATE one SET leaf_index = 'x'")
        connection.exec_driver_sql("INSERT INTO ledger SELECT * FROM one")

    result = verified(sqlite)

    found = [(each.kind, each.message) for each in result.findings if each.kind is not Kind.SCHEMA]
    assert found == [(Kind.INSERTED, "row -1 cannot be read: its number is 'x'")]


def test_a_connection_is_left_as_it_was(sqlite: Database) -> None:
    with sqlite.read() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        usual = raw.getlimit(0), raw.text_factory
        with reading_anything(connection):
            assert (raw.getlimit(0), raw.text_factory) != usual
        assert (raw.getlimit(0), raw.text_factory) == usual


def test_without_the_outbox_the_rows_are_verified(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE outbox")

    result = verified(database)

    assert {each.kind for each in result.findings} <= {Kind.SCHEMA}
    assert (result.size, result.head_count) == (17, 2)


def test_a_database_without_the_tables_of_the_ledger_holds_no_evidence(database: Database) -> None:
    with database.write() as connection:
        for table in ("ledger", "ledger_pruned", "ledger_heads", "drills_schema_version"):
            connection.exec_driver_sql(f"DROP TABLE {table}")

    with pytest.raises(UsageError, match="there is no evidence in the database; run"):
        verified(database)
