"""The keys that a ledger names for itself, each of them signed by the one before."""

from typing import Any

from rollback_drills.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.ledger.keys import PublicKey
from rollback_drills.verifying.findings import FindingKind, Verification


class KeyChain:
    """Learns the keys from the rows that name them, and judges who signed a head."""

    def __init__(self, result: Verification) -> None:
        """Begin without a key; what is found goes into the result."""
        self.all: list[PublicKey] = []
        """The keys, the oldest first."""
        self._result = result
        self._unsigned_change: tuple[int, PublicKey] | None = None

    def learn(self, row: int, record: dict[str, Any]) -> None:
        """Take the record of a key.

        Raises:
            KeyError: The record names none.
            UsageError: It names one that cannot be read.
        """
        key = PublicKey.parse(record["public_key"])
        if self.all and record.get("lost"):
            self._result.remarks.append(
                f"row {row} says that the key was lost: the key before it did not sign the new one"
            )
        elif self.all:
            self._unsigned_change = (row, self.all[-1])
        self.all.append(key)

    def judge_head(self, note: SignedNote, head: Checkpoint) -> None:
        """Judge who signed a head over the rows so far."""
        if not self.all:
            self._result.add(FindingKind.REMOVED, "no row names the key of the ledger, as its first one does")
            return
        key = self.all[-1]
        if head.origin != key.name or not note.is_signed_by(key):
            self._result.add(
                FindingKind.WRONG_KEY,
                f"the head over {head.size} rows is not signed by the key of the ledger, {key.text}",
            )
        if self._unsigned_change:
            row, old = self._unsigned_change
            self._unsigned_change = None
            if not note.is_signed_by(old):
                self._result.add(
                    FindingKind.WRONG_KEY,
                    f"row {row} names a new key, and the key before it, {old.text}, has not signed that",
                )

    def judge(self, trusted: PublicKey | None) -> None:
        """Name the keys in the result, and compare them with the one that the caller has kept."""
        if self.all:
            self._result.origin, self._result.public_key = self.all[0].name, self.all[-1].text
        if trusted is None:
            return
        if trusted in self.all:
            self._result.compared.append("the public key")
            return
        names = ", ".join(key.text for key in self.all) or "none"
        self._result.add(
            FindingKind.WRONG_KEY, f"the ledger is not signed by {trusted.text}; its keys are {names}"
        )
