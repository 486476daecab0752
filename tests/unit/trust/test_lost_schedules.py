"""Which schedules a check misses: they were asked for a drill, are gone, and nobody has retired them."""

from collections.abc import Sequence

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.trust.lost_schedules import find_lost
from tests.samples.builders import DRILL, NOW, judged, make_subject, open_key, planned

PATHS = ("a.json", "a.yaml", "a.jsonl", "a.jsonl:3")


@pytest.fixture
def database(database: Database) -> Database:
    """Keep the plans of schedules that were asked for a drill, and of one that is retired."""
    kept = [
        *(
            {"schedule_id": each, "next_due_at": "2026-12-31T09:00:00Z"}
            for each in ("payments", "search", *PATHS)
        ),
        {"schedule_id": "old", "status": "retired"},
    ]
    subjects = [make_subject([DRILL], **each) for each in kept]
    records = [
        record
        for each in subjects
        for record in record_plan(planned(each), judged(each).schedule, "rcd-x", created_at=NOW, signer="me")
    ]
    append(database, records, open_key)
    return database


@pytest.mark.parametrize(
    ("unnamed", "gone", "came", "lost"),
    [
        pytest.param((), (), (), [], id="none is gone"),
        pytest.param((), ("payments",), (), ["payments"], id="one is gone"),
        pytest.param(("search",), ("payments",), (), ["payments", "search"], id="and one before"),
        pytest.param((), ("old", "unknown"), (), [], id="nobody asked for a drill"),
        pytest.param((), ("payments",), ("PAYMENTS",), [], id="it is spelt in another way"),
        pytest.param((), PATHS, (), [], id="documents without an id"),
        *(pytest.param((), ("payments",), (each,), [], id=f"{each} may be it") for each in PATHS),
        pytest.param((), ("payments",), ("billing",), ["payments"], id="a schedule with another name is new"),
        pytest.param(
            (), ("payments", "search"), ("a.json",), ["payments", "search"], id="more than may be it"
        ),
    ],
)
def test_what_is_gone_and_was_asked_for_a_drill_is_lost(
    unnamed: Sequence[str], gone: Sequence[str], came: Sequence[str], lost: list[str], database: Database
) -> None:
    changes = Changes(is_first=False, changed=frozenset(), came=came, gone=gone)

    assert find_lost(database, unnamed, changes) == lost
