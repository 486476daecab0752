"""Import, pruning and the change of keys: what changes how evidence is kept."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.export.bundle import export
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.imported_index import Imported, import_records, read_index
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.ledger.checkpoint import Checkpoint
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.outbox_transfer import find_unknown
from rollback_drills.evidence.proofs import prove_consistency, prove_inclusion
from rollback_drills.evidence.pruning import Prunable, prune
from rollback_drills.evidence.record_kinds import IMPORT_KIND, KEY_KIND, PRUNING_KIND
from rollback_drills.evidence.rotation import rotate_key
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.bundle import verify_bundle
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.samples.builders import KEY, NOW, open_key
from tests.samples.tampering import OTHER_KEY, fill, make_row, tampering, unguard


def verified(database: Database, trust: Trust | None = None) -> Verification:
    return verify_ledger(database, trust or Trust(), lambda _: None)


# Import

RECORD: dict[str, Any] = {
    "schema_version": "cavra.evidence.metadata.v1",
    "product": "CAVRA",
    "session_id": "rcd-payments-0123456789ab",
    "created_at": "2025-03-01T09:00:00Z",
    "metadata_kind": "release-connector-delivery",
    "signer": "cavra",
    "schedule_id": "payments",
    "providers": ["slack"],
    "delivery_success": True,
}


def write(folder: Path, document: Any) -> Path:
    path = folder / "index.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def imported(database: Database, path: Path) -> Imported:
    return import_records(
        database, read_index(path), file_name=path.name, created_at=NOW, signer="maria", open_key=open_key
    )


SECOND = {**RECORD, "session_id": "rcd-other-0123456789ab", "delivery_success": False}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([RECORD, SECOND], id="array"),
        pytest.param({"items": [RECORD, SECOND], "total": 2}, id="items"),
        pytest.param({"records": [RECORD, SECOND]}, id="records"),
        pytest.param(f"{json.dumps(RECORD)}\n\n{json.dumps(SECOND)}\n", id="lines"),
        pytest.param([RECORD, SECOND, RECORD], id="one of them twice"),
    ],
)
def test_an_index_is_imported_once_and_marked(document: Any, database: Database, tmp_path: Path) -> None:
    path = write(tmp_path, document)

    first, second = imported(database, path), imported(database, path)

    assert ((first.added, first.known), (second.added, second.known)) == ((2, 0), (0, 2))
    records, total = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=IMPORT_KIND))
    assert total == 2
    assert records[1]["original"] == RECORD
    assert (records[1]["imported_from"], records[1]["signer"]) == ("index.json", "maria")
    assert records[1]["created_at"] == "2026-12-01T09:00:00+00:00"
    assert EvidenceIndex(database).find(EvidenceFilter(schedule_id="payments", success=True))[1] == 1
    assert verified(database).remarks == ["2 rows were imported from an index that was not signed"]


def test_an_imported_record_is_redacted(database: Database, tmp_path: Path) -> None:
    imported(database, write(tmp_path, [{**RECORD, "error": "Authorization: Bearer s3cr3t-t0ken-value"}]))

    with database.read() as connection:
        assert not connection.scalar(text("SELECT count(*) FROM ledger WHERE record LIKE '%s3cr3t%'"))


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        pytest.param("", "is empty", id="empty file"),
        pytest.param("[]", "holds no record", id="empty array"),
        pytest.param('{"items": 3}', "write an array of records", id="items that are none"),
        pytest.param("3", "write an array of records", id="a number"),
        pytest.param([RECORD, 3], r"\$\[1\] is 3; must be an object", id="no object"),
        pytest.param({"items": [RECORD, {}]}, r"\$\.items\[1\]\.schema_version is null", id="no schema"),
        pytest.param([{**RECORD, "created_at": "soon"}], r"\[0\]\.created_at is \"soon\"", id="no timestamp"),
        pytest.param([{**RECORD, "metadata_kind": 3}], "metadata_kind is 3; must be a text", id="no kind"),
        pytest.param([{**RECORD, "n": 2**60}], r"\$\[0\]\.n is 1152921504606846976", id="number"),
        pytest.param(f"{json.dumps(RECORD)}\n{{\n", "line 2: is not JSON", id="a broken line"),
    ],
)
def test_what_is_no_index_is_one_message_and_adds_nothing(
    document: Any, problem: str, database: Database, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=problem):
        imported(database, write(tmp_path, document))

    assert find_head(database) is None


def test_a_file_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: no such file"):
        read_index(tmp_path / "none.json")


# Retention


def pruned(database: Database, *, now: datetime, months: int = 24) -> Prunable:
    found, _ = prune(database, months=months, now=now, signer="maria", open_key=open_key)
    return found


LATER = datetime(2028, 12, 1, 19, tzinfo=UTC)  # 24 months and ten hours after the first row


def test_pruning_ends_what_is_too_old_and_the_rest_verifies(database: Database, tmp_path: Path) -> None:
    append(database, [make_row(0)], open_key)
    fill(database, (14, 5), start=1)  # rows 1 to 20 are of the hours 0 to 19
    head = find_head(database)
    assert head

    found = pruned(database, now=LATER)

    assert (found.row_count, found.pruned_before) == (10, 11)
    index = EvidenceIndex(database)
    assert [index.get(number) is None for number in (0, 1, 10, 11)] == [False, True, True, False]
    (record,), _ = index.find(EvidenceFilter(metadata_kind=PRUNING_KIND))
    assert (record["pruned_before"], record["row_count"], record["signer"]) == (11, 10, "maria")
    assert (record["retention_months"], record["cut_off"]) == (24, "2026-12-01T19:00:00+00:00")
    result = verified(database, Trust([("an old head", head.checkpoint)], KEY.public))
    assert (result.findings, result.pruned_count, result.size) == ([], 10, 22)
    assert result.compared == ["an old head", "the public key"]
    root = Checkpoint("", 11, b64decode(str(record["root"])))
    assert verified(database, Trust([("its own root", root)])).is_intact
    fill(database, (3,), start=800 * 24)
    export(database, Query(), tmp_path / "out", key=KEY, exported_at=NOW, progress=lambda _: None)
    exported = verify_bundle(tmp_path / "out", Trust([("an old head", head.checkpoint)]), lambda _: None)
    assert (exported.findings, exported.pruned_count) == ([], 10)


@pytest.mark.parametrize(
    ("now", "count"),
    [
        pytest.param(datetime(2028, 12, 1, 9, tzinfo=UTC), 0, id="exactly 24 months old"),
        pytest.param(datetime(2028, 12, 1, 9, 0, 1, tzinfo=UTC), 1, id="a second more"),
        pytest.param(datetime(2040, 1, 1, tzinfo=UTC), 4, id="everything but the newest row"),
    ],
)
def test_the_retention_counts_in_months_of_the_calendar(
    now: datetime, count: int, database: Database
) -> None:
    fill(database, (5,))

    assert pruned(database, now=now).row_count == count
    assert verified(database).is_intact
    fill(database, (5,), start=150_000)
    assert verified(database).is_intact


def test_pruning_twice_adds_up_and_nothing_to_prune_leaves_nothing(database: Database) -> None:
    fill(database, (20,))
    assert pruned(database, now=LATER).row_count == 10
    assert pruned(database, now=LATER).row_count == 0
    assert pruned(database, now=LATER + timedelta(hours=5)).row_count == 5

    result = verified(database)
    assert (result.findings, result.pruned_count) == ([], 15)
    assert EvidenceIndex(database).find(EvidenceFilter(metadata_kind=PRUNING_KIND))[1] == 2


def test_a_row_before_which_an_older_clock_stands_is_kept(database: Database) -> None:
    append(database, [make_row(40), make_row(0), make_row(1)], open_key)

    assert pruned(database, now=LATER).row_count == 0


def test_a_pruned_row_can_still_be_proven_and_is_not_written_again(database: Database) -> None:
    fill(database, (20,))
    before = prove_inclusion(database, 3, 21)
    consistency = prove_consistency(database, 5, 21)
    with database.write() as connection:
        unguard(connection)
        connection.execute(text(f"UPDATE ledger SET once_key = '{'a' * 64}' WHERE leaf_index = 3"))

    pruned(database, now=LATER)

    after = prove_inclusion(database, 3, 21)
    assert replace(after, checkpoint=None) == replace(before, checkpoint=None)
    assert prove_consistency(database, 5, 21).consistency == consistency.consistency
    with database.read() as connection:
        assert find_unknown(connection, ["a" * 64, "b" * 64]) == ["b" * 64]


def test_more_pruned_than_the_ledger_says_is_found(database: Database) -> None:
    fill(database, (20,))
    pruned(database, now=LATER)
    with database.write() as connection:
        where = "FROM ledger WHERE leaf_index = 11"
        connection.execute(text(f"INSERT INTO ledger_pruned SELECT leaf_index, hashes, once_key {where}"))
        connection.execute(text(f"DELETE {where}"))

    (finding,) = verified(database).findings

    assert finding.kind is FindingKind.REMOVED
    assert finding.message == "row 11 is pruned, and no row says so"


# Keys


def rotated(
    database: Database, new: SigningKey, *, is_lost: bool = False, old: SigningKey = KEY
) -> PublicKey:
    return rotate_key(
        database,
        is_lost=is_lost,
        created_at=NOW + timedelta(hours=3),
        signer="maria",
        open_key=open_key,
        make_key=lambda _: new,
    ).public_key


def test_a_new_key_is_signed_by_the_old_one(database: Database) -> None:
    fill(database, (3,))
    assert rotated(database, OTHER_KEY) == OTHER_KEY.public
    fill(database, (2,), start=3, key=OTHER_KEY)

    head = find_head(database)
    assert head
    assert head.public_key == OTHER_KEY.public
    assert not head.note.is_signed_by(KEY.public)
    for trusted in (KEY, OTHER_KEY):
        assert verified(database, Trust(public_key=trusted.public)).is_intact
    (record, _), _ = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=KEY_KIND))
    assert (record["public_key"], record["lost"]) == (OTHER_KEY.public.text, False)


def test_a_new_key_in_place_of_a_lost_one_has_to_be_confirmed(database: Database) -> None:
    fill(database, (3,))
    rotated(database, OTHER_KEY, is_lost=True)

    (finding,) = verified(database).findings
    confirmed = verified(database, Trust(public_key=OTHER_KEY.public))

    assert finding.kind is FindingKind.WRONG_KEY
    assert f"row 4 says that the key {KEY.public.text} was lost" in finding.message
    assert confirmed.findings == []
    assert [remark[:35] for remark in confirmed.remarks] == ["row 4 says that the key was lost: t"]


def test_a_new_key_that_the_old_one_has_not_signed_is_found(database: Database) -> None:
    fill(database, (3,))
    rotated(database, OTHER_KEY)
    head = find_head(database)
    assert head
    only_new = str(head.note).replace("\n— ", "\n— ", 1)
    lines = only_new.split("— ")
    note = "— ".join([lines[0], lines[2]])
    with tampering(database) as connection:
        connection.execute(text("UPDATE ledger_heads SET note = :note WHERE tree_size = 5"), {"note": note})

    (finding,) = verified(database).findings

    assert finding.kind is FindingKind.WRONG_KEY
    assert "row 4 names a new key, and the key before it" in finding.message


def test_there_is_no_key_to_change_before_the_first_evidence(database: Database) -> None:
    with pytest.raises(UsageError, match="there is no evidence yet"):
        rotated(database, OTHER_KEY)
