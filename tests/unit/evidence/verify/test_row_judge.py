"""What is found in one stored row of the ledger, without a database."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rollback_drills.evidence.appender import columns_of
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.ledger.merkle import hash_leaf
from rollback_drills.evidence.pruning import digest_once_keys
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.evidence.verify.own_records import Pruning
from rollback_drills.evidence.verify.row_judge import NO_HASH, RowJudge
from rollback_drills.evidence.verify.stored_rows import COLUMNS, StoredRow
from rollback_drills.evidence.verify.taken_outcomes import TakenOutcomes
from tests.samples.tampering import plain_row

EARLIER = (
    "{} rows were written by a version that did not sign the column once_key:"
    " whether it was changed there cannot be verified"
)


def make(**changes: Any) -> StoredRow:
    """Make row 3 as the ledger stores it."""
    record = {**plain_row(3), "leaf_index": 3, **changes}
    content = write_canonical(record)
    columns = columns_of(record)
    return StoredRow(
        3,
        is_pruned=False,
        hashes=hash_leaf(content),
        once_key=columns["once_key"],
        columns=tuple(columns[name] for name in COLUMNS),
        record=content.decode(),
    )


def change_column(row: StoredRow, name: str, value: Any) -> StoredRow:
    return row._replace(
        columns=tuple(value if each == name else its for each, its in zip(COLUMNS, row.columns, strict=True))
    )


def pruned(number: int, once_key: Any = None, problem: str = "") -> StoredRow:
    return StoredRow(number, is_pruned=True, hashes=bytes(range(32)), once_key=once_key, problem=problem)


def judged(*rows: StoredRow, newest_pruning: Pruning | None = None) -> Verification:
    result = Verification()
    judge = RowJudge(result, TakenOutcomes(None))
    for row in rows:
        judge.judge(row)
    judge.finish(newest_pruning)
    return result


def messages(result: Verification) -> list[str]:
    return [each.message for each in result.findings]


def test_a_row_as_it_was_written_is_returned_with_its_hash_and_its_time() -> None:
    row = make()
    judge = RowJudge(Verification(), TakenOutcomes(None))

    assert judge.judge(row) == (row.hashes, row.record.encode())
    assert judge.created_at == "2026-12-01T12:00:00+00:00"
    assert judge.judge(pruned(4)) == (bytes(range(32)), b"")
    assert judge.created_at is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"signer": ["x"]}, "its signer is no text"),
        ({"product": None}, "its product is no text"),
        ({"schema_version": 5}, "its schema_version is no text"),
        ({"created_at": "soon"}, "its created_at is no timestamp"),
        ({"created_at": "2026-12-01T12:00:00"}, "its created_at has no offset"),
    ],
)
def test_a_signed_row_that_readers_leave_out_is_named(changes: Mapping[str, Any], problem: str) -> None:
    (message,) = messages(judged(make(**changes)))

    assert message.startswith("row 3 (")
    assert message.endswith(f"was written by no version: {problem}; readers leave it out")


@pytest.mark.parametrize("hashes", [b"", bytes(31), "text", None])
def test_a_row_without_a_hash_was_changed(hashes: Any) -> None:
    result = Verification()
    judge = RowJudge(result, TakenOutcomes(None))

    assert judge.judge(make()._replace(hashes=hashes)) == (NO_HASH, b"")
    assert len(result.findings) == 1


def test_a_row_that_cannot_be_read_is_named() -> None:
    kept = make()._replace(record=None, problem="database disk image is malformed")

    assert messages(judged(kept, pruned(4, problem="database disk image is malformed"))) == [
        "row 3 cannot be read: database disk image is malformed",
        "row 4 cannot be read: database disk image is malformed",
    ]


def test_a_key_that_an_earlier_version_did_not_sign_is_remarked_and_no_finding() -> None:
    drill = change_column(make(metadata_kind=DRILL_KIND), "once_key", "a" * 64)

    result = judged(drill, drill)

    assert (messages(result), result.remarks) == ([], [EARLIER.format(2)])


@pytest.mark.parametrize(
    ("row", "column"),
    [
        pytest.param(change_column(make(), "once_key", "a"), "once_key", id="of a kind that has no key"),
        pytest.param(
            change_column(make(metadata_kind=DRILL_KIND, delivery_success=None), "success", True),
            "success",
            id="a column of which the record says nothing",
        ),
        pytest.param(
            change_column(make(metadata_kind=DRILL_KIND, once_key="a"), "once_key", "b"),
            "once_key",
            id="another key than the record's",
        ),
        pytest.param(
            change_column(make(metadata_kind=DRILL_KIND), "owner", "team-b"), "owner", id="another column"
        ),
        pytest.param(
            change_column(change_column(make(metadata_kind=DRILL_KIND), "once_key", "a"), "session_id", "x"),
            "session_id",
            id="another column of an earlier version",
        ),
    ],
)
def test_any_other_column_that_differs_is_a_finding(row: StoredRow, column: str) -> None:
    (message,) = messages(judged(row))

    assert message.endswith(f"was changed in the column {column}")


def test_a_row_that_says_another_number_was_moved() -> None:
    moved = make(leaf_index=4)

    assert messages(judged(moved)) == ["row 3 says that it is row 4"]


def test_an_outcome_is_found_in_the_row_that_holds_it() -> None:
    found: list[Any] = []

    class Outcomes(TakenOutcomes):
        def find(self, record: Mapping[str, object]) -> None:
            found.append(record["session_id"])

    judge = RowJudge(Verification(), Outcomes(None))
    judge.judge(make()._replace(hashes=NO_HASH))
    judge.judge(pruned(4))
    assert found == []
    judge.judge(make())
    assert found == ["rcd-3"]


def test_keys_of_pruned_rows_are_compared_with_the_newest_pruning() -> None:
    rows = [pruned(1), pruned(2, "a"), pruned(4, "b")]
    signed = Pruning(5, 3, once_keys=digest_once_keys([(2, "a"), (4, "b")]))

    assert judged(*rows, newest_pruning=signed) == Verification()
    assert messages(judged(pruned(2, "a"), newest_pruning=signed)) == [
        "the column once_key of the pruned rows is not as the pruning left it"
    ]


def test_keys_of_rows_that_an_earlier_version_pruned_are_remarked() -> None:
    result = judged(pruned(1), pruned(2, "a"), pruned(4, "b"))

    assert result == replace(Verification(), remarks=[EARLIER.format(2)])
    assert judged(pruned(1)).remarks == []
