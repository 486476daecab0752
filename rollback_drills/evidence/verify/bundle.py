"""Verifies an export: one pass over its rows and its tree, with memory that does not grow."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from rollback_drills.errors import UsageError, reason_of
from rollback_drills.evidence.export.manifest import CHECKPOINTS_FILE, ROWS_FILE, TREE_FILE
from rollback_drills.evidence.ledger.canonical import LARGEST_RECORD
from rollback_drills.evidence.ledger.merkle import HASH_SIZE
from rollback_drills.evidence.verify.auditor import Auditor, Trust
from rollback_drills.evidence.verify.bundle_files import BundleFiles, UnreadableError
from rollback_drills.evidence.verify.diagnosis import diagnose
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.selection import Selection

_AT_ONCE: Final = 10_000
_LONGEST_NOTE: Final = 100_000
_LONGEST_ENTRY: Final = 200


def verify_bundle(folder: Path, trust: Trust, progress: Callable[[int], None]) -> Verification:
    """Verify an export: every row, the whole tree, every signed head, and every other file of it.

    A file that is missing, or that holds something else, is a finding.

    Args:
        folder: The export.
        trust: What the caller has kept elsewhere.
        progress: Is called now and then with the number of rows that were verified.

    Raises:
        UsageError: This is no export, or the system does not let it be read.
    """
    files = BundleFiles(folder)
    while True:
        try:
            return _verify(files, trust, progress)
        except UnreadableError as error:
            if files.leave_out_appended():
                continue
            result = Verification()
            result.add(FindingKind.CHANGED, str(error))
            files.judge_files(result)
            return result


def _verify(files: BundleFiles, trust: Trust, progress: Callable[[int], None]) -> Verification:
    try:
        with files.open(CHECKPOINTS_FILE) as notes:
            auditor = Auditor(_read_notes(notes), trust)
            selection = Selection(files.manifest.query)
            with files.open(ROWS_FILE) as rows, files.open(TREE_FILE) as tree:
                differs = _follow(rows, tree, auditor, selection, progress)
            result = auditor.finish()
        if differs or auditor.is_lost:
            diagnose(files, result)
        else:
            selection.judge(result)
        files.judge(result, auditor.public_key, is_lost=auditor.is_lost)
    except OSError as error:
        raise UsageError(f"{files.folder} cannot be read: {reason_of(error)}") from None
    return result


def _read_notes(file: BinaryIO) -> Iterator[str]:
    """Read signed notes, one after another: a text, an empty line, signatures, an empty line."""
    note = ""
    for line in chain(iter(partial(file.readline, _LONGEST_NOTE), b""), [b"\n"]):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise UnreadableError(f"{CHECKPOINTS_FILE} cannot be read: it is not UTF-8") from None
        if text == "\n" and "\n— " in note:
            yield note
            note = ""
        else:
            note += text
        if len(note) > _LONGEST_NOTE:
            break
    if note.strip():
        raise UnreadableError(f"{CHECKPOINTS_FILE} cannot be read: it holds no signed notes")


def _follow(
    rows: BinaryIO, tree: BinaryIO, auditor: Auditor, selection: Selection, progress: Callable[[int], None]
) -> bool:
    """Follow the tree; return whether a row is not the one that the tree says."""
    differs = False
    for number, entry in enumerate(iter(partial(tree.readline, _LONGEST_ENTRY), b"")):
        if not number % _AT_ONCE:
            progress(auditor.frontier.size)
        if entry[:4] != b"row ":
            _add_subtree(auditor, entry, selection)
            continue
        line = b"" if differs else rows.readline(LARGEST_RECORD + 1)
        content = line[:-1]
        leaf = sha256(b"\x00" + content).digest()
        if entry != b"row " + b64encode(leaf) + b"\n":
            differs, content, leaf = True, b"", _decode(entry, 4)
        selection.add_row(auditor.frontier.size, content)
        auditor.add_row(leaf, content)
    return differs or bool(rows.read(1))


def _add_subtree(auditor: Auditor, entry: bytes, selection: Selection) -> None:
    word, _, rest = entry.partition(b" ")
    level, _, node = rest.partition(b" ")
    is_pruned = word == b"pruned"
    try:
        auditor.add_subtree(int(level), _decode(node, 0), pruned=is_pruned)
    except ValueError:
        word = b""
    if word not in (b"fold", b"pruned"):
        raise UnreadableError(f"{TREE_FILE} cannot be read at leaf {auditor.frontier.size}: {entry[:80]!r}")
    selection.add_subtree(pruned=is_pruned)


def _decode(entry: bytes, start: int) -> bytes:
    try:
        node = b64decode(entry[start:].rstrip(b"\n"), validate=True)
    except ValueError:
        node = b""
    if len(node) != HASH_SIZE:
        raise UnreadableError(f"{TREE_FILE} cannot be read: {entry[:80]!r} ends with no hash")
    return node
