"""What the API reads stays readable if somebody changed a row: a column may hold what is no text."""

import pytest
from starlette.testclient import TestClient

from rollback_drills.database.connections import Database
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS
from tests.samples.tampering import tampering


@pytest.mark.parametrize("value", ["x'ff'", "CAST(x'ff' AS TEXT)", "1.5"])
@pytest.mark.parametrize("column", ["schedule_id", "provider", "owner"])
@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("outbox", NOTIFICATIONS),
        ("outbox", f"{NOTIFICATIONS}/explanation"),
        ("ledger", f"{NOTIFICATIONS}/routes"),
        ("ledger", f"{NOTIFICATIONS}/suppression-trends"),
    ],
)
def test_a_name_that_is_no_text_is_none_of_those_that_are_known(
    client: TestClient, options: ApiOptions, table: str, path: str, column: str, value: str
) -> None:
    change(options, f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT max(rowid) FROM {table})")

    for query in ("", f"?{column}=nobody"):
        answer = client.get(path + query)
        assert answer.status_code in (200, 404, 422), answer.text


@pytest.mark.parametrize("value", ["x'ff'", "CAST(x'ff' AS TEXT)", "'soon'"])
def test_a_head_whose_time_was_changed_is_shown_without_it(
    client: TestClient, options: ApiOptions, value: str
) -> None:
    change(options, f"UPDATE ledger_heads SET created_at = {value}")

    answer = client.get("/console/evidence")

    assert answer.status_code == 200
    assert "was changed in the column created_at" in answer.text
    assert "signed at" not in answer.text


def change(options: ApiOptions, statement: str) -> None:
    """Change rows as an administrator of the database can."""
    assert options.settings.database_url
    with tampering(Database.at(options.settings.database_url)) as connection:
        connection.exec_driver_sql(statement)
