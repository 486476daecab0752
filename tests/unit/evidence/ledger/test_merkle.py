"""The tree and its proofs, against implementations that we did not write: pymerkle and sigstore."""

from base64 import b64decode
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion
from pymerkle.core import _consistency_path_layout, _inclusion_path_layout
from pymerkle.proof import ConsistencyProof, InclusionProof, InvalidProof
from sigstore._internal.merkle import _chain_border_right, _chain_inner, _decomp_inclusion_proof

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Subtree,
    consistency_ranges,
    cover,
    fold,
    frontier_of,
    hash_children,
    hash_leaf,
    inclusion_ranges,
    prove,
)
from rollback_drills.evidence.proofs import prove_consistency, prove_inclusion
from tests.samples.tampering import fill

MOST = 70
LEAVES = [b"leaf %d" % number for number in range(MOST)]
TREE = InmemoryTree(algorithm="sha256")
NODES: dict[Subtree, bytes] = {}
ROOTS = [EMPTY_ROOT]
_frontier = Frontier()
for _index, _leaf in enumerate(LEAVES):
    TREE.append_entry(_leaf)
    _hashes = _frontier.add_leaf(hash_leaf(_leaf))
    for _level in range(len(_hashes) // 32):
        NODES[_level, _index >> _level] = _hashes[32 * _level : 32 * _level + 32]
    ROOTS.append(_frontier.root())


def find(wanted: Iterable[Subtree]) -> dict[Subtree, bytes]:
    return {each: NODES[each] for each in wanted}


def check_inclusion(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    """Let pymerkle and sigstore verify a proof of RFC 6962."""
    rule, _ = _inclusion_path_layout(index + 1, size)
    verify_inclusion(leaf, root, InclusionProof("sha256", True, size, index + 1, rule, [leaf, *path]))
    inner, border = _decomp_inclusion_proof(index, size)
    assert len(path) == inner + border
    assert _chain_border_right(_chain_inner(leaf, path[:inner], index), path[inner:]) == root


def find_frontier(size: int) -> list[bytes]:
    return [NODES[each] for each in frontier_of(size)]


def test_the_root_of_every_tree_is_that_of_another_implementation() -> None:
    for size in range(1, MOST + 1):
        assert ROOTS[size] == TREE.get_root(size)


@pytest.mark.slow
def test_every_proof_of_inclusion_is_accepted_by_other_implementations() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            path = prove(inclusion_ranges(index, size), find)
            check_inclusion(hash_leaf(LEAVES[index]), index, size, path, ROOTS[size])
            assert path == TREE.prove_inclusion(index + 1, size).path[1:]


def rfc_consistency(old_size: int, size: int, path: list[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """Verify a consistency proof as RFC 9162, section 2.1.4.2, writes it; give both roots."""
    if old_size == size:
        return old_root, old_root
    steps = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    old, new = old_size - 1, size - 1
    while old & 1:
        old, new = old >> 1, new >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        assert new
        if old & 1 or old == new:
            older, newer = hash_children(step, older), hash_children(step, newer)
            while old and not old & 1:
                old, new = old >> 1, new >> 1
        else:
            newer = hash_children(newer, step)
        old, new = old >> 1, new >> 1
    assert new == 0
    return older, newer


def is_accepted_by_pymerkle(old_size: int, size: int, path: list[bytes]) -> bool:
    """Let pymerkle verify a proof of RFC 6962, where it has a form for it.

    It wants the old root also where the standard leaves it out, and begins with the leaf right of the old
    tree, if there is a leaf; a larger subtree there it takes apart, which a proof of the standard does not.
    """
    rule, subset, _ = _consistency_path_layout(old_size, size)
    steps = path if old_size & (old_size - 1) else [ROOTS[old_size], *path]
    for hashes in (steps, [*steps[1::-1], *steps[2:]]):
        proof = ConsistencyProof("sha256", True, size, old_size, rule, subset, hashes)
        with suppress(InvalidProof):
            verify_consistency(ROOTS[old_size], ROOTS[size], proof)
            return True
    return False


@pytest.mark.slow
def test_every_proof_of_consistency_leads_to_both_roots() -> None:
    accepted = 0
    for size in range(1, MOST + 1):
        for old_size in range(1, size + 1):
            path = prove(consistency_ranges(old_size, size), find)
            expected = (ROOTS[old_size], ROOTS[size])
            assert rfc_consistency(old_size, size, path, ROOTS[old_size]) == expected
            verify_consistency(*expected, TREE.prove_consistency(old_size, size))
            is_leaf_after = old_size < size and (old_size % 2 == 1 or old_size == size - 1)
            if is_leaf_after:
                assert is_accepted_by_pymerkle(old_size, size, path), (old_size, size)
                accepted += 1
    assert accepted > 1000


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_cover_holds_each_leaf_once_and_is_the_shortest(start: int, length: int) -> None:
    found = list(cover(start, start + length))

    leaves = [leaf for level, index in found for leaf in range(index << level, (index + 1) << level)]
    assert leaves == list(range(start, start + length))
    assert len(found) <= 2 * max(length, 1).bit_length()


@pytest.mark.slow
@given(st.integers(0, MOST), st.data())
def test_a_tree_of_folds_has_the_root_of_its_leaves(size: int, data: st.DataObject) -> None:
    frontier = Frontier()
    while frontier.size < size:
        step = data.draw(st.integers(frontier.size + 1, size))
        for level, index in cover(frontier.size, step):
            frontier.add_subtree(level, NODES[level, index])

    assert frontier.root() == ROOTS[size] == fold(find_frontier(size))


@pytest.mark.parametrize(("size", "level"), [(1, 1), (2, 2), (6, 2)])
def test_a_subtree_begins_only_where_one_can(size: int, level: int) -> None:
    frontier = Frontier(size, find_frontier(size))

    with pytest.raises(ValueError, match=f"no subtree of level {level} begins at leaf {size}"):
        frontier.add_subtree(level, bytes(32))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_ranges(index, size)


@pytest.mark.parametrize(("old_size", "size"), [(0, 5), (6, 5)])
def test_a_tree_follows_no_larger_or_empty_one(old_size: int, size: int) -> None:
    with pytest.raises(ValueError, match="cannot follow"):
        consistency_ranges(old_size, size)


@pytest.fixture
def database(sqlite_url: str) -> Database:
    database = Database.open(sqlite_url)
    fill(database, (9, 1, 6, 4))
    return database


@pytest.fixture
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('proofs') / 'drills.db'}"


def decoded(hashes: list[str]) -> list[bytes]:
    return [b64decode(each) for each in hashes]


def test_proofs_from_the_ledger_are_accepted_by_other_implementations(database: Database) -> None:
    head = find_head(database)
    assert head
    for index in range(21):
        proof = prove_inclusion(database, index, None)
        leaf, root = decoded([proof.leaf_hash, proof.root])
        check_inclusion(leaf, index, 21, decoded(proof.inclusion), root)
        assert root == head.checkpoint.root
        assert proof.checkpoint == str(head.note)
    for old_size in range(1, 22):
        older = prove_consistency(database, old_size, None)
        old_root, root = decoded([older.old_root, older.root])
        path = decoded(older.consistency)
        assert rfc_consistency(old_size, 21, path, old_root) == (old_root, head.checkpoint.root)


@pytest.mark.parametrize(
    ("index", "size", "problem"),
    [
        (21, None, "has the rows 0 to 20, not 21"),
        (5, 5, "rows 0 to 4, not 5"),
        (0, 22, "size 22"),
        (0, 0, "size 0"),
    ],
)
def test_what_cannot_be_proven_is_one_message(
    index: int, size: int | None, problem: str, database: Database
) -> None:
    with pytest.raises(UsageError, match=problem):
        prove_inclusion(database, index, size)
    with pytest.raises(UsageError, match="does not begin with one of 22"):
        prove_consistency(database, 22, None)
