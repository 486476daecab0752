"""Follows the tree leaf by leaf, and compares it with every signed head on the way."""

from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey
from rollback_drills.evidence.ledger.merkle import Frontier
from rollback_drills.evidence.record_kinds import (
    CLOCK_KIND,
    IMPORT_KIND,
    KEY_KIND,
    PRUNING_KIND,
    SETBACK_KIND,
)
from rollback_drills.evidence.verify.findings import FindingKind, Verification, printable
from rollback_drills.evidence.verify.key_chain import KeyChain
from rollback_drills.evidence.verify.own_records import Pruning, decode_key, decode_pruning, name_kind
from rollback_drills.evidence.written_record import read_untrusted, text_of
from rollback_drills.rendering.counts import rows_are, rows_were, write_count

OWN_KIND: Final = b'"metadata_kind":"rollback-drills-'
"""Stands in every record of what the ledger says of itself, and of imported records."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the caller has kept elsewhere."""

    witnesses: Sequence[tuple[str, Checkpoint]] = ()
    """Heads, each with where it came from."""
    public_key: PublicKey | None = None


class Auditor:
    """Takes the leaves of a tree in order. `finish` says what came of it."""

    def __init__(self, heads: Iterable[str], trust: Trust, result: Verification | None = None) -> None:
        """Begin with an empty tree.

        Args:
            heads: The signed heads as written, the smallest first.
            trust: What the caller has kept elsewhere.
            result: Takes the findings; a new one if it is None.
        """
        self.result = result or Verification()
        self._heads = self._read(heads)
        self._next = next(self._heads, None)
        self._trust = trust
        proving = (each for each in trust.witnesses if each[1].size)
        self._witnesses = deque(sorted(proving, key=lambda each: each[1].size))
        self._left_out: list[tuple[str, Checkpoint]] = []
        """Witnesses inside a subtree of which only the hash is there."""
        self._keys = KeyChain(self.result)
        self._pruned_end = 0
        self._allowed_end = 0
        self._allowed_count = 0
        self._signed_size = 0
        self._clock_steps = 0
        self._setbacks = 0
        self._imported = 0
        self.frontier = Frontier()
        self.newest_pruning: Pruning | None = None
        """What the newest record of a pruning says; None if nothing was pruned."""
        self.is_lost = False
        """Whether the hashes of the tree are not known any more, so that no root can be compared."""
        self._last_content = b""
        self._stop = self._next_stop()

    def add_row(self, leaf_hash: bytes, content: bytes) -> bytes:
        """Take a row: its hash as it was stored, and its content; return the nodes that it completes."""
        if OWN_KIND in content:
            self._learn(content)
        self.result.row_count += 1
        self._last_content = content
        completed = self.frontier.add_leaf(leaf_hash)
        if self.frontier.size >= self._stop:
            self._compare()
        return completed

    def add_subtree(self, level: int, node: bytes, *, pruned: bool) -> bytes:
        """Take leaves whose content is not there; return the nodes that they complete.

        Raises:
            ValueError: No complete subtree of this level begins here.
        """
        completed = self.frontier.add_subtree(level, node)
        self._last_content = b""
        if pruned:
            self.result.pruned_count += 1 << level
            self._pruned_end = self.frontier.size
        if self.frontier.size >= self._stop:
            self._compare()
        return completed

    @property
    def public_key(self) -> PublicKey | None:
        """The key that signs from here on; None if no row has named one."""
        return self._keys.all[-1] if self._keys.all else None

    def finish(self) -> Verification:
        """Look at what is left over at the end."""
        result, size = self.result, self.frontier.size
        result.size = size
        result.newest_at = printable(text_of(read_untrusted(self._last_content) or {}, "created_at"))
        result.root = "" if self.is_lost else b64encode(self.frontier.root()).decode()
        self._judge_end()
        self._judge_pruning()
        self._keys.judge(self._trust.public_key)
        if self._clock_steps:
            times = write_count(self._clock_steps, "time")
            result.remarks.append(f"the clock went back {times}; each time has a row of its own")
        if self._setbacks:
            times = write_count(self._setbacks, "time")
            result.remarks.append(f"evidence was missing {times}; each time has a row of its own")
        if self._imported:
            result.remarks.append(f"{rows_were(self._imported)} imported from an index that was not signed")
        return result

    def _judge_end(self) -> None:
        """Look for rows that were cut off at the end, and for rows after the last signed head."""
        result, size = self.result, self.frontier.size
        while self._next is not None:
            missing = self._next[1].size
            self._next = next(self._heads, None)
            if self._next is None:
                result.add(
                    FindingKind.TRUNCATED,
                    f"{rows_are(size, missing - 1)} missing at the end; {rows_were(missing)} signed",
                )
        if self._left_out:
            place, witness = self._left_out[0]
            raise UsageError(
                f"{place} is a head over {witness.size} rows, in a part that this export leaves out;"
                " compare it with an export of everything, or with the database"
            )
        for place, witness in self._witnesses:
            result.add(
                FindingKind.TRUNCATED,
                f"{place} is a head over {witness.size} rows, and here are {size}"
                f"{f', up to {result.newest_at}' if result.newest_at else ''}:"
                f" {rows_are(size, witness.size - 1)} missing at the end",
            )
        if size > self._signed_size and not self.is_lost:
            result.add(FindingKind.INSERTED, f"{rows_are(self._signed_size, size - 1)} under no signed head")

    def _judge_pruning(self) -> None:
        """Compare what was pruned with what the rows of the ledger say of it."""
        result = self.result
        if self._pruned_end > self._allowed_end:
            result.add(
                FindingKind.REMOVED,
                f"rows before {self._pruned_end} were pruned, and no row of the ledger says so"
                if not self._allowed_end
                else f"{rows_are(self._allowed_end, self._pruned_end - 1)} pruned, and no row says so",
            )
        elif result.pruned_count > self._allowed_count:
            result.add(
                FindingKind.REMOVED,
                f"{rows_were(result.pruned_count)} pruned, and the rows of the ledger say"
                f" {self._allowed_count}",
            )

    def _learn(self, content: bytes) -> None:
        """Take in what the ledger says of itself."""
        try:
            kind = name_kind(content)
            if kind == KEY_KIND:
                named = decode_key(content)
                self._keys.learn(self.frontier.size, PublicKey.parse(named.public_key), is_lost=named.lost)
            elif kind == PRUNING_KIND:
                self.newest_pruning = decode_pruning(content)
                self._allowed_end = max(self._allowed_end, self.newest_pruning.pruned_before)
                self._allowed_count += self.newest_pruning.row_count
            elif kind == CLOCK_KIND:
                self._clock_steps += 1
            elif kind == SETBACK_KIND:
                self._setbacks += 1
            elif kind == IMPORT_KIND:
                self._imported += 1
        except (msgspec.MsgspecError, ValueError, RecursionError, UsageError):
            self.result.add(FindingKind.CHANGED, f"row {self.frontier.size} cannot be read")

    def _read(self, notes: Iterable[str]) -> Iterator[tuple[SignedNote, Checkpoint]]:
        size = 0
        for text in notes:
            try:
                note = SignedNote.parse(text)
                checkpoint = Checkpoint.parse(note.text)
            except UsageError:
                after = f"after the one over {size} rows" if size else "before all others"
                self.result.add(FindingKind.CHANGED, f"the signed head {after} cannot be read")
                continue
            if checkpoint.size <= size:
                self.result.add(
                    FindingKind.FORKED,
                    f"a head over {checkpoint.size} rows follows one over {size}: two histories",
                )
            size = max(size, checkpoint.size)
            yield note, checkpoint

    def _next_stop(self) -> float:
        """Return the size at which something has to be compared next."""
        sizes = [self._next[1].size] if self._next else []
        if self._witnesses:
            sizes.append(self._witnesses[0][1].size)
        return min(sizes, default=float("inf"))

    def _compare(self) -> None:
        size = self.frontier.size
        root = self.frontier.root()
        while self._next is not None and self._next[1].size <= size:
            self._compare_head(*self._next, root)
            self._next = next(self._heads, None)
        while self._witnesses and self._witnesses[0][1].size <= size:
            place, witness = self._witnesses.popleft()
            if witness.size == size:
                self._compare_witness(place, witness, root)
            else:
                self._left_out.append((place, witness))
        self._stop = self._next_stop()

    def _compare_head(self, note: SignedNote, head: Checkpoint, root: bytes) -> None:
        self.result.head_count += 1
        if self.is_lost:
            return
        before = self._signed_size
        if head.size != self.frontier.size or head.root != root:
            self.is_lost = True
            self.result.add(
                FindingKind.FORKED,
                f"{rows_are(before, head.size - 1)} not what was signed; up to row {before} everything is"
                if before
                else f"{rows_are(0, head.size - 1)} not what was signed",
            )
            return
        self._signed_size = head.size
        self._keys.judge_head(note, head)

    def _compare_witness(self, place: str, witness: Checkpoint, root: bytes) -> None:
        origin = self._keys.all[0].name if self._keys.all else ""
        if witness.origin and witness.origin != origin:
            self.result.add(
                FindingKind.FORKED,
                f"{place} is a head of {witness.origin}; this is {origin or 'a ledger without a key'}:"
                " another ledger, or one that took its place",
            )
        elif self.is_lost:
            return
        elif witness.root != root:
            self.result.add(
                FindingKind.FORKED,
                f"{place} is a head over {witness.size} rows with another root: the first {witness.size} rows"
                " are not those that were signed then",
            )
        else:
            self._keys.confirm(witness.size)
            if place not in self.result.compared:
                self.result.compared.append(place)
