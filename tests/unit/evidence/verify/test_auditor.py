"""What is found in a tree of leaves and the signed heads over it, wherever they are stored."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.merkle import Frontier, hash_leaf
from rollback_drills.evidence.record_kinds import CLOCK_KIND, DRILL_KIND, IMPORT_KIND, KEY_KIND, PRUNING_KIND
from rollback_drills.evidence.verify.auditor import Auditor, Trust
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.own_records import Pruning
from tests.samples.builders import KEY
from tests.samples.tampering import OTHER_KEY

KEY_ROW = {"metadata_kind": KEY_KIND, "public_key": KEY.public.text}
TRUNCATED, FORKED, INSERTED = FindingKind.TRUNCATED, FindingKind.FORKED, FindingKind.INSERTED
CHANGED, REMOVED = FindingKind.CHANGED, FindingKind.REMOVED


def write(record: Mapping[str, Any]) -> bytes:
    return write_canonical(record)


def rows(count: int, **at: Mapping[str, Any]) -> list[bytes]:
    """Make as many rows, the first with the key; `at` names others by place, as `r3`."""
    plain: list[Mapping[str, Any]] = [
        KEY_ROW,
        *({"metadata_kind": DRILL_KIND, "number": each} for each in range(1, count)),
    ]
    return [write(at.get(f"r{place}", each)) for place, each in enumerate(plain)]


def root_of(contents: Sequence[bytes]) -> bytes:
    tree = Frontier()
    for content in contents:
        tree.add_leaf(hash_leaf(content))
    return tree.root()


def head(contents: Sequence[bytes], size: int, *, origin: str = KEY.name) -> Checkpoint:
    """Return the head over the first rows."""
    return Checkpoint(origin, size, root_of(contents[:size]))


def sign(checkpoint: Checkpoint) -> str:
    return str(SignedNote.sign(checkpoint.text, [KEY]))


def heads(contents: Sequence[bytes], *sizes: int) -> list[str]:
    return [sign(head(contents, size)) for size in sizes]


def audit(
    contents: Sequence[bytes], notes: Sequence[str], *witnesses: Checkpoint, pruned: int = 0
) -> Verification:
    """Take the rows in their order; of the first ones only the hashes are there."""
    named = [(f"witness-{number}", each) for number, each in enumerate(witnesses)]
    auditor = Auditor(notes, Trust(named))
    for place, content in enumerate(contents):
        if place < pruned:
            auditor.add_subtree(0, hash_leaf(content), pruned=True)
        else:
            auditor.add_row(hash_leaf(content), content)
    return auditor.finish()


def kinds(result: Verification) -> list[FindingKind]:
    return [each.kind for each in result.findings]


def test_rows_under_signed_heads_are_as_they_were_signed() -> None:
    contents = rows(5)

    result = audit(contents, heads(contents, 2, 5), head(contents, 5), head(contents, 2))

    assert (result.findings, result.remarks) == ([], [])
    assert (result.size, result.row_count, result.head_count, result.pruned_count) == (5, 5, 2, 0)
    assert result.root == b64encode(root_of(contents)).decode()
    assert result.compared == ["witness-1", "witness-0"]
    assert (result.origin, result.public_key) == (KEY.name, KEY.public.text)


def test_findings_go_into_the_result_that_the_caller_shares() -> None:
    result = Verification()
    auditor = Auditor([], Trust(public_key=KEY.public), result)
    auditor.add_row(hash_leaf(b""), b"")

    assert auditor.finish() is result
    assert kinds(result) == [INSERTED, FindingKind.WRONG_KEY]


def test_heads_over_more_rows_than_there_are_name_the_largest_of_them() -> None:
    contents = rows(6)

    (finding,) = audit(contents[:2], heads(contents, 2, 4, 6)).findings

    assert finding.kind is TRUNCATED
    assert "rows 2 to 5" in finding.message


def test_a_head_that_was_kept_over_more_rows_than_there_are_is_named() -> None:
    contents = rows(6)

    (finding,) = audit(contents[:2], heads(contents, 2), head(contents, 6)).findings

    assert (finding.kind, finding.message[:9]) == (TRUNCATED, "witness-0")
    assert "rows 2 to 5" in finding.message


@pytest.mark.parametrize(("size", "expected"), [(5, []), (4, [INSERTED]), (1, [INSERTED])])
def test_rows_after_the_last_signed_head_were_inserted(size: int, expected: list[FindingKind]) -> None:
    contents = rows(5)

    assert kinds(audit(contents, heads(contents, size))) == expected


def test_a_head_of_an_empty_ledger_proves_nothing_and_harms_nothing() -> None:
    contents = rows(4)
    empty = Checkpoint(KEY.name, 0, root_of([]))

    result = audit(contents, heads(contents, 2, 4), empty, head(contents, 2), head(contents, 4))

    assert (result.findings, result.compared) == ([], ["witness-1", "witness-2"])
    assert audit([], [], empty).findings == []


@pytest.mark.parametrize("place", [1, 2])
def test_of_a_changed_row_the_first_head_that_does_not_fit_is_named_and_no_later_one(place: int) -> None:
    contents = rows(6)
    changed = [*contents[:place], b"{}", *contents[place + 1 :]]

    result = audit(changed, heads(contents, 2, 4, 5), head(contents, 4))

    (finding,) = result.findings
    assert finding.kind is FORKED
    assert ("rows 0 to 1" if place == 1 else "rows 2 to 3") in finding.message
    assert (result.head_count, result.root, result.compared) == (3, "", [])


def test_an_unreadable_head_is_named_and_the_others_are_compared() -> None:
    contents = rows(4)
    first, last = heads(contents, 2, 4)

    early, late = audit(contents, ["no note", first, last]), audit(contents, [first, "no note", last])

    assert kinds(early) == kinds(late) == [CHANGED]
    assert early.head_count == late.head_count == 2
    assert "2" in late.findings[0].message  # it came after the head over two rows


@pytest.mark.parametrize("sizes", [(2, 2, 4), (2, 1, 4)])
def test_a_head_that_is_not_larger_than_the_one_before_is_another_history(sizes: tuple[int, ...]) -> None:
    contents = rows(4)

    assert FORKED in kinds(audit(contents, heads(contents, *sizes)))


@pytest.mark.parametrize(
    ("witness", "expected"),
    [
        pytest.param(Checkpoint(KEY.name, 3, root_of(rows(3))), [], id="the same"),
        pytest.param(Checkpoint("", 3, root_of(rows(3))), [], id="of a notification, without an origin"),
        pytest.param(Checkpoint(KEY.name, 3, bytes(32)), [FORKED], id="another root"),
        pytest.param(Checkpoint("", 3, bytes(32)), [FORKED], id="another root, without an origin"),
        pytest.param(Checkpoint("other", 3, root_of(rows(3))), [FORKED], id="another ledger"),
    ],
)
def test_a_head_that_was_kept_is_compared(witness: Checkpoint, expected: list[FindingKind]) -> None:
    contents = rows(4)

    result = audit(contents, heads(contents, 2, 4), witness, head(contents, 4))

    assert kinds(result) == expected
    assert result.compared == ([] if expected else ["witness-0"]) + ["witness-1"]


def test_another_ledger_is_named_even_if_this_one_was_changed() -> None:
    contents = rows(4)
    changed = [contents[0], b"{}", *contents[2:]]

    result = audit(changed, heads(contents, 2, 4), head(contents, 4, origin="other"))

    assert kinds(result) == [FORKED, FORKED]
    assert "other" in result.findings[1].message


def test_a_row_that_is_no_record_is_left_to_the_judge_of_rows_and_a_record_of_the_ledger_is_not() -> None:
    contents = [
        *rows(2),
        b"no record",
        write({"metadata_kind": KEY_KIND}),
        b'"metadata_kind":"rollback-drills-',
        b'{"metadata_kind":"rollback-drills-\xff"}',
    ]

    result = audit(contents, heads(contents, 6))

    assert [(each.kind, each.message[:5]) for each in result.findings] == [
        (CHANGED, "row 3"),
        (CHANGED, "row 4"),
        (CHANGED, "row 5"),
    ]


def test_only_a_ledger_with_a_key_has_a_name_to_compare() -> None:
    contents = [write({"metadata_kind": DRILL_KIND})]

    result = audit(contents, [], head(contents, 1))

    assert kinds(result) == [FORKED, INSERTED]


def test_a_head_that_was_kept_confirms_the_key_that_replaces_a_lost_one() -> None:
    lost = {"metadata_kind": KEY_KIND, "public_key": OTHER_KEY.public.text, "lost": True}
    contents = rows(4, r2=lost)
    last = head(contents, 4)
    notes = [*heads(contents, 2), str(SignedNote.sign(last.text, [OTHER_KEY]))]

    assert kinds(audit(contents, notes)) == [FindingKind.WRONG_KEY]
    assert kinds(audit(contents, notes, head(contents, 2))) == [FindingKind.WRONG_KEY]
    assert kinds(audit(contents, notes, last)) == []


def test_what_a_record_holds_or_a_later_version_says_of_the_ledger_is_passed_over() -> None:
    later = {"metadata_kind": "rollback-drills-of-a-later-version"}
    contents = rows(3, r1=later, r2={"metadata_kind": DRILL_KIND, "copy": {"metadata_kind": CLOCK_KIND}})

    result = audit(contents, heads(contents, 3))

    assert (result.findings, result.remarks) == ([], [])


def test_steps_of_the_clock_and_imported_rows_are_counted() -> None:
    clock, imported = {"metadata_kind": CLOCK_KIND}, {"metadata_kind": IMPORT_KIND}
    contents = rows(7, r1=clock, r2=clock, r3=clock, r4=imported, r5=imported)

    result = audit(contents, heads(contents, 7))

    assert result.findings == []
    assert ["3" in result.remarks[0], "2" in result.remarks[1], len(result.remarks)] == [True, True, 2]


def pruning(before: int, count: int) -> Mapping[str, Any]:
    return {"metadata_kind": PRUNING_KIND, "pruned_before": before, "row_count": count}


@pytest.mark.parametrize(
    ("records", "pruned", "expected"),
    [
        pytest.param([pruning(3, 3)], 3, [], id="as it says"),
        pytest.param([pruning(2, 2), pruning(3, 1)], 3, [], id="as both say"),
        pytest.param([pruning(3, 3)], 2, [], id="less than it says"),
        pytest.param([], 3, [REMOVED], id="none says so"),
        pytest.param([pruning(2, 2)], 3, [REMOVED], id="more than it says"),
        pytest.param([pruning(3, 2)], 3, [REMOVED], id="up to where it says, but more rows"),
        pytest.param([pruning(2, 3)], 3, [REMOVED], id="as many rows, but beyond where it says"),
        pytest.param([pruning(3, 2), pruning(2, 1)], 3, [], id="the furthest counts"),
    ],
)
def test_pruned_rows_are_those_of_which_the_ledger_says_so(
    records: Sequence[Mapping[str, Any]], pruned: int, expected: list[FindingKind]
) -> None:
    plain = [write({"metadata_kind": DRILL_KIND, "number": each}) for each in range(3)]
    contents = [*plain, write(KEY_ROW), *map(write, records)]

    result = audit(contents, heads(contents, len(contents)), pruned=pruned)

    assert kinds(result) == expected
    assert (result.pruned_count, result.row_count) == (pruned, len(contents) - pruned)


def test_rows_that_were_pruned_beyond_what_the_ledger_says_are_named() -> None:
    plain = [write({"metadata_kind": DRILL_KIND, "number": each}) for each in range(4)]
    contents = [*plain, write(KEY_ROW), write(pruning(2, 2))]

    (finding,) = audit(contents, heads(contents, 6), pruned=4).findings

    assert finding.message == "rows 2 to 3 are pruned, and no row says so"


def folded(notes: Sequence[str], contents: Sequence[bytes], *witnesses: Checkpoint) -> Auditor:
    """Take rows of which the middle is left out: only the hash over four of them is there."""
    auditor = Auditor(notes, Trust([(f"witness-{each.size}", each) for each in witnesses]))
    for content in contents[:4]:
        auditor.add_row(hash_leaf(content), content)
    auditor.add_subtree(2, root_of(contents[4:8]), pruned=False)
    for content in contents[8:]:
        auditor.add_row(hash_leaf(content), content)
    return auditor


def test_rows_that_are_left_out_are_compared_by_their_common_hash() -> None:
    contents = rows(10)

    auditor = folded(heads(contents, 4, 8, 10), contents, head(contents, 8), head(contents, 10))

    assert auditor.public_key == KEY.public
    result = auditor.finish()
    assert (result.findings, result.head_count, result.compared) == ([], 3, ["witness-8", "witness-10"])
    assert (result.size, result.row_count, result.pruned_count) == (10, 6, 0)


def test_pruned_rows_are_counted_also_if_only_their_common_hash_is_there() -> None:
    plain = [write({"metadata_kind": DRILL_KIND, "number": each}) for each in range(4)]
    contents = [*plain, write(KEY_ROW), write(pruning(4, 4))]
    auditor = Auditor(heads(contents, 6), Trust())
    auditor.add_subtree(2, root_of(plain), pruned=True)
    for content in contents[4:]:
        auditor.add_row(hash_leaf(content), content)

    result = auditor.finish()

    assert (result.findings, result.pruned_count, result.row_count) == ([], 4, 2)


def test_when_the_last_row_was_written_is_not_known_if_it_is_left_out() -> None:
    dated = {"metadata_kind": DRILL_KIND, "created_at": "2026-12-01T09:00:00+00:00"}
    contents = rows(8, r3=dated)

    assert audit(contents[:4], heads(contents, 4)).newest_at == dated["created_at"]
    assert folded(heads(contents, 8), contents).finish().newest_at == ""


def test_a_head_that_was_kept_and_lies_in_what_is_left_out_cannot_be_compared() -> None:
    contents = rows(10)

    auditor = folded(heads(contents, 4, 8, 10), contents, head(contents, 6), head(contents, 10))

    with pytest.raises(UsageError, match="witness-6"):
        auditor.finish()
    assert auditor.result.head_count == 3  # those after it are compared all the same


def test_no_key_signs_before_a_row_has_named_one() -> None:
    assert Auditor([], Trust()).public_key is None


def test_the_newest_pruning_is_kept() -> None:
    auditor = Auditor([], Trust())
    for record in (pruning(2, 2), pruning(3, 1)):
        auditor.add_row(hash_leaf(write(record)), write(record))

    assert auditor.newest_pruning == Pruning(3, 1)


def test_the_head_of_another_key_is_found() -> None:
    contents = rows(2)
    note = str(SignedNote.sign(head(contents, 2).text, [OTHER_KEY]))

    assert kinds(audit(contents, [note])) == [FindingKind.WRONG_KEY]
