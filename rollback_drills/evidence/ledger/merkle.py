"""The Merkle tree of RFC 6962, section 2.1: roots, and the proofs of inclusion and consistency."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256().digest()
"""The root of a tree without leaves."""

HASH_SIZE: Final = 32
_HIGHEST_LEVEL: Final = 62  # a row number fits into 63 bits
Subtree = tuple[int, int]
"""A complete subtree as (level, index): it holds the leaves from index · 2^level on, 2^level of them."""


def hash_leaf(content: bytes) -> bytes:
    """Hash the content of a leaf."""
    return sha256(b"\x00" + content).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into the one above them."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees that a tree of some size consists of: all that is needed to let it grow."""

    def __init__(self, size: int = 0, subtrees: Sequence[bytes] = ()) -> None:
        """Begin with a tree: its size, and the hashes of `frontier_of(size)`."""
        self.size = size
        self._subtrees = list(subtrees)

    def add_leaf(self, leaf_hash: bytes) -> bytes:
        """Add a leaf; return the hashes of all subtrees that it completes, from itself upwards, joined."""
        return self.add_subtree(0, leaf_hash)

    def add_subtree(self, level: int, node: bytes) -> bytes:
        """Add 2^level leaves of which only the common hash is known, as `add_leaf`.

        Raises:
            ValueError: A complete subtree of this level does not begin here.
        """
        position, rest = divmod(self.size, 1 << level) if level <= _HIGHEST_LEVEL else (0, 1)
        if rest:
            raise ValueError(f"no subtree of level {level} begins at leaf {self.size}")
        completed = [node]
        while position & 1:
            node = sha256(b"\x01" + self._subtrees.pop() + node).digest()
            completed.append(node)
            position >>= 1
        self._subtrees.append(node)
        self.size += 1 << level
        return b"".join(completed)

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        return fold(self._subtrees)


def fold(subtrees: Sequence[bytes]) -> bytes:
    """Return the hash over subtrees that lie side by side, each of them larger than the next."""
    if not subtrees:
        return EMPTY_ROOT
    *left, node = subtrees
    for each in reversed(left):
        node = hash_children(each, node)
    return node


def cover(start: int, end: int) -> Iterator[Subtree]:
    """Yield the fewest complete subtrees that together hold the leaves from start to before end, in order."""
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def frontier_of(size: int) -> list[Subtree]:
    """Return the subtrees that a tree of this size consists of."""
    return list(cover(0, size))


def last_leaf(subtree: Subtree) -> int:
    """Return the index of the leaf that completes a subtree."""
    level, index = subtree
    return ((index + 1) << level) - 1


Ranges = list[tuple[int, int]]


def inclusion_ranges(index: int, size: int) -> Ranges:
    """Return the leaves below each hash of the audit path PATH(index, D[size]) of RFC 6962, 2.1.1.

    Raises:
        ValueError: There is no such leaf in a tree of this size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    ranges: Ranges = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, size: int) -> Ranges:
    """Return the leaves below each hash of the consistency proof PROOF(old_size, D[size]) of RFC 6962, 2.1.2.

    Raises:
        ValueError: The older tree is empty or larger than the newer one.
    """
    if not 0 < old_size <= size:
        raise ValueError(f"a tree of {size} leaves cannot follow one of {old_size}")
    ranges: Ranges = []
    start, end = 0, size
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else the older root is known to whoever verifies
        ranges.append((start, end))
    return ranges[::-1]


def prove(ranges: Ranges, find_nodes: Callable[[Iterable[Subtree]], dict[Subtree, bytes]]) -> list[bytes]:
    """Return the hashes of a proof.

    Args:
        ranges: From `inclusion_ranges` or `consistency_ranges`.
        find_nodes: Gives the hashes of complete subtrees.
    """
    covers = [list(cover(start, end)) for start, end in ranges]
    nodes = find_nodes(subtree for covered in covers for subtree in covered)
    return [fold([nodes[subtree] for subtree in covered]) for covered in covers]


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)
