"""A row that cannot be read any more ends what reads it with one error, which says what to do."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from rollback_drills.database.connections import Database, DatabaseError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import read_all
from rollback_drills.evidence.record_summary import describe_record
from rollback_drills.evidence.records import (
    EXCEPTION_REQUEST_KIND,
    REPLAY_REQUEST_KIND,
    RETEST_KIND,
    RETIREMENT_KIND,
)
from rollback_drills.followup.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.approval_notices import read_open_approvals
from rollback_drills.followup.exceptions import ExceptionRecord
from rollback_drills.followup.retests import read_retests
from rollback_drills.followup.retirements import read_retired
from rollback_drills.recovery.found_replays import list_replays
from tests.samples.builders import NOW, open_key
from tests.samples.followup_records import acknowledged, excepted
from tests.samples.plain_records import as_record, start_record


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (REPLAY_REQUEST_KIND, list_replays),
        (REPLAY_REQUEST_KIND, read_open_approvals),
        (EXCEPTION_REQUEST_KIND, read_open_approvals),
        (RETEST_KIND, read_retests),
        (RETIREMENT_KIND, lambda database, now: read_retired(database)),
    ],
)
def test_a_row_that_cannot_be_read_is_no_traceback(
    database: Database, kind: str, read: Callable[..., Any]
) -> None:
    record = start_record(kind, "without-what-it-needs", created_at=NOW, signer="x")
    append(database, [as_record(record)], open_key)

    with pytest.raises(
        DatabaseError,
        match="row 1 holds no record any more; `drills evidence verify` shows",
    ):
        read(database, now=NOW)


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
    database: Database, record: AcknowledgementRecord | ExceptionRecord, name: str, time: str
) -> None:
    append(database, [msgspec.structs.replace(record, **{name: time})], open_key)

    with database.read() as connection, pytest.raises(DatabaseError, match="row 1 holds no record any more"):
        read_all(connection, type(record))


@pytest.mark.parametrize("name", ["session_id", "flow_run_id", "schedule_id", "owner", "original"])
@pytest.mark.parametrize("value", [None, 5, ["x"], {}])
def test_a_row_is_listed_whatever_its_texts_are(name: str, value: object) -> None:
    plain = {**acknowledged().to_wire(), "leaf_index": 3}

    row = describe_record({**plain, name: value})

    assert (row.number, row.kind, row.is_imported) == (3, "notification-ack", False)


def test_a_row_that_nobody_can_place_in_time_is_named() -> None:
    with pytest.raises(DatabaseError, match="row 3 cannot be read"):
        describe_record({**acknowledged().to_wire(), "leaf_index": 3, "created_at": "soon"})
