from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from rollback_drills.database.errors import DatabaseError
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from tests.processes.forked import run_at_once
from tests.samples.builders import open_key
from tests.samples.plain_records import as_record, start_record


def make_record(
    schedule_id: str, *, kind: str = ROUTE_DELIVERY_KIND, success: bool = True, at: int = 1
) -> PlainJson:
    """Make a record of a delivery."""
    created_at = datetime(2026, 12, at, tzinfo=UTC)
    return {
        **start_record(kind, "rcd-x", created_at=created_at, signer="test"),
        "schedule_id": schedule_id,
        "cycle_id": "gordcycle-1",
        "route_key": "gordroute-1",
        "provider": "slack",
        "owner": "team",
        "status": "due_soon",
        "delivery_success": success,
        "generated_at": created_at.isoformat(),
    }


def put(index: EvidenceIndex, *records: PlainJson) -> None:
    """Write records."""
    append(index.database, list(map(as_record, records)), open_key)


def test_records_come_back_the_newest_first_and_filtered(url: str) -> None:
    mine, other = uuid4().hex, uuid4().hex
    index = EvidenceIndex.open(url)
    put(index, make_record(mine, at=1), make_record(other), make_record(mine, at=2, success=False))

    records, total = index.find(EvidenceFilter(schedule_id=mine), limit=1)

    assert total == 2
    assert str(records[0]["created_at"]).startswith("2026-12-02")
    assert index.find(EvidenceFilter(schedule_id=mine, success=True))[1] == 1
    assert index.find(EvidenceFilter(schedule_id=mine, provider="teams"))[1] == 0
    assert index.get(int(str(records[0]["leaf_index"]))) == records[0]
    assert index.get(10**9) is None
    assert index.get(10**20) is None


def test_records_are_written_all_or_none(url: str) -> None:
    mine = uuid4().hex
    index = EvidenceIndex.open(url)
    broken = {**make_record(mine), "session_id": None}

    with pytest.raises(DatabaseError):
        put(index, make_record(mine), broken)

    assert index.find(EvidenceFilter(schedule_id=mine))[1] == 0


@pytest.mark.slow
def test_two_processes_that_write_at_once_lose_nothing(url: str) -> None:
    mine = uuid4().hex
    EvidenceIndex.open(url).database.engine.dispose()

    def write() -> None:
        index = EvidenceIndex.open(url)
        for _ in range(50):
            put(index, make_record(mine))

    assert run_at_once([write] * 2) == [0, 0]
    assert EvidenceIndex.open(url).find(EvidenceFilter(schedule_id=mine))[1] == 100


def test_looking_creates_nothing(tmp_path: Path) -> None:
    assert EvidenceIndex.open_existing(f"sqlite:///{tmp_path / 'none.db'}") is None
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_be_used_is_named_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "evidence.db").write_bytes(b"this is no database " * 100)
    with pytest.raises(DatabaseError, match=r"evidence\.db cannot be used"):
        EvidenceIndex.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    with pytest.raises(DatabaseError) as caught:
        EvidenceIndex.open("postgresql+psycopg://drills:hunter2@127.0.0.1:9/drills")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["postgres;drop", "postgresql+asyncpg://drills:hunter2@127.0.0.1:9/drills", "sqlite+aiosqlite:///a.db"],
)
def test_a_url_that_cannot_be_used_is_named_with_what_can(url: str) -> None:
    with pytest.raises(UsageError, match=r"no usable database URL.*postgresql\+psycopg") as caught:
        EvidenceIndex.open(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.slow
def test_processes_that_open_a_new_index_at_once_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"

    assert run_at_once([lambda: EvidenceIndex.open(url)] * 6) == [0] * 6


def test_a_password_in_the_query_of_a_url_is_not_repeated() -> None:
    with pytest.raises((DatabaseError, UsageError)) as caught:
        EvidenceIndex.open("postgresql+psycopg://drills@127.0.0.1:9/drills?password=hunter2")
    assert "hunter2" not in str(caught.value)


def test_pages_follow_each_other_without_a_gap(url: str) -> None:
    mine = uuid4().hex
    index = EvidenceIndex.open(url)
    put(index, *(make_record(mine, at=day) for day in range(1, 8)))

    pages = [
        index.find(EvidenceFilter(schedule_id=mine), limit=3, offset=offset)[0] for offset in (0, 3, 6, 9)
    ]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    days = [str(record["created_at"])[8:10] for page in pages for record in page]
    assert days == [f"{day:02}" for day in range(7, 0, -1)]
