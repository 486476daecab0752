"""The drills of a schedule, as its page shows them."""

from datetime import datetime

import msgspec

from rollback_drills.console.drills import RecordedDrill, find_drill_rows
from rollback_drills.evidence.index import read
from tests.samples.builders import NOW


def test_a_drill_that_a_first_version_recorded_is_shown() -> None:
    record = {
        "metadata_kind": "go-backend-rollback-drill",
        "session_id": "rcd-drill-1",
        "leaf_index": 3,
        "schedule_id": "payments",
        "drill_id": "d-1",
        "accepted": True,
        "drill": {"drill_id": "d-1", "executed_at": "2026-10-30T09:00:00+00:00", "actor": "maria"},
    }

    [row] = find_drill_rows(None, [read(3, msgspec.json.encode(record).decode(), RecordedDrill)], now=NOW)

    assert (row.executed_at, row.drill.actor) == (datetime.fromisoformat("2026-10-30T09:00Z"), "maria")
    assert not row.problems
