"""Writes an export: the folder that an auditor gets."""

import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from rollback_drills import PRODUCT
from rollback_drills.database.connections import Database
from rollback_drills.database.errors import ConflictError
from rollback_drills.database.tables import HEADS, LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError, reason_of
from rollback_drills.errors.effects import note_effect
from rollback_drills.evidence.checks.plans_in_force import find_in_force
from rollback_drills.evidence.export.csv_table import TableWriter
from rollback_drills.evidence.export.guide import write_guide
from rollback_drills.evidence.export.manifest import (
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
from rollback_drills.evidence.export.population import Population
from rollback_drills.evidence.export.report import write_report
from rollback_drills.evidence.export.row_selection import (
    Selection,
    count_pruned,
    iterate_rows,
    pruned_before,
    select_rows,
)
from rollback_drills.evidence.export.tree import TreeWriter
from rollback_drills.evidence.heads import Head, damage, iterate_heads, newest_head
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.keys import SigningKey
from rollback_drills.evidence.ledger.merkle import hash_leaf
from rollback_drills.evidence.record_kinds import KEY_KIND

_AT_ONCE: Final = 1000
_ONLY_OWNER: Final = 0o600


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
        progress: Is called now and then with the number of rows that were written.

    Raises:
        UsageError: The folder exists, cannot be written, or nothing is to be exported.
        ConflictError: The ledger has another key than the one that was opened.
        DatabaseError: The database cannot be read, or what is in it does not fit together.
    """
    refuse_existing(folder)
    with _explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}-", suffix=".partial"))  # mode 0700
    try:
        with database.snapshot() as connection, _explained(folder):
            manifest = _write(connection, query, partial, key, exported_at, progress)
            partial.rename(folder)
            note_effect()
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest


def refuse_existing(folder: Path) -> None:
    """Ensure that there is no such folder yet.

    Raises:
        UsageError: There is one.
    """
    with _explained(folder):
        if folder.exists():
            raise UsageError(f"{folder} exists already; name a folder that does not")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {reason_of(error)}") from None


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
    if head.public_key != key.public:
        raise ConflictError("the key of the evidence was changed meanwhile; try again")
    newest = connection.scalar(select(func.max(LEDGER.c.leaf_index)))
    size = 0 if newest is None else newest + 1
    if size != head.checkpoint.size:
        raise damage(f"it has {size} rows, and its newest head is over {head.checkpoint.size}")
    chosen = select_rows(connection, query)
    heads = [*_write_heads(connection, folder, chosen)]
    has_earlier = chosen.start > 0 or pruned_before(connection) > 0
    population = Population(
        chosen.start,
        chosen.end,
        has_earlier=has_earlier,
        pruned_count=count_pruned(connection, chosen),
        head_count=len(heads),
    )
    _add_in_force(connection, query, chosen, population)
    count = _write_rows(connection, query, chosen, heads, folder, population, progress)
    (folder / PUBLIC_KEY_FILE).write_text(f"{head.public_key.text}\n", encoding="utf-8")
    write_report(folder / REPORT_FILE, population, query, head, exported_at)
    write_guide(folder / GUIDE_FILE, head)
    return _write_manifest(folder, query, head, count, key, exported_at)


def _add_in_force(connection: Connection, query: Query, chosen: Selection, population: Population) -> None:
    for plan in find_in_force(connection, chosen.start):
        if query.schedules is None or plan.schedule_id in query.schedules:
            population.add_in_force(plan)


def _write_heads(connection: Connection, folder: Path, chosen: Selection) -> Iterator[int]:
    """Write the heads over the rows that are shown and over each change of the key, and return their sizes.

    Keys before the shown rows are there too, and the head over a new key shows that the old one signed it.
    """
    of_keys = select(LEDGER.c.leaf_index).where(LEDGER.c.metadata_kind == KEY_KIND, LEDGER.c.leaf_index > 0)
    first_head = select(func.min(HEADS.c.tree_size)).where(HEADS.c.tree_size > LEDGER.c.leaf_index)
    sizes = connection.scalars(
        of_keys.with_only_columns(first_head.correlate(LEDGER).scalar_subquery())
    ).all()
    with (folder / CHECKPOINTS_FILE).open("w", encoding="utf-8", newline="\n") as file:
        for note in iterate_heads(connection, after=chosen.shown_from, also=[each for each in sizes if each]):
            file.write(f"{note}\n")
            yield Checkpoint.parse(note.text).size


def _write_rows(
    connection: Connection,
    query: Query,
    chosen: Selection,
    heads: list[int],
    folder: Path,
    population: Population,
    progress: Callable[[int], None],
) -> int:
    """Write the rows, the table and the tree in one pass; return how many rows are shown."""
    count = 0
    with (
        (folder / ROWS_FILE).open("wb") as rows,
        (folder / TREE_FILE).open("wb") as tree_file,
        TableWriter(folder / TABLE_FILE) as table,
    ):
        tree = TreeWriter(tree_file, connection, heads, pruned_before(connection))
        for index, text, leaf in iterate_rows(connection, query, chosen):
            content = text.encode() if isinstance(text, str) else b""
            if hash_leaf(content) != leaf:
                raise damage(f"row {index} was changed")
            rows.write(content + b"\n")
            tree.add_row(index, leaf)
            try:
                record = msgspec.json.decode(content)
                table.add(record)
                population.add(record)
            except (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError):
                raise damage(f"row {index} cannot be read") from None
            count += 1
            if not count % _AT_ONCE:
                progress(count)
        tree.fold_until(heads[-1])
    return count


def _write_manifest(
    folder: Path, query: Query, head: Head, count: int, key: SigningKey, exported_at: datetime
) -> Manifest:
    files, sizes = {}, {}
    for file in sorted(folder.iterdir()):
        file.chmod(_ONLY_OWNER)
        with file.open("rb") as opened:
            files[file.name] = file_digest(opened, "sha256").hexdigest()
        sizes[file.name] = file.stat().st_size
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
        sizes=sizes,
    )
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    (folder / MANIFEST_FILE).write_bytes(content)
    note = SignedNote.sign(manifest_text(sha256(content).hexdigest()), [key])
    (folder / SIGNATURE_FILE).write_text(str(note), encoding="utf-8")
    for name in (MANIFEST_FILE, SIGNATURE_FILE):
        (folder / name).chmod(_ONLY_OWNER)
    return manifest
