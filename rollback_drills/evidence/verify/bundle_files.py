"""The files of an export: opens them with bounds, and compares them with the signed manifest."""

import os
from collections.abc import Iterator
from hashlib import file_digest, sha256
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from rollback_drills.errors import UsageError, reason_of
from rollback_drills.evidence.export.manifest import (
    CHECKPOINTS_FILE,
    MANIFEST_FILE,
    ROWS_FILE,
    SIGNATURE_FILE,
    TREE_FILE,
    Manifest,
    manifest_text,
)
from rollback_drills.evidence.ledger.checkpoint import SignedNote
from rollback_drills.evidence.ledger.keys import PublicKey
from rollback_drills.evidence.verify.findings import FindingKind, Verification

_MOST_APPENDED: Final = 16 * 1024 * 1024
_BUFFER: Final = 128 * 1024
_LARGEST_MANIFEST: Final = 16 * 1024 * 1024


class UnreadableError(UsageError):
    """A file of an export is missing, or holds something else, so that the rows cannot be followed."""


class BundleFiles:
    """The folder of an export, and what its manifest says of it."""

    def __init__(self, folder: Path) -> None:
        """Read the manifest.

        Raises:
            UsageError: This is no export.
        """
        if not folder.is_dir():
            raise UsageError(
                f"{folder} is not a folder; pass the unpacked folder that `drills evidence export` wrote"
            )
        if not (folder / MANIFEST_FILE).is_file():
            raise UsageError(f"{folder} is not an export of evidence: {MANIFEST_FILE} is missing")
        self.folder = folder
        content = self._read(MANIFEST_FILE)
        try:
            self.manifest = msgspec.json.decode(content, type=Manifest)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{folder / MANIFEST_FILE} is not a manifest of an export: {error}; get the export once more"
            ) from None
        self._text = manifest_text(sha256(content).hexdigest())
        self._is_limited = any(each > _MOST_APPENDED for each in self._appended())

    def leave_out_appended(self) -> bool:
        """Read from now on nothing that was appended to a file; return False if this changes nothing."""
        is_new = not self._is_limited and any(self._appended())
        self._is_limited |= is_new
        return is_new

    def open(self, name: str) -> BinaryIO:
        """Open a file; very much that was appended to it after it was exported is not read.

        Raises:
            UnreadableError: There is no such file.
        """
        size = self.manifest.sizes.get(name)
        if not (self.folder / name).is_file():  # a pipe would never end
            raise UnreadableError(f"{name} is missing, so the rows cannot be verified")
        file = (self.folder / name).open("rb")
        if not self._is_limited or size is None:
            return file
        return cast("BinaryIO", BufferedReader(_Beginning(file, size), _BUFFER))

    def judge(self, result: Verification, key: PublicKey | None, *, is_lost: bool) -> None:
        """Compare the manifest with its signature and with the ledger, and every file with the manifest.

        Args:
            result: Takes the findings.
            key: Of the newest head; a key that was replaced signs no exports.
            is_lost: Whether the root of the rows is not known.
        """
        self._judge_manifest(result, key)
        manifest = self.manifest
        if not is_lost and (result.size, result.root) != (manifest.size, manifest.root):
            result.add(FindingKind.TRUNCATED, f"{MANIFEST_FILE} speaks of {manifest.size} rows")
        self.judge_files(result)

    def judge_files(self, result: Verification) -> None:
        """Compare every file with the manifest, whoever signed that."""
        for name, digest in self.manifest.files.items():
            self._judge_file(result, name, digest)
        known = {*self.manifest.files, MANIFEST_FILE, SIGNATURE_FILE}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name not in known:
                    result.add(
                        FindingKind.INSERTED,
                        f"{entry.name} is not part of the export: do not open or run it",
                    )
                elif entry.is_symlink():
                    result.add(FindingKind.CHANGED, f"{entry.name} is a link, not the file that was exported")

    def _appended(self) -> Iterator[int]:
        """Return by how many bytes each file that is read has grown."""
        for name in (ROWS_FILE, TREE_FILE, CHECKPOINTS_FILE):
            if (self.folder / name).is_file():
                size = (self.folder / name).stat().st_size
                yield max(size - self.manifest.sizes.get(name, size), 0)

    def _judge_manifest(self, result: Verification, key: PublicKey | None) -> None:
        if not (self.folder / SIGNATURE_FILE).is_file():
            result.add(FindingKind.REMOVED, f"{SIGNATURE_FILE} is missing: nobody signed the manifest")
            return
        content = self._read(SIGNATURE_FILE)
        try:
            note = SignedNote.parse(content.decode())
        except (UsageError, UnicodeDecodeError):
            note = SignedNote(self._text, ())
        if len(note.signatures) > 1 or (note.signatures and str(note).encode() != content):
            result.add(FindingKind.CHANGED, f"{SIGNATURE_FILE} holds more than the signature of the export")
        if note.text != self._text:
            result.add(FindingKind.CHANGED, f"{MANIFEST_FILE} was changed after it was signed")
        elif key is None or not note.is_signed_by(key):
            result.add(
                FindingKind.WRONG_KEY,
                f"{MANIFEST_FILE} is not signed by a key of the ledger that is in use: the key of the newest"
                f" head is {key.text if key else 'not known'}",
            )

    def _judge_file(self, result: Verification, name: str, digest: str) -> None:
        path = self.folder / name
        if os.sep in name or not os.path.isfile(path):  # also False for a name that no file can have
            result.add(FindingKind.REMOVED, f"{name} is missing")
            return
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            expected = self.manifest.sizes.get(name, size)
            has_grown = size > expected + _MOST_APPENDED  # surely another file: terabytes need no digest
            if has_grown or file_digest(file, "sha256").hexdigest() != digest:
                grown = f": it has {size:,} bytes instead of {expected:,}" if has_grown else ""
                result.add(FindingKind.CHANGED, f"{name} is not the file that was exported{grown}")

    def _read(self, name: str) -> bytes:
        try:
            with (self.folder / name).open("rb") as file:
                content = file.read(_LARGEST_MANIFEST + 1)
        except OSError as error:
            raise UsageError(f"{self.folder / name} cannot be read: {reason_of(error)}") from None
        return content if len(content) <= _LARGEST_MANIFEST else b""


class _Beginning(RawIOBase):
    """The first bytes of a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._rest = file, max(size, 0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # of the C base class
        """Read into a buffer, as every raw file does."""
        content = self._file.read(min(len(buffer), self._rest))
        buffer[: len(content)] = content
        self._rest -= len(content)
        return len(content)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
