"""A row that cannot be read any more is left out, and named in a warning, by what looks through its kind."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex, read_all
from rollback_drills.evidence.outages.known import read_unfinished
from rollback_drills.evidence.outages.records import OutageRecord
from rollback_drills.evidence.record_kinds import (
    ACKNOWLEDGEMENT_KIND,
    EXCEPTION_REQUEST_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_REQUEST_KIND,
    RETEST_KIND,
    RETIREMENT_KIND,
)
from rollback_drills.evidence.record_summary import describe_record
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.approval_notices import read_open_approvals
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.followup.exceptions.found_requests import read_open_requests
from rollback_drills.followup.retests import read_retests
from rollback_drills.followup.retirements.retirement import (
    Change,
    GivenRetirement,
    read_retired,
    record_retirement,
)
from rollback_drills.recovery.found_replays import list_replays
from tests.samples.builders import NOW, open_key
from tests.samples.followup_records import acknowledged, excepted
from tests.samples.plain_records import as_record, start_record
from tests.samples.tampering import tampering

_LEFT_OUT = (
    "the evidence is damaged: row 1 holds no record any more; `drills evidence verify` shows what happened"
    "; it is left out"
)


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (REPLAY_REQUEST_KIND, list_replays),
        (REPLAY_REQUEST_KIND, lambda database, now: read_open_approvals(database, now=now).replays),
        (EXCEPTION_REQUEST_KIND, read_open_requests),
        (RETEST_KIND, read_retests),
        (RETIREMENT_KIND, lambda database, now: read_retired(database)),
    ],
)
def test_a_row_that_cannot_be_read_stops_nobody(
    database: Database, kind: str, read: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    record = start_record(kind, "without-what-it-needs", created_at=NOW, signer="x")
    append(database, [as_record(record)], open_key)

    assert not read(database, now=NOW)
    assert caplog.messages == [_LEFT_OUT]


@pytest.mark.parametrize("time", ["soon", "2026-02-30T00:00:00+00:00", "2026-02-03T00:00:00"])
@pytest.mark.parametrize(
    ("record", "name"),
    [
        (acknowledged(), "acknowledged_at"),
        (acknowledged(), "acknowledged_until"),
        (excepted(NOW), "approved_at"),
        (excepted(NOW), "expires_at"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.kind(),
)
def test_a_time_that_is_none_damages_its_row(
    database: Database,
    record: AcknowledgementRecord | ExceptionRecord,
    name: str,
    time: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    append(database, [msgspec.structs.replace(record, **{name: time})], open_key)

    with database.read() as connection:
        assert read_all(connection, type(record)) == []
    assert caplog.messages == [_LEFT_OUT]


@pytest.mark.parametrize("name", ["session_id", "flow_run_id", "schedule_id", "owner", "original"])
@pytest.mark.parametrize("value", [None, 5, ["x"], {}])
def test_a_row_is_listed_whatever_its_texts_are(name: str, value: object) -> None:
    plain = {**acknowledged().to_wire(), "leaf_index": 3}

    row = describe_record({**plain, name: value})

    assert (row.number, row.kind, row.is_imported) == (3, "notification-ack", False)


@pytest.mark.parametrize("created_at", ["soon", "2026-02-03T00:00:00", 5, None])
def test_a_row_that_nobody_can_place_in_time_is_not_listed(database: Database, created_at: object) -> None:
    append(database, [acknowledged(), acknowledged()], open_key)
    _change(database, 1, created_at=created_at)

    found, total = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=ACKNOWLEDGEMENT_KIND))

    assert [each["leaf_index"] for each in found] == [2]
    assert total == 2


def test_others_are_found_beside_a_row_with_a_wrong_signer(database: Database) -> None:
    append(database, [acknowledged(), acknowledged()], open_key)
    _change(database, 1, signer=["x"])

    with database.read() as connection:
        assert [each.leaf_index for each in read_all(connection, AcknowledgementRecord)] == [2]


def test_the_one_row_that_is_asked_for_is_an_error(database: Database) -> None:
    append(database, [acknowledged()], open_key)
    _change(database, 1, metadata_kind=5)

    with pytest.raises(DatabaseError, match="row 1 holds no record any more; `drills evidence verify` shows"):
        EvidenceIndex(database).get(1)


def test_a_schedule_is_followed_if_nobody_can_read_who_restored_it(database: Database) -> None:
    given = GivenRetirement("payments", "moved", "lead")
    retired = record_retirement(given, ["payments"], {}, now=NOW, created_at=NOW, signer="x")
    append(database, [retired], open_key)
    assert read_retired(database)
    append(database, [msgspec.structs.replace(retired, change=Change.RESTORED)], open_key)
    _change(database, 2, change="maybe")

    assert not read_retired(database)


def test_a_replay_that_was_executed_is_not_offered_again(database: Database) -> None:
    request = {
        **start_record(REPLAY_REQUEST_KIND, "rdreplay-1", created_at=NOW, signer="x"),
        "replay_id": "rdreplay-1",
        "requested_by": "x",
        "requested_at": "2026-11-25T12:00:00Z",
        "open_until": "2026-12-25T12:00:00Z",
        "reason": "r",
        "providers": ["slack"],
        "notification_count": 0,
        "notifications": [],
    }
    append(database, [as_record(request)], open_key)
    assert [each.replay_id for each in list_replays(database, now=NOW)] == ["rdreplay-1"]
    append(database, [as_record({**request, "metadata_kind": REPLAY_EXECUTION_KIND})], open_key)

    assert list_replays(database, now=NOW) == []


def test_the_outages_of_others_are_known_beside_a_damaged_one(database: Database) -> None:
    append(database, [_outage("slack"), _outage("teams")], open_key)
    _change(database, 1, provider=5)
    _change(database, 2, product=5)

    with database.read() as connection:
        assert [*read_unfinished(connection).outages] == ["teams"]


def _outage(provider: str) -> OutageRecord:
    return OutageRecord(
        session_id=provider,
        created_at=write_instant(NOW),
        signer="x",
        provider=provider,
        outage_id=provider,
        opened_at=write_instant(NOW),
        cause="retries",
        detail="",
        waiting_count=1,
        dead_letter_count=0,
    )


def _change(database: Database, leaf_index: int, **fields: object) -> None:
    row = LEDGER.c.leaf_index == leaf_index
    with tampering(database) as connection:
        record = msgspec.json.decode(connection.scalars(select(LEDGER.c.record).where(row)).one())
        text = msgspec.json.encode({**record, **fields}).decode()
        connection.execute(update(LEDGER).where(row).values(record=text))
