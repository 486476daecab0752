from base64 import b64encode

import pytest
from sqlalchemy import Connection, text

from rollback_drills.database.connections import Database
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.merkle import HASH_SIZE, Frontier, hash_leaf
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.samples.builders import KEY
from tests.samples.databases import chiefly_on_sqlite
from tests.samples.tampering import OTHER_KEY, fill, plain_row, tampering

COUNTS = (9, 1, 6, 4)  # heads over 10, 11, 17 and 21 rows


@pytest.fixture
def database(database: Database) -> Database:
    """Fill the database with 21 rows."""
    fill(database, COUNTS)
    return database


def verified(database: Database, *witnesses: Checkpoint, **trust: object) -> Verification:
    """Verify against heads that were kept elsewhere."""
    named = [(f"witness-{number}", each) for number, each in enumerate(witnesses)]
    return verify_ledger(database, Trust(named, **trust), lambda _: None)  # type: ignore[arg-type]  # of a test


def tamper(database: Database, *statements: str) -> None:
    """Change the database as an administrator can."""
    with tampering(database) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_what_was_not_touched_verifies(database: Database) -> None:
    head = find_head(database)
    assert head

    result = verified(database, head.checkpoint, public_key=KEY.public)

    assert result.is_intact
    assert (result.size, result.row_count, result.head_count) == (21, 21, 4)
    assert result.root == b64encode(head.checkpoint.root).decode()
    assert result.compared == ["witness-0", "the public key"]


SWAP = (
    "UPDATE ledger SET leaf_index = -1 WHERE leaf_index = 6",
    "UPDATE ledger SET leaf_index = 6 WHERE leaf_index = 7",
    "UPDATE ledger SET leaf_index = 7 WHERE leaf_index = -1",
)
ONE_MORE = (
    "INSERT INTO ledger SELECT 21, created_at, metadata_kind, session_id, schedule_id, cycle_id, provider,"
    " owner, action, category, success, once_key, hashes, record FROM ledger WHERE leaf_index = 20"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statements", "kind", "says"),
    [
        pytest.param(
            ["UPDATE ledger SET record = replace(record, 'delivered', 'dead') WHERE leaf_index = 5"],
            FindingKind.CHANGED,
            "row 5 (2026-12-01T13:00:00+00:00, go-backend-rollback-drill-route-delivery) was changed",
            id="flip in a record",
        ),
        pytest.param(
            ["UPDATE ledger SET record = '{' WHERE leaf_index = 5"],
            FindingKind.CHANGED,
            "row 5 was changed: it holds no record any more",
            id="a record that is none any more",
        ),
        pytest.param(
            ["UPDATE ledger SET owner = 'nobody' WHERE leaf_index = 12"],
            FindingKind.CHANGED,
            "was changed in the column owner",
            id="flip in a column",
        ),
        pytest.param(
            ["UPDATE ledger SET success = NULL WHERE leaf_index = 12"],
            FindingKind.CHANGED,
            "was changed in the column success",
            id="a column emptied",
        ),
        pytest.param(
            [
                (
                    "UPDATE ledger SET hashes = (SELECT hashes FROM ledger WHERE leaf_index = 2)"
                    " WHERE leaf_index = 4"
                )
            ],
            FindingKind.CHANGED,
            "row 4",
            id="flip in a hash",
        ),
        pytest.param(
            ["DELETE FROM ledger WHERE leaf_index = 5"], FindingKind.REMOVED, "row 5 is missing", id="drop"
        ),
        pytest.param(
            ["DELETE FROM ledger WHERE leaf_index BETWEEN 5 AND 7"],
            FindingKind.REMOVED,
            "rows 5 to 7 are missing",
            id="drop three",
        ),
        pytest.param(
            ["DELETE FROM ledger WHERE leaf_index = 0"],
            FindingKind.REMOVED,
            "row 0 is missing",
            id="drop the first",
        ),
        pytest.param(
            [ONE_MORE], FindingKind.REORDERED, "row 21 says that it is row 20", id="insert at the end"
        ),
        pytest.param(SWAP, FindingKind.REORDERED, "row 6 says that it is row 7", id="reorder"),
        pytest.param(
            ["DELETE FROM ledger WHERE leaf_index >= 19"],
            FindingKind.TRUNCATED,
            "rows 19 to 20 are missing at the end",
            id="truncate",
        ),
        pytest.param(
            ["UPDATE ledger SET leaf_index = 1152921504606846976 WHERE leaf_index = 20"],
            FindingKind.REMOVED,
            "rows 20 to 1152921504606846975 are missing",
            id="a number far away",
        ),
        pytest.param(
            ["UPDATE ledger_heads SET note = 'x' WHERE tree_size = 17"],
            FindingKind.CHANGED,
            "the signed head after the one over 11 rows cannot be read",
            id="an unreadable head",
        ),
        pytest.param(
            ["DELETE FROM ledger_heads WHERE tree_size > 11"],
            FindingKind.INSERTED,
            "rows 11 to 20 are under no signed head",
            id="heads removed",
        ),
        pytest.param(
            [
                (
                    "INSERT INTO ledger_pruned SELECT leaf_index, hashes, once_key FROM ledger"
                    " WHERE leaf_index = 3"
                ),
                "DELETE FROM ledger WHERE leaf_index = 3",
            ],
            FindingKind.REMOVED,
            "rows before 4 were pruned, and no row of the ledger says so",
            id="pruned in secret",
        ),
    ],
)
def test_what_was_done_to_the_database_is_found_and_named(
    statements: list[str], kind: FindingKind, says: str, database: Database
) -> None:
    tamper(database, *statements)

    result = verified(database)

    assert kind in {each.kind for each in result.findings}, result.findings
    assert any(says in each.message for each in result.findings), result.findings


