"""Compares ledgers with a remembered head: one that is as long, longer or shorter, and one that differs."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.remembered_head import (
    RememberedHead,
    find_setback,
    read_remembered,
    write_remembered,
)
from rollback_drills.rendering.times import write_time
from tests.samples.builders import NOW
from tests.samples.tampering import fill


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Database]:
    """Open the database that is not there any more."""
    opened = Database.open(f"sqlite:///{tmp_path / 'lost.db'}")
    yield opened
    opened.engine.dispose()


def remembered(database: Database) -> RememberedHead:
    head = find_head(database)
    assert head
    return read_remembered(write_remembered(head))


def test_a_ledger_has_all_of_its_own_heads(database: Database) -> None:
    fill(database, (3,))
    kept = remembered(database)

    assert find_setback(database, kept) is None
    fill(database, (2, 2), start=3)
    assert find_setback(database, kept) is None, "a run was killed before its head was remembered"


def test_an_older_copy_is_shorter(database: Database, lost: Database) -> None:
    fill(database, (3,))
    fill(lost, (3, 2))
    kept = remembered(lost)

    setback = find_setback(database, kept)

    assert setback
    assert (setback.size, setback.newest_at) == (4, NOW + timedelta(hours=2))
    assert f"{kept.checkpoint.short} of {write_time(kept.written_at)}" in setback.explain()
    assert "this database has 4 rows, up to " in setback.explain()


@pytest.mark.parametrize(
    "counts", [(5,), (5, 1), (3, 1), (6,)], ids=["as long", "longer", "one row less", "one row more"]
)
def test_an_older_copy_that_went_on_is_another_ledger(
    database: Database, lost: Database, counts: tuple[int, ...]
) -> None:
    fill(lost, (3, 2))
    fill(database, counts, start=1)

    assert find_setback(database, remembered(lost))


def test_an_empty_database_lacks_nothing(database: Database, lost: Database) -> None:
    database.prepare()
    fill(lost, (3,))

    assert find_setback(database, remembered(lost)) is None, "new evidence begins: its run says so"


@pytest.mark.parametrize(
    "value",
    [None, "69 abc", {}, {"head": 3, "written_at": "2026-11-30T00:00:00Z"}, {"head": "x", "written_at": "x"}],
    ids=str,
)
def test_what_somebody_has_changed_is_no_head(value: object) -> None:
    with pytest.raises(UsageError, match="holds no signed head of the evidence"):
        read_remembered(value)


def test_a_time_without_a_zone_is_none(lost: Database) -> None:
    fill(lost, (3,))
    head = find_head(lost)
    assert head
    value = {**write_remembered(head), "written_at": "2026-11-30T00:00:00"}

    with pytest.raises(UsageError, match="holds no signed head of the evidence"):
        read_remembered(value)
