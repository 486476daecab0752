"""What somebody who can write the database can do to the signed heads, and the one finding that names it."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.merkle import HASH_SIZE, Frontier
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind as Kind
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.samples.builders import KEY
from tests.samples.tampering import fill, tampering


@pytest.fixture
def database(database: Database) -> Database:
    """Fill the database with rows under the heads over 10, 11 and 17 rows."""
    fill(database, (9, 1, 6))
    return database


def found(database: Database) -> Sequence[tuple[Kind, str]]:
    result = verify_ledger(database, Trust(), lambda _: None)
    return [(each.kind, each.message) for each in result.findings]


def test_a_head_that_was_signed_later_for_an_earlier_size_is_found(database: Database) -> None:
    with tampering(database) as connection:
        rows = connection.execute(
            text("SELECT hashes, created_at FROM ledger ORDER BY leaf_index LIMIT 14")
        ).all()
        frontier = Frontier()
        for row in rows:
            frontier.add_leaf(row.hashes[:HASH_SIZE])
        head = Checkpoint(KEY.name, 14, frontier.root(), 11)
        connection.execute(
            text("INSERT INTO ledger_heads VALUES (14, :created_at, :public_key, :note)"),
            {
                "created_at": rows[-1].created_at,
                "public_key": KEY.public.text,
                "note": str(SignedNote.sign(head.text, [KEY])),
            },
        )

    assert found(database) == [
        (Kind.INSERTED, "the head over 14 rows is not the one that the head over 17 rows follows")
    ]


def test_a_note_that_was_changed_where_its_signature_still_holds_is_found(database: Database) -> None:
    with tampering(database) as connection:
        note = connection.scalar(text("SELECT note FROM ledger_heads WHERE tree_size = 11"))
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        last = note[-3]  # two of its bits stand for nothing
        changed = note[:-3] + alphabet[alphabet.index(last) + 1] + note[-2:]
        assert SignedNote.parse(changed) == SignedNote.parse(note)
        connection.execute(
            text("UPDATE ledger_heads SET note = :note WHERE tree_size = 11"), {"note": changed}
        )

    assert found(database) == [(Kind.CHANGED, "the signed head over 11 rows was changed")]


def test_a_head_whose_last_row_is_missing_is_not_called_changed(database: Database) -> None:
    with tampering(database) as connection:
        connection.execute(text("DELETE FROM ledger WHERE leaf_index = 10"))

    assert found(database) == [(Kind.REMOVED, "row 10 is missing")]