def test_a_node_of_the_tree_that_was_changed_is_found_where_it_is_stored(database: Database) -> None:
    with tampering(database) as connection:
        stored = connection.scalar(text("SELECT hashes FROM ledger WHERE leaf_index = 5"))
        changed = bytes(stored[:HASH_SIZE]) + bytes(HASH_SIZE)
        connection.execute(text("UPDATE ledger SET hashes = :it WHERE leaf_index = 5"), {"it": changed})

    result = verified(database)

    assert [(each.kind, each.message) for each in result.findings] == [
        (FindingKind.CHANGED, "the hashes of row 5 were changed")
    ]


def test_rows_after_those_that_are_missing_are_not_called_changed(database: Database) -> None:
    tamper(database, "DELETE FROM ledger WHERE leaf_index = 18")

    result = verified(database)

    assert [each.message for each in result.findings] == ["row 18 is missing"]
    assert (result.size, result.root) == (21, "")


@pytest.mark.slow
@pytest.mark.parametrize("count", [979, 980])
def test_progress_is_reported_after_every_thousand_rows(count: int, database: Database) -> None:
    fill(database, (count,), start=20)
    reported: list[int] = []

    assert verify_ledger(database, Trust(), reported.append).is_intact

    assert reported == [1000][: count - 978]


def rewrite(connection: Connection, number: int, *, heads_by: object = None) -> None:
    """Change a row and every hash after it; with a key also sign the heads anew."""
    frontier = Frontier()
    sizes = {row.tree_size for row in connection.execute(text("SELECT tree_size FROM ledger_heads"))}
    for row in connection.execute(text("SELECT leaf_index, record FROM ledger ORDER BY leaf_index")).all():
        content = row.record.encode()
        if row.leaf_index == number:
            content = write_canonical({**plain_row(number - 1, owner="team-b"), "leaf_index": number})
        hashes = frontier.add_leaf(hash_leaf(content))
        change = text(
            "UPDATE ledger SET record = :record, hashes = :hashes, owner = :owner WHERE leaf_index = :at"
        )
        owner = "" if not row.leaf_index else "team-b" if row.leaf_index == number else "team-a"
        values = {"record": content.decode(), "hashes": hashes, "at": row.leaf_index, "owner": owner}
        connection.execute(change, values)
        if heads_by is not None and frontier.size in sizes:
            head = Checkpoint(KEY.name, frontier.size, frontier.root())
            note = SignedNote.sign(head.text, [heads_by])  # type: ignore[list-item]  # a key
            signed = text("UPDATE ledger_heads SET note = :note WHERE tree_size = :size")
            connection.execute(signed, {"note": str(note), "size": frontier.size})


