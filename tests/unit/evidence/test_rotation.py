"""Changes of the key of a ledger, at once with others and broken off; and who makes the first key."""

import secrets
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import ConflictError
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.record_kinds import CLOCK_KIND, KEY_KIND
from rollback_drills.evidence.rotation import Rotated, rotate_key
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.processes.forked import run_at_once
from tests.samples.builders import KEY, NOW
from tests.samples.tampering import OTHER_KEY, fill, make_row

THIRD_KEY = SigningKey(KEY.name, b"\2" * 32)
KEYS = {each.public: each for each in (KEY, OTHER_KEY, THIRD_KEY)}


@pytest.fixture
def database(database: Database) -> Database:
    """Fill the database with four rows."""
    fill(database, (3,))
    return database


def open_current(public_key: PublicKey | None) -> SigningKey:
    """Open the key that the ledger has now."""
    assert public_key
    return KEYS[public_key]


def rotated(database: Database, new: SigningKey, **changes: Any) -> Rotated:
    given: dict[str, Any] = {
        "is_lost": False,
        "created_at": NOW + timedelta(hours=3),
        "signer": "maria",
        "open_key": open_current,
        "make_key": lambda _: new,
        **changes,
    }
    return rotate_key(database, **given)


def verified(database: Database, public_key: PublicKey | None = None) -> Verification:
    return verify_ledger(database, Trust(public_key=public_key), lambda _: None)


def signers(database: Database) -> list[SigningKey]:
    head = find_head(database)
    assert head
    return [key for key in KEYS.values() if head.note.is_signed_by(key.public)]


def test_keys_follow_each_other_and_each_is_signed_by_the_one_before(database: Database) -> None:
    rotated(database, OTHER_KEY)
    assert signers(database) == [KEY, OTHER_KEY]
    rotated(database, THIRD_KEY)
    assert signers(database) == [OTHER_KEY, THIRD_KEY]
    append(database, [make_row(4)], open_current)
    assert signers(database) == [THIRD_KEY]

    (third, second, _), _ = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=KEY_KIND))
    assert second["previous_public_key"] == KEY.public.text
    assert third["previous_public_key"] == second["public_key"] == OTHER_KEY.public.text
    assert verified(database).findings == []


def test_a_key_that_cannot_sign_the_change_leaves_no_new_key_behind(database: Database) -> None:
    made: list[str] = []

    def refuse(_: PublicKey | None) -> SigningKey:
        raise UsageError("the key that signs the evidence is not on this Prefect server")

    def make(origin: str) -> SigningKey:
        made.append(origin)
        return OTHER_KEY

    with pytest.raises(UsageError, match="is not on this Prefect server"):
        rotated(database, OTHER_KEY, open_key=refuse, make_key=make)

    assert (made, signers(database)) == ([], [KEY])


def test_a_lost_key_is_not_asked_for_and_does_not_sign(database: Database) -> None:
    def refuse(_: PublicKey | None) -> SigningKey:
        raise AssertionError

    rotated(database, OTHER_KEY, is_lost=True, open_key=refuse)

    assert signers(database) == [OTHER_KEY]
    assert [each.kind for each in verified(database).findings] == [FindingKind.WRONG_KEY]
    result = verified(database, OTHER_KEY.public)
    assert (result.findings, len(result.remarks)) == ([], 1)
    (record, _), _ = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=KEY_KIND))
    assert (record["lost"], record["previous_public_key"]) == (True, KEY.public.text)


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_change_that_breaks_off_after_the_key_was_saved_is_as_if_it_never_was(
    is_lost: bool, database: Database
) -> None:
    def make(_: str) -> SigningKey:
        raise KeyboardInterrupt  # as good as a crash right after the block was saved

    with pytest.raises(KeyboardInterrupt):
        rotated(database, OTHER_KEY, is_lost=is_lost, make_key=make)

    append(database, [make_row(4)], open_current)
    assert signers(database) == [KEY]
    rotated(database, THIRD_KEY)
    assert verified(database).findings == []


def test_of_two_changes_at_once_the_second_names_the_key_that_it_really_follows(database: Database) -> None:
    def make(_: str) -> SigningKey:
        rotated(database, OTHER_KEY)
        return THIRD_KEY

    rotated(database, THIRD_KEY, make_key=make)

    (record, *_), total = EvidenceIndex(database).find(EvidenceFilter(metadata_kind=KEY_KIND))
    assert (total, record["previous_public_key"]) == (3, OTHER_KEY.public.text)
    assert verified(database).findings == []


def test_a_key_that_was_replaced_meanwhile_is_not_given_up_as_lost(database: Database) -> None:
    def make(_: str) -> SigningKey:
        rotated(database, OTHER_KEY)
        return THIRD_KEY

    with pytest.raises(ConflictError, match="the key of the evidence was changed meanwhile"):
        rotated(database, THIRD_KEY, is_lost=True, make_key=make)

    assert signers(database) == [KEY, OTHER_KEY]
    assert verified(database).findings == []


def test_a_writer_that_opened_the_key_before_it_was_changed_opens_the_new_one(database: Database) -> None:
    opened: list[PublicKey | None] = []

    def open_slowly(public_key: PublicKey | None) -> SigningKey:
        opened.append(public_key)
        if len(opened) == 1:
            rotated(database, OTHER_KEY)
        return open_current(public_key)

    append(database, [make_row(4)], open_slowly)

    assert opened == [KEY.public, OTHER_KEY.public]
    assert verified(database).findings == []


def test_a_clock_that_went_back_is_told_by_the_change_of_the_key_too(database: Database) -> None:
    result = rotated(database, OTHER_KEY, created_at=NOW - timedelta(hours=1))

    assert result.went_back == timedelta(hours=3)
    assert EvidenceIndex(database).find(EvidenceFilter(metadata_kind=CLOCK_KIND))[1] == 1


@pytest.mark.slow
def test_processes_that_make_the_first_key_at_once_agree_on_one(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()

    def open_key(public_key: PublicKey | None) -> SigningKey:
        if public_key is not None:
            return SigningKey.parse((folder / public_key.key_id.hex()).read_text())
        key = SigningKey.generate(f"ledger/{secrets.token_hex(8)}")
        (folder / key.public.key_id.hex()).write_text(key.to_text())
        while len(list(folder.iterdir())) < 2:  # both have made a key before either writes
            time.sleep(0.01)
        return key

    assert run_at_once([lambda: append(Database.open(url), [make_row(0)], open_key)] * 2) == [0, 0]
    assert len(list(folder.iterdir())) == 2
    database = Database.open(url)
    result = verified(database)
    assert (result.findings, result.size) == ([], 3)
    assert EvidenceIndex(database).find(EvidenceFilter(metadata_kind=KEY_KIND))[1] == 1
    database.engine.dispose()
