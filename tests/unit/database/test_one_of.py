"""A condition takes any number of values, and any text."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import listed, one_of
from rollback_drills.database.tables import DESTINATIONS, LEDGER, OUTBOX

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@pytest.mark.parametrize("count", [0, 1, 100_000])
def test_any_number_of_values_is_one_parameter(count: int, database: Database) -> None:
    statement = select(OUTBOX.c.sequence).where(one_of(OUTBOX.c.cycle_id, map(str, range(count))))

    assert len(statement.compile(database.engine).params) == 1
    with database.read() as connection:
        assert connection.scalars(statement).all() == []


def test_numbers_are_compared_as_numbers(database: Database) -> None:
    with database.read() as connection:
        rows = connection.scalars(select(LEDGER.c.leaf_index).where(one_of(LEDGER.c.leaf_index, [0, 10**12])))
        assert rows.all() == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, max_size=5))
def test_texts_come_back_as_they_are(texts: list[str], database: Database) -> None:
    with database.read() as connection:
        assert connection.scalars(select(listed(texts).c.value)).all() == texts


def test_only_rows_with_one_of_the_values_are_found(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(DESTINATIONS), [{"provider": each} for each in ("a", "b", "quo'te")])

    with database.read() as connection:
        found = connection.scalars(
            select(DESTINATIONS.c.provider).where(one_of(DESTINATIONS.c.provider, ["b", "quo'te", "c"]))
        )
        assert set(found) == {"b", "quo'te"}
