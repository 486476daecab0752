"""Records are Structs, one for each kind; the ledger keeps what they hold."""

from typing import Any

import msgspec
import pytest

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex, read, read_all
from rollback_drills.evidence.record import Record, name_run
from tests.samples.builders import NOW, open_key


class Painted(Record, frozen=True, kw_only=True, gc=False, tag="a-painting"):
    """A kind of record that only these tests know."""

    schedule_id: str
    colours: tuple[str, ...] = ()
    weight: float | None = None


def painted(schedule_id: str, **further: Any) -> Painted:
    return Painted(
        session_id="rcd-x", created_at=write_instant(NOW), signer="me", schedule_id=schedule_id, **further
    )


def test_a_record_is_read_as_it_was_written(database: Database) -> None:
    first, second = painted("payments", colours=("blue",)), name_run(painted("orders"), "a-run")

    append(database, [first, second], open_key)

    with database.read() as connection:
        read_first, read_second = read_all(connection, Painted)
    assert read_first == msgspec.structs.replace(first, leaf_index=read_first.leaf_index)
    assert (read_second.flow_run_id, read_second.weight) == ("a-run", None)


def test_a_record_is_found_by_what_it_says(database: Database) -> None:
    append(database, [painted("payments"), painted("orders")], open_key)

    [found], count = EvidenceIndex(database).find(EvidenceFilter(schedule_id="orders"))

    assert (count, found["metadata_kind"], found["schedule_id"]) == (1, "a-painting", "orders")
    assert found["schema_version"] == "cavra.evidence.metadata.v1"
    assert not {"flow_run_id", "once_key"} & found.keys()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("not JSON", id="no JSON"),
        pytest.param('{"metadata_kind":"a-painting","leaf_index":7}', id="without what it needs"),
        pytest.param('{"metadata_kind":"another","leaf_index":7}', id="another kind"),
        pytest.param(msgspec.json.encode(painted("payments", leaf_index=8)).decode(), id="another row"),
    ],
)
def test_a_damaged_row_is_named(text: str) -> None:
    with pytest.raises(DatabaseError, match="row 7 holds no record any more"):
        read(7, text, Painted)


def test_a_number_that_json_cannot_carry_is_refused(database: Database) -> None:
    with pytest.raises(UsageError, match="is no number of JSON"):
        append(database, [painted("payments", weight=float("inf"))], open_key)
