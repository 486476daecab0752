"""The keys that a ledger names for itself: each is signed by the one before, or confirmed from elsewhere."""

from dataclasses import dataclass

from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey
from rollback_drills.evidence.verify.findings import FindingKind, Verification


@dataclass(frozen=True, slots=True)
class _Change:
    """A row that names a new key."""

    row: int
    old: PublicKey
    place: int
    """Of the new key in the chain."""


class KeyChain:
    """Learns the keys from the rows that name them, and judges who signed a head.

    A row that says "the key was lost" needs no signature of the old key, so that anybody who can write the
    database can add one, and sign all that follows with a key of their own. It counts only if the new key, a
    later one, or a head over that row was kept elsewhere.
    """

    def __init__(self, result: Verification) -> None:
        """Begin without a key; findings go into the result."""
        self.all: list[PublicKey] = []
        """The keys, the oldest first."""
        self._result = result
        self._unsigned: list[_Change] = []
        self._losses: list[_Change] = []
        self._signers: set[int] = set()
        self._confirmed_size = 0
        self._is_nameless = False

    def learn(self, row: int, key: PublicKey, *, is_lost: bool) -> None:
        """Take the key that a row names; the row may say that the one before it was lost."""
        if self.all:
            change = _Change(row, self.all[-1], len(self.all))
            (self._losses if is_lost else self._unsigned).append(change)
        self.all.append(key)

    def judge_head(self, note: SignedNote, head: Checkpoint) -> None:
        """Judge who signed a head over the rows so far."""
        if not self.all:
            if not self._is_nameless:  # one finding for all heads
                self._result.add(
                    FindingKind.REMOVED, "no row names the key of the ledger, as its first one does"
                )
            self._is_nameless = True
            return
        key = self.all[-1]
        if head.origin == key.name and note.is_signed_by(key):
            self._signers.add(len(self.all) - 1)
        else:
            self._result.add(
                FindingKind.WRONG_KEY,
                f"the head over {head.size} rows is not signed by the key of the ledger, {key.text}",
            )
        if len(note.signatures) > 1 + len(self._unsigned):
            names = ", ".join(name for name, _ in note.signatures)
            self._result.add(
                FindingKind.INSERTED,
                f"the head over {head.size} rows has more signatures than the ledger made: {names}",
            )
        for change in self._unsigned:
            if note.is_signed_by(change.old):
                self._signers.add(change.place - 1)
            else:
                self._result.add(
                    FindingKind.WRONG_KEY,
                    f"row {change.row} names a new key, and the key before it, {change.old.text},"
                    " has not signed that",
                )
        self._unsigned.clear()

    def confirm(self, size: int) -> None:
        """Note that a head over so many rows was kept elsewhere, and is the one of this ledger."""
        self._confirmed_size = max(self._confirmed_size, size)

    def judge(self, trusted: PublicKey | None) -> None:
        """Name the keys in the result, and compare them with the one that the caller has kept."""
        if self.all:
            self._result.origin, self._result.public_key = self.all[0].name, self.all[-1].text
        # A key that signed a head vouches for all rows below it, whoever signed the heads before.
        vouching = [place for place in self._signers if self.all[place] == trusted]
        confirmed_place = max(vouching, default=0)
        open_losses = [
            loss for loss in self._losses if loss.place > confirmed_place and loss.row >= self._confirmed_size
        ]
        for loss in open_losses:
            self._result.add(FindingKind.WRONG_KEY, self._explain(loss))
        for loss in self._losses:
            if loss not in open_losses:
                self._result.remarks.append(
                    f"row {loss.row} says that the key was lost: the key before it did not sign the new one;"
                    " what you kept elsewhere confirms the new one"
                )
        if trusted is None:
            return
        if vouching and not open_losses:
            self._result.compared.append("the public key")
        elif not vouching:
            names = ", ".join(key.text for key in self.all) or "none"
            self._result.add(
                FindingKind.WRONG_KEY, f"the ledger is not signed by {trusted.text}; its keys are {names}"
            )

    def _explain(self, loss: _Change) -> str:
        return (
            f"row {loss.row} says that the key {loss.old.text} was lost: it did not sign the new key,"
            f" {self.all[loss.place].text}. Anybody who can write the database can add such a row. If the"
            " key was lost, confirm the new one with a public key that you kept elsewhere, or with a head"
            f" over more than {loss.row} rows"
        )
