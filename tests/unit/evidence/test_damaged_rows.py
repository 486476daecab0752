"""A row that cannot be read any more ends what reads it with one error, which says what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from rollback_drills.database.connections import Database, DatabaseError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.records import (
    EXCEPTION_REQUEST_KIND,
    REPLAY_REQUEST_KIND,
    RETEST_KIND,
    RETIREMENT_KIND,
)
from rollback_drills.followup.approval_notices import read_open_approvals
from rollback_drills.followup.retests import read_retests
from rollback_drills.followup.retirements import read_retired
from rollback_drills.recovery.found_replays import list_replays
from tests.samples.builders import NOW, open_key
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
