"""Writes an export: the folder that an auditor gets."""

import shutil
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from sqlalchemy import Connection

from rollback_drills import PRODUCT
from rollback_drills.database import Database
from rollback_drills.documents.fields import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.heads import Head, find_nodes, iterate_heads, newest_head
from rollback_drills.exporting.guide import write_guide
from rollback_drills.exporting.manifest import (
    CHECKPOINTS_FILE,
    GUIDE_FILE,
    MANIFEST_FILE,
    PUBLIC_KEY_FILE,
    REPORT_FILE,
    ROWS_FILE,
    SIGNATURE_FILE,
    TABLE_FILE,
    TREE_FILE,
    Manifest,
    Query,
    manifest_text,
)
from rollback_drills.exporting.population import Population
from rollback_drills.exporting.report import write_report
from rollback_drills.exporting.selection import (
    Selection,
    fold_gap,
    iterate_rows,
    pruned_before,
    select_rows,
)
from rollback_drills.exporting.table import TableWriter
from rollback_drills.ledger.checkpoint import SignedNote
from rollback_drills.ledger.keys import SigningKey
from rollback_drills.ledger.merkle import Subtree

_AT_ONCE: Final = 1000
_NODES_AT_ONCE: Final = 200


def export(
    database: Database,
    query: Query,
    folder: Path,
    *,
    key: SigningKey,
    exported_at: datetime,
    progress: Callable[[int], None],
) -> Manifest:
    """Write an export, all of it or nothing.

    Args:
        database: Keeps the ledger.
        query: What is asked for.
        folder: Is created; it must not exist.
        key: Signs the manifest: the key of the ledger.
        exported_at: The instant of the export.
        progress: Is told now and then how many rows were written.

    Raises:
        UsageError: The folder exists, cannot be written, or nothing is to be exported.
        DatabaseError: The database cannot be read.
    """
    if folder.exists():
        raise UsageError(f"{folder} exists already; name a folder that does not")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with _snapshot(database) as connection, _explained(folder):
            partial.mkdir(parents=True)
            manifest = _write(connection, query, partial, key, exported_at, progress)
            partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}") from None


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """Read everything as it is at one instant, whatever others write meanwhile."""
    with database.read() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


def _write(
    connection: Connection,
    query: Query,
    folder: Path,
    key: SigningKey,
    exported_at: datetime,
    progress: Callable[[int], None],
) -> Manifest:
    head = newest_head(connection)
    if head is None:
        raise UsageError("there is no evidence yet")
    chosen = select_rows(connection, query)
    heads = [*_write_heads(connection, folder, chosen)]
    population = Population(query, chosen.start, chosen.end)
    count = _write_rows(connection, query, chosen, heads, folder, population, progress)
    (folder / PUBLIC_KEY_FILE).write_text(f"{head.public_key.text}\n", encoding="utf-8")
    write_report(folder / REPORT_FILE, population, query, head, exported_at)
    write_guide(folder / GUIDE_FILE, head)
    return _write_manifest(folder, query, head, count, key, exported_at)


def _write_heads(connection: Connection, folder: Path, chosen: Selection) -> Iterator[int]:
    """Write the heads over the rows that are shown, and give their sizes."""
    with (folder / CHECKPOINTS_FILE).open("w", encoding="utf-8", newline="\n") as file:
        for head in iterate_heads(connection, after=chosen.shown_from):
            file.write(f"{head.note}\n")
            yield head.checkpoint.size


def _write_rows(
    connection: Connection,
    query: Query,
    chosen: Selection,
    heads: list[int],
    folder: Path,
    population: Population,
    progress: Callable[[int], None],
) -> int:
    """Write the rows, the table and the tree in one pass; give how many rows are shown."""
    border = pruned_before(connection)
    count = place = 0
    with (
        (folder / ROWS_FILE).open("wb") as rows,
        (folder / TREE_FILE).open("wb") as tree,
        TableWriter(folder / TABLE_FILE) as table,
    ):
        for index, text, leaf in iterate_rows(connection, query, chosen):
            _write_gap(connection, tree, place, index, heads, border)
            rows.write(text.encode() + b"\n")
            tree.write(b"row " + b64encode(leaf) + b"\n")
            record = msgspec.json.decode(text)
            table.add(record)
            population.add(record)
            place, count = index + 1, count + 1
            if not count % _AT_ONCE:
                progress(count)
        _write_gap(connection, tree, place, heads[-1], heads, border)
    return count


def _write_gap(
    connection: Connection, tree: BinaryIO, start: int, end: int, heads: list[int], border: int
) -> None:
    if start >= end:
        return
    within = heads[bisect_right(heads, start) : bisect_right(heads, end)]
    borders = sorted({*within, border})
    folds = list(fold_gap(start, end, borders))
    for first in range(0, len(folds), _NODES_AT_ONCE):
        some = folds[first : first + _NODES_AT_ONCE]
        nodes = find_nodes(connection, some)
        tree.writelines(_fold_lines(some, nodes, border))


def _fold_lines(folds: Iterable[Subtree], nodes: dict[Subtree, bytes], border: int) -> Iterator[bytes]:
    for level, index in folds:
        word = "pruned" if (index + 1) << level <= border else "fold"
        yield f"{word} {level} {b64encode(nodes[level, index]).decode()}\n".encode()


def _write_manifest(
    folder: Path, query: Query, head: Head, count: int, key: SigningKey, exported_at: datetime
) -> Manifest:

    files = {}
    for file in sorted(folder.iterdir()):
        with file.open("rb") as opened:
            files[file.name] = file_digest(opened, "sha256").hexdigest()
    checkpoint = head.checkpoint
    manifest = Manifest(
        product=PRODUCT,
        version=version("rollback-drills"),
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=b64encode(checkpoint.root).decode(),
        exported_at=write_instant(exported_at),
        query=query,
        row_count=count,
        files=files,
    )
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    (folder / MANIFEST_FILE).write_bytes(content)
    note = SignedNote.sign(manifest_text(sha256(content).hexdigest()), [key])
    (folder / SIGNATURE_FILE).write_text(str(note), encoding="utf-8")
    return manifest
