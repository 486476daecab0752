"""Verifies an export: one pass over its rows and its tree, with memory that does not grow."""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from hashlib import file_digest, sha256
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from rollback_drills.errors import UsageError
from rollback_drills.exporting.manifest import (
    CHECKPOINTS_FILE,
    MANIFEST_FILE,
    ROWS_FILE,
    SIGNATURE_FILE,
    TREE_FILE,
    Manifest,
    manifest_text,
)
from rollback_drills.ledger.checkpoint import SignedNote
from rollback_drills.ledger.merkle import HASH_SIZE
from rollback_drills.verifying.auditor import Auditor, Trust
from rollback_drills.verifying.diagnosis import diagnose
from rollback_drills.verifying.findings import FindingKind, Verification
from rollback_drills.verifying.selection import Selection

_AT_ONCE: Final = 10_000
_NEEDED: Final = (MANIFEST_FILE, SIGNATURE_FILE, ROWS_FILE, TREE_FILE, CHECKPOINTS_FILE)
_LONGEST_NOTE: Final = 100_000


def verify_bundle(folder: Path, trust: Trust, progress: Callable[[int], None]) -> Verification:
    """Verify an export: every row, the whole tree, every signed head, and every other file of it.

    Args:
        folder: The export.
        trust: What the caller has kept elsewhere.
        progress: Is told now and then how many rows were looked at.

    Raises:
        UsageError: This is no export, or one that cannot be read at all.
    """
    manifest = read_manifest(folder)
    try:
        with (folder / CHECKPOINTS_FILE).open(encoding="utf-8", newline="\n") as notes:
            auditor = Auditor(_read_notes(notes), trust)
            selection = Selection(manifest.query)
            differs = _follow(folder, auditor, selection, progress)
            result = auditor.finish()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{folder} cannot be read: {error}") from None
    if differs or auditor.is_lost:
        diagnose(folder, result)
    selection.judge(result)
    _judge_files(folder, manifest, result, auditor)
    return result


def read_manifest(folder: Path) -> Manifest:
    """Read what an export says of itself.

    Raises:
        UsageError: This is no export.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is no folder; give the folder that `drills evidence export` wrote, unpacked"
        )
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"{folder} is no export of evidence: {', '.join(missing)} is missing")
    try:
        return msgspec.json.decode((folder / MANIFEST_FILE).read_bytes(), type=Manifest)
    except (msgspec.DecodeError, OSError) as error:
        raise UsageError(f"{folder / MANIFEST_FILE} is no manifest of an export: {error}") from None


def _read_notes(lines: Iterator[str]) -> Iterator[str]:
    """Read signed notes, one after another: a text, an empty line, signatures, an empty line."""
    note = ""
    for line in chain(lines, ["\n"]):
        if line == "\n" and "\n— " in note:
            yield note
            note = ""
        elif line != "\n" or note:
            note += line
        if len(note) > _LONGEST_NOTE:
            break
    if note.strip():
        raise UsageError(f"{CHECKPOINTS_FILE} cannot be read: it holds no signed notes")


def _follow(folder: Path, auditor: Auditor, selection: Selection, progress: Callable[[int], None]) -> bool:
    """Follow the tree; give whether a row is not the one that the tree says."""
    with (folder / ROWS_FILE).open("rb") as rows, (folder / TREE_FILE).open("rb") as tree:
        differs = False
        for number, entry in enumerate(tree):
            if not number % _AT_ONCE:
                progress(auditor.frontier.size)
            if entry[:4] != b"row ":
                _add_subtree(auditor, entry, selection)
                continue
            line = b"" if differs else rows.readline()
            content = line[:-1]
            leaf = sha256(b"\x00" + content).digest()
            if differs or entry != b"row " + b64encode(leaf) + b"\n":
                differs, content, leaf = True, b"", _decode(entry, 4)
            selection.add_row(auditor.frontier.size, content)
            auditor.add_row(leaf, content)
        return differs or bool(rows.readline())


def _add_subtree(auditor: Auditor, entry: bytes, selection: Selection) -> None:
    word, _, rest = entry.partition(b" ")
    level, _, node = rest.partition(b" ")
    is_pruned = word == b"pruned"
    try:
        auditor.add_subtree(int(level), _decode(node, 0), pruned=is_pruned)
    except ValueError:
        word = b""
    if word not in (b"fold", b"pruned"):
        raise UsageError(f"{TREE_FILE} cannot be read at leaf {auditor.frontier.size}: {entry[:80]!r}")
    selection.add_subtree(pruned=is_pruned)


def _decode(entry: bytes, start: int) -> bytes:
    try:
        node = b64decode(entry[start:].rstrip(b"\n"), validate=True)
    except ValueError:
        node = b""
    if len(node) != HASH_SIZE:
        raise UsageError(f"{TREE_FILE} cannot be read: {entry[:80]!r} ends with no hash")
    return node


def _judge_files(folder: Path, manifest: Manifest, result: Verification, auditor: Auditor) -> None:
    text = manifest_text(sha256((folder / MANIFEST_FILE).read_bytes()).hexdigest())
    try:
        note = SignedNote.parse((folder / SIGNATURE_FILE).read_text(encoding="utf-8"))
    except (UsageError, UnicodeDecodeError):
        note = SignedNote(text, ())
    if note.text != text:
        result.add(FindingKind.CHANGED, f"{MANIFEST_FILE} was changed after it was signed")
    elif not any(note.is_signed_by(key) for key in auditor.public_keys):
        result.add(FindingKind.WRONG_KEY, f"{MANIFEST_FILE} is not signed by a key of the ledger")
    if not auditor.is_lost and (result.size, result.root) != (manifest.size, manifest.root):
        result.add(FindingKind.TRUNCATED, f"{MANIFEST_FILE} speaks of {manifest.size} rows")
    for name, digest in sorted(manifest.files.items()):
        if os.sep in name or not (folder / name).is_file():
            result.add(FindingKind.REMOVED, f"{name} is missing")
            continue
        with (folder / name).open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != digest:
                result.add(FindingKind.CHANGED, f"{name} is not the file that was exported")
    known = {*manifest.files, MANIFEST_FILE, SIGNATURE_FILE}
    unknown = sorted(each.name for each in folder.iterdir() if each.name not in known)
    if unknown:
        result.remarks.append(f"not of the export: {', '.join(unknown)}")
