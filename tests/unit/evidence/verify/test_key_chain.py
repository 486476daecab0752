"""Who may sign a ledger: the keys that its rows name, and what makes a new one count."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.key_chain import KeyChain
from tests.samples.builders import KEY
from tests.samples.tampering import OTHER_KEY

THIRD_KEY = SigningKey(KEY.name, b"\2" * 32)
WRONG_KEY = FindingKind.WRONG_KEY


@dataclass(frozen=True)
class Row:
    """A row that names a key."""

    number: int
    key: SigningKey
    is_lost: bool = False


@dataclass(frozen=True)
class Head:
    """A signed head over the rows so far."""

    size: int
    keys: Sequence[SigningKey]
    origin: str = KEY.name


FIRST = (Row(0, KEY), Head(4, [KEY]))
LOST = (*FIRST, Row(4, OTHER_KEY, is_lost=True), Head(6, [OTHER_KEY]))
CHANGED = (*FIRST, Row(4, OTHER_KEY), Head(6, [OTHER_KEY, KEY]))


def judged(
    events: Sequence[Row | Head], trusted: PublicKey | None = None, *, confirmed: Sequence[int] = ()
) -> Verification:
    """Take rows and heads in their order; a head over so many rows was kept elsewhere."""
    result = Verification()
    chain = KeyChain(result)
    for event in events:
        if isinstance(event, Row):
            chain.learn(event.number, event.key.public, is_lost=event.is_lost)
        else:
            head = Checkpoint(event.origin, event.size, bytes(32))
            chain.judge_head(SignedNote.sign(head.text, event.keys), head)
    for size in confirmed:
        chain.confirm(size)
    chain.judge(trusted)
    return result


def kinds(result: Verification) -> list[FindingKind]:
    return [each.kind for each in result.findings]


def test_the_result_names_the_ledger_and_its_newest_key() -> None:
    result = judged(CHANGED)

    assert (result.origin, result.public_key) == (KEY.name, OTHER_KEY.public.text)
    assert (result.findings, result.remarks, result.compared) == ([], [], [])


def test_a_ledger_without_a_key_has_lost_its_first_row() -> None:
    result = judged([Head(4, [KEY])])

    assert kinds(result) == [FindingKind.REMOVED]


def test_that_no_row_names_a_key_is_one_finding_whatever_the_number_of_heads() -> None:
    result = judged([Head(size, [KEY]) for size in (4, 6, 9)])

    assert [each.message for each in result.findings] == [
        "no row names the key of the ledger, as its first one does"
    ]


def test_a_first_key_that_is_called_lost_follows_no_other_one() -> None:
    result = judged([Row(0, KEY, is_lost=True), Head(4, [KEY])])

    assert (result.findings, result.remarks) == ([], [])


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(Head(4, [OTHER_KEY]), id="by another key"),
        pytest.param(Head(4, [KEY], origin="ledger/other"), id="of another ledger"),
    ],
)
def test_a_head_that_the_key_of_the_ledger_did_not_sign_is_found(head: Head) -> None:
    result = judged([Row(0, KEY), head], KEY.public)

    assert kinds(result) == [WRONG_KEY, WRONG_KEY]  # nor does the key that was kept vouch for it
    assert "head over 4 rows" in result.findings[0].message


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param([OTHER_KEY, KEY], [], id="both"),
        pytest.param([OTHER_KEY], [WRONG_KEY], id="only the new one"),
        pytest.param([KEY], [WRONG_KEY], id="only the old one"),
        pytest.param([OTHER_KEY, KEY, THIRD_KEY], [FindingKind.INSERTED], id="one more"),
    ],
)
def test_the_first_head_after_a_change_is_signed_by_both_keys(
    keys: Sequence[SigningKey], expected: Sequence[FindingKind]
) -> None:
    assert kinds(judged([*FIRST, Row(4, OTHER_KEY), Head(6, keys)])) == expected


def test_only_the_first_head_after_a_change_is_signed_by_both_keys() -> None:
    assert kinds(judged([*CHANGED, Head(7, [OTHER_KEY])])) == []
    assert kinds(judged([*CHANGED, Head(7, [OTHER_KEY, KEY])])) == [FindingKind.INSERTED]


def test_of_two_changes_below_one_head_each_is_signed_by_the_key_before() -> None:
    changes = (*FIRST, Row(4, OTHER_KEY), Row(5, THIRD_KEY))

    assert kinds(judged([*changes, Head(6, [THIRD_KEY, OTHER_KEY, KEY])])) == []
    (finding,) = judged([*changes, Head(6, [THIRD_KEY, OTHER_KEY])]).findings
    assert (finding.kind, finding.message[:5]) == (WRONG_KEY, "row 4")


@pytest.mark.parametrize(
    ("trusted", "confirmed", "is_confirmed"),
    [
        pytest.param(None, [], False, id="nothing was kept"),
        pytest.param(None, [4], False, id="a head below the row"),
        pytest.param(None, [5], True, id="a head over the row"),
        pytest.param(None, [5, 2], True, id="a head over the row, and an older one"),
        pytest.param(OTHER_KEY.public, [], True, id="the new key"),
        pytest.param(KEY.public, [], False, id="the key that was lost"),
        pytest.param(KEY.public, [5], True, id="the key that was lost, and a head over the row"),
    ],
)
def test_a_lost_key_counts_only_if_the_new_one_is_confirmed_by_what_was_kept_elsewhere(
    trusted: PublicKey | None, confirmed: Sequence[int], is_confirmed: bool
) -> None:
    result = judged(LOST, trusted, confirmed=confirmed)

    assert kinds(result) == ([] if is_confirmed else [WRONG_KEY])
    assert [each[:5] for each in result.remarks] == (["row 4"] if is_confirmed else [])
    assert result.compared == (["the public key"] if is_confirmed and trusted else [])


def test_a_later_key_confirms_every_key_that_was_lost_before_it() -> None:
    twice = (*LOST, Row(6, THIRD_KEY, is_lost=True), Head(8, [THIRD_KEY]))

    assert kinds(judged(twice)) == [WRONG_KEY, WRONG_KEY]
    assert kinds(judged(twice, THIRD_KEY.public)) == []
    between = judged(twice, OTHER_KEY.public)
    assert [each.message[:5] for each in between.findings] == ["row 6"]
    assert [each[:5] for each in between.remarks] == ["row 4"]


def test_a_key_that_was_found_again_confirms_by_its_newest_signature() -> None:
    found_again = (*LOST, Row(6, KEY, is_lost=True), Head(8, [KEY]))

    assert kinds(judged(found_again, KEY.public)) == []


def test_a_key_that_is_named_and_signed_nothing_vouches_for_nothing() -> None:
    result = judged([*FIRST, Row(4, OTHER_KEY, is_lost=True)], OTHER_KEY.public)

    assert kinds(result) == [WRONG_KEY, WRONG_KEY]
    assert result.compared == []


def test_a_key_that_signed_only_the_change_to_the_next_one_vouches_for_what_is_below() -> None:
    result = judged([Row(0, KEY), Row(1, OTHER_KEY), Head(4, [OTHER_KEY, KEY])], KEY.public)

    assert (result.findings, result.compared) == ([], ["the public key"])


def test_a_key_that_signed_nothing_of_the_ledger_is_found() -> None:
    (finding,) = judged(CHANGED, THIRD_KEY.public).findings

    assert finding.kind is WRONG_KEY
    assert KEY.public.text in finding.message
    assert OTHER_KEY.public.text in finding.message


def test_a_ledger_that_names_no_key_is_compared_with_the_one_that_was_kept() -> None:
    (finding,) = judged([], KEY.public).findings

    assert finding.message == f"the ledger is not signed by {KEY.public.text}; its keys are none"