@pytest.mark.parametrize(
    ("key", "kind", "says"),
    [
        pytest.param(None, FindingKind.FORKED, "rows 11 to 16 are not what was signed", id="fork"),
        pytest.param(
            OTHER_KEY, FindingKind.WRONG_KEY, "over 17 rows is not signed by", id="signed by another key"
        ),
    ],
)
def test_a_history_that_was_rewritten_is_found_from_where_it_differs(
    key: object, kind: FindingKind, says: str, database: Database
) -> None:
    with tampering(database) as connection:
        rewrite(connection, 13, heads_by=key)

    result = verified(database)

    assert any(each.kind is kind and says in each.message for each in result.findings), result.findings


def test_a_history_rewritten_with_the_key_itself_shows_against_a_head_from_elsewhere(
    database: Database,
) -> None:
    head = find_head(database)
    assert head
    with tampering(database) as connection:
        rewrite(connection, 13, heads_by=KEY)

    assert verified(database).is_intact
    (finding,) = verified(database, head.checkpoint).findings
    assert finding.kind is FindingKind.FORKED
    assert "witness-0 is a head over 21 rows with another root" in finding.message


def test_a_ledger_cut_off_with_its_heads_shows_against_a_head_from_elsewhere(database: Database) -> None:
    head = find_head(database)
    assert head
    tamper(
        database,
        "DELETE FROM ledger WHERE leaf_index >= 11",
        "DELETE FROM ledger_heads WHERE tree_size > 11",
    )

    assert verified(database).is_intact
    (finding,) = verified(database, head.checkpoint).findings
    assert (finding.kind, "rows 11 to 20 are missing" in finding.message) == (FindingKind.TRUNCATED, True)


@chiefly_on_sqlite
@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 10, 11, 16, 20, 21])
def test_a_head_of_any_earlier_size_is_compared(size: int, database: Database) -> None:
    frontier = Frontier()
    with database.read() as connection:
        records = connection.execute(text("SELECT record FROM ledger ORDER BY leaf_index")).scalars().all()
    for record in records[:size]:
        frontier.add_leaf(hash_leaf(record.encode()))

    assert verified(database, Checkpoint(KEY.name, size, frontier.root())).compared == ["witness-0"]
    other = verified(database, Checkpoint("", size, bytes(32)))
    assert [each.kind for each in other.findings] == [FindingKind.FORKED]


def test_a_head_of_another_ledger_is_refused(database: Database) -> None:
    result = verified(database, Checkpoint("rollback-drills/fedcba9876543210", 11, bytes(32)))

    assert ["another ledger" in each.message for each in result.findings] == [True]


def test_another_key_than_the_one_that_was_kept_is_refused(database: Database) -> None:
    (finding,) = verified(database, public_key=OTHER_KEY.public).findings

    assert finding.kind is FindingKind.WRONG_KEY
    assert OTHER_KEY.public.text in finding.message


def test_of_very_many_findings_the_first_are_kept_and_all_are_counted(database: Database) -> None:
    fill(database, [40], start=20)
    tamper(database, "UPDATE ledger SET owner = 'nobody' WHERE leaf_index >= 1")

    result = verified(database)

    assert (len(result.findings), result.finding_count) == (20, 60)
