"""Signed heads of the ledger: a C2SP checkpoint (https://c2sp.org/tlog-checkpoint) in a signed note."""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from rollback_drills.errors import UsageError
from rollback_drills.evidence.ledger.keys import PublicKey, SigningKey
from rollback_drills.evidence.ledger.merkle import HASH_SIZE

_SIGNATURE_LINE: Final = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/=]+)\n")
_TEXT: Final = re.compile(r"[^\x00-\x09\x0b-\x1f\ud800-\udfff]*")  # C2SP allows no control characters
_SHORT: Final = re.compile(r"(?P<size>[0-9]{1,15})\s+(?P<root>[A-Za-z0-9+/]{43}=)")
_NEARLY_SHORT: Final = re.compile(r"^[ \t]*[0-9]+[ \t]+[\w+/=-]{20,}[ \t]*$", re.MULTILINE)
"""A line that was meant as a checkpoint, also where a part of it is missing."""
_NOTES: Final = re.compile(r"(?<=\n)(?<!\n\n)(?:\n+)?(?=[^\n—][^\n]*\n[0-9]+\n[A-Za-z0-9+/]{43}=\n)")
"""The places between signed notes, with or without an empty line there."""
_PREVIOUS: Final = re.compile(r"previous (0|[1-9][0-9]{0,14})")
_LARGEST_NOTE: Final = 1_000_000  # the limit of C2SP signed-note


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text, and who signed it: by key name and id, the signatures."""

    text: str
    signatures: tuple[tuple[str, bytes], ...]
    """By line: the name of the key, and its id followed by the signature."""

    @classmethod
    def sign(cls, text: str, keys: Iterable[SigningKey]) -> Self:
        """Sign a text, which ends with a line break, with every key."""
        signed = [(key.name, key.public.key_id + key.sign(text.encode())) for key in keys]
        return cls(text, tuple(signed))

    @classmethod
    def parse(cls, note: str) -> Self:
        """Read a note.

        Raises:
            UsageError: It is none.
        """
        text, blank, lines = note.rpartition("\n\n")
        found = [_SIGNATURE_LINE.fullmatch(line) for line in lines.splitlines(keepends=True)]
        is_note = len(note) <= _LARGEST_NOTE and blank and _TEXT.fullmatch(text)
        if not is_note or not found or not all(found):
            raise UsageError("this is no signed note: a text, an empty line, and lines that begin with “— ”")
        signatures = [(match["name"], _decode(match["signature"])) for match in found if match]
        return cls(f"{text}\n", tuple(signatures))

    def is_signed_by(self, key: PublicKey) -> bool:
        """Return whether a key has signed the text."""
        return any(
            name == key.name and signed[:4] == key.key_id and key.verifies(signed[4:], self.text.encode())
            for name, signed in self.signatures
        )

    def __str__(self) -> str:
        """Write the note as it is published."""
        lines = [f"— {name} {b64encode(signed).decode()}\n" for name, signed in self.signatures]
        return f"{self.text}\n{''.join(lines)}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes
    previous: int | None = None
    """The size of the head before it, 0 for the first one; None if the head does not say."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint; extension lines may follow the three.

        Raises:
            UsageError: It is none.
        """
        origin, size, root, *extensions = [*text.split("\n"), "", ""]
        decoded = _decode(root)
        if not origin or not re.fullmatch(r"0|[1-9][0-9]{0,14}", size) or len(decoded) != HASH_SIZE:
            raise UsageError("this is no checkpoint: three lines, an origin, a size and a root in base64")
        named = next(filter(None, map(_PREVIOUS.fullmatch, extensions)), None)
        return cls(origin, int(size), decoded, int(named[1]) if named else None)

    @property
    def text(self) -> str:
        """What is signed."""
        extension = "" if self.previous is None else f"previous {self.previous}\n"
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{extension}"

    @property
    def short(self) -> str:
        """Size and root in one line, as notifications carry them."""
        return f"{self.size} {b64encode(self.root).decode()}"


def read_witnesses(text: str) -> list[Checkpoint]:
    """Read the checkpoints that were kept elsewhere: signed notes, or the short lines of notifications.

    A file to which the head of every night was added has many. The origin of a short line is empty: it names
    no log.

    Raises:
        UsageError: The text holds neither, or one that proves nothing.
    """
    if "\n\n" in text.strip() and "\n\N{EM DASH} " in text:
        notes = _NOTES.split(text.strip() + "\n")
        found = [Checkpoint.parse(SignedNote.parse(each.strip("\n") + "\n").text) for each in notes]
    else:
        found = [Checkpoint("", int(each["size"]), _decode(each["root"])) for each in _SHORT.finditer(text)]
        for each in _NEARLY_SHORT.finditer(text):
            if not _SHORT.fullmatch(each[0].strip()):
                line = text.count("\n", 0, each.start()) + 1
                raise UsageError(
                    f"line {line} is no checkpoint: a part of SIZE ROOT is missing; copy it again"
                )
    if not found:
        raise UsageError("it holds no checkpoint: neither a signed note nor a line SIZE ROOT")
    if not all(each.size for each in found):
        raise UsageError("it holds a checkpoint over 0 rows, with which nothing can be compared")
    return found


def _decode(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
