"""What is left after the retention of rows is over: on disk, and to build on."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.ledger_records import SetbackRecord
from rollback_drills.evidence.proofs import prove_consistency, prove_inclusion
from rollback_drills.evidence.pruning import Prunable, prune
from rollback_drills.evidence.record_kinds import (
    CLOCK_KIND,
    KEY_KIND,
    LEDGER_KINDS,
    PRUNING_KIND,
    SETBACK_KIND,
)
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.settings import read_settings
from tests.samples.builders import NOW, open_key
from tests.samples.databases import fresh_database
from tests.samples.plain_records import read_plain
from tests.samples.tampering import fill, make_row, unguard

MUCH_LATER = datetime(2040, 1, 1, tzinfo=UTC)


def pruned(database: Database, now: datetime = MUCH_LATER) -> Prunable:
    return prune(database, months=24, now=now, signer="maria", open_key=open_key)[0]


def kinds(database: Database) -> list[str]:
    return [each["metadata_kind"] for each in read_plain(database, limit=100)]


def test_the_content_is_gone_from_the_files_while_others_have_them_open(tmp_path: Path) -> None:
    with fresh_database("sqlite", tmp_path) as url:
        database, other = Database.open(url), Database.open(url)
        append(database, [make_row(0, note=f"unmistakable-{number}") for number in range(500)], open_key)

        with other.engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM ledger")).all()
            assert found_in(tmp_path, b"unmistakable-") >= 500
            assert pruned(database).row_count == 499

        assert found_in(tmp_path, b"unmistakable-") == found_in(tmp_path, b"unmistakable-499") == 1


def found_in(folder: Path, content: bytes) -> int:
    return sum(file.read_bytes().count(content) for file in folder.iterdir())


@pytest.mark.parametrize(
    ("fraction", "count"),
    [
        pytest.param("", 0, id="at the cut-off"),
        pytest.param(".500000", 0, id="half a second later"),
        pytest.param(None, 1, id="a microsecond before"),
    ],
)
def test_a_row_goes_when_its_whole_second_is_older(
    fraction: str | None, count: int, database: Database
) -> None:
    second = "2026-12-01T08:59:59.999999" if fraction is None else f"2026-12-01T09:00:00{fraction}"
    append(database, [make_row(0, created_at=f"{second}+00:00"), make_row(1)], open_key)

    found = pruned(database, datetime(2028, 12, 1, 9, 0, 0, 700_000, tzinfo=UTC))

    assert (found.row_count, found.cut_off) == (count, datetime(2026, 12, 1, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "cut_off"),
    [
        pytest.param(datetime(2028, 2, 29, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC), id="leap day"),
        pytest.param(datetime(2028, 12, 31, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC), id="last day"),
    ],
)
def test_the_cut_off_is_the_same_day_of_the_month_or_its_last(
    now: datetime, cut_off: datetime, database: Database
) -> None:
    fill(database, (1,))

    assert pruned(database, now).cut_off == cut_off


def test_what_the_ledger_says_of_itself_stays_and_everything_is_built_upon_it(database: Database) -> None:
    append(database, [make_row(10)], open_key)
    setback = SetbackRecord(
        created_at=str(make_row(0).created_at),
        signer="drill-check",
        remembered_head="3 abc=",
        remembered_at="2026-12-01T09:00:00+00:00",
        row_count=2,
        newest_created_at="2026-11-30T09:00:00+00:00",
    )
    append(database, [make_row(0), setback, make_row(1)], open_key)  # the clock went back by ten hours
    assert pruned(database).row_count == 2
    assert pruned(database, MUCH_LATER + timedelta(days=1000)).row_count == 1
    own = [PRUNING_KIND, PRUNING_KIND, SETBACK_KIND, CLOCK_KIND, KEY_KIND]
    assert kinds(database) == own
    assert set(own) == set(LEDGER_KINDS)

    assert pruned(database, MUCH_LATER + timedelta(days=4000)).row_count == 0
    append(database, [make_row(200_000)], open_key)

    head = find_head(database)
    assert head
    assert kinds(database)[1:] == own
    result = verify_ledger(database, Trust([("the head", head.checkpoint)]), lambda _: None)
    assert "evidence was missing 1 time; each time has a row of its own" in result.remarks
    assert (result.findings, result.size, result.pruned_count) == ([], 9, 3)
    proofs = [prove_inclusion(database, number, None) for number in range(9)]
    assert {b64decode(each.root) for each in proofs} == {head.checkpoint.root}
    assert prove_consistency(database, 3, 9).consistency


def test_nothing_is_pruned_and_nothing_written_while_every_row_is_young(database: Database) -> None:
    fill(database, (3,))
    before = find_head(database)

    assert pruned(database, NOW + timedelta(days=600)).row_count == 0

    assert find_head(database) == before


def test_an_empty_ledger_has_nothing_to_prune(database: Database) -> None:
    assert pruned(database).row_count == 0
    assert find_head(database) is None


def test_a_ledger_that_misses_a_row_of_the_past_is_not_pruned(database: Database) -> None:
    fill(database, (10,))
    with database.write() as connection:
        unguard(connection)
        connection.execute(text("DELETE FROM ledger WHERE leaf_index = 9"))

    with pytest.raises(DatabaseError, match="the evidence is damaged: row"):
        pruned(database)

    assert EvidenceIndex(database).find(EvidenceFilter())[1] == 10
    assert PRUNING_KIND not in kinds(database)


@pytest.mark.parametrize("value", ["12", "1200"])
def test_the_bounds_of_the_retention_belong_to_it(value: str) -> None:
    assert read_settings({VARIABLES["older_than_months"]: value}).older_than_months == int(value)


@pytest.mark.parametrize("value", ["11", "0", "-24", "1201", "24.5", "two years", "true", ""])
def test_a_retention_that_auditors_would_miss_is_refused_and_never_falls_back(value: str) -> None:
    with pytest.raises(UsageError, match="DRILLS_EVIDENCE_RETENTION_MONTHS is"):
        read_settings({VARIABLES["older_than_months"]: value})
