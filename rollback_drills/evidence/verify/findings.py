"""What a verification finds, and what it says in the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

_MOST_SHOWN: Final = 20
_LONGEST_MESSAGE: Final = 1000


class FindingKind(StrEnum):
    """What was done to the ledger."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    FORKED = "forked"
    WRONG_KEY = "wrong_key"
    SCHEMA = "schema"
    UNPROVEN = "unproven"
    """A check says of its population what the records before it do not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was signed."""

    kind: FindingKind
    message: str


class VerificationReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a verification says, as JSON has it."""

    intact: bool | None
    """None if nothing could be verified."""
    origin: str
    public_key: str
    size: int
    root: str
    newest_at: str
    row_count: int
    pruned_count: int
    head_count: int
    check_count: int
    compared: Sequence[str]
    remarks: Sequence[str]
    finding_count: int
    findings: Sequence[Finding]
    problem: str | UnsetType = UNSET


@dataclass(slots=True)
class Verification:
    """What came of a verification; without findings the ledger is as it was signed."""

    origin: str = ""
    public_key: str = ""
    size: int = 0
    root: str = ""
    newest_at: str = ""
    """When the last row was written; empty if it is not known."""
    row_count: int = 0
    pruned_count: int = 0
    head_count: int = 0
    check_count: int = 0
    """How many checks follow from the plans before them."""
    compared: list[str] = field(default_factory=list)
    """The copies of heads and keys from elsewhere that it was compared with."""
    remarks: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    finding_count: int = 0

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.finding_count

    def add(self, kind: FindingKind, message: str) -> None:
        """Note a finding; of very many the first are kept, and all are counted."""
        self.finding_count += 1
        if len(self.findings) < _MOST_SHOWN:
            self.findings.append(Finding(kind, printable(message)))

    def report(self, problem: str = "") -> VerificationReport:
        """Return it as the document that programs read.

        Args:
            problem: Why nothing could be verified; empty if it could.
        """
        return VerificationReport(
            intact=None if problem else self.is_intact,
            origin=self.origin,
            public_key=self.public_key,
            size=self.size,
            root=self.root,
            newest_at=self.newest_at,
            row_count=self.row_count,
            pruned_count=self.pruned_count,
            head_count=self.head_count,
            check_count=self.check_count,
            compared=list(map(printable, self.compared)),
            remarks=self.remarks,
            finding_count=self.finding_count,
            findings=self.findings,
            problem=printable(problem) if problem else UNSET,
        )


def printable(message: str) -> str:
    """Write what an attacker may have named so that a terminal and JSON can show it."""
    shown = "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in message[:_LONGEST_MESSAGE]
    )
    return shown if len(message) <= _LONGEST_MESSAGE else f"{shown}…"
