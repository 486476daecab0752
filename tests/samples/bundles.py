"""Exports to tamper with, and what somebody who has one can do to it."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from rollback_drills.database.connections import Database
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.export.bundle import export
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.evidence.ledger.merkle import hash_leaf
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.bundle import verify_bundle
from rollback_drills.evidence.verify.findings import Verification
from tests.samples.builders import KEY, NOW
from tests.samples.tampering import fill, plain_row

COUNTS = (9, 1, 6, 4)  # heads over 10, 11, 17 and 21 rows


def make_exports(folder: Path) -> Path:
    """Export a ledger of 21 rows: all of them, and those of a period."""
    database = Database.open(f"sqlite:///{folder / 'drills.db'}")
    fill(database, COUNTS)
    export(database, Query(), folder / "all", key=KEY, exported_at=NOW, progress=lambda _: None)
    since, until = (write_instant(NOW + timedelta(hours=hours)) for hours in (5, 15))
    query = Query(since, until)
    export(database, query, folder / "period", key=KEY, exported_at=NOW, progress=lambda _: None)
    database.engine.dispose()
    return folder


def verified(folder: Path, trust: Trust | None = None) -> Verification:
    """Verify an export."""
    return verify_bundle(folder, trust or Trust(), lambda _: None)


def lines_of(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True)


def change_rows(change: Callable[[list[bytes]], object]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        lines = lines_of(folder / "rows.jsonl")
        change(lines)
        (folder / "rows.jsonl").write_bytes(b"".join(lines))

    return tamper


def change_both(change: Callable[[list[bytes]], object]) -> Callable[[Path], None]:
    """Change rows and tree alike, so that they fit each other."""

    def tamper(folder: Path) -> None:
        rows = lines_of(folder / "rows.jsonl")
        change(rows)
        (folder / "rows.jsonl").write_bytes(b"".join(rows))
        leaves = (b64encode(hash_leaf(row.rstrip(b"\n"))) for row in rows)
        (folder / "tree.txt").write_bytes(b"".join(b"row " + leaf + b"\n" for leaf in leaves))

    return tamper


def flip(lines: list[bytes]) -> None:
    lines[5] = lines[5].replace(b"delivered", b"deliverex")


def swap(lines: list[bytes]) -> None:
    lines[6], lines[7] = lines[7], lines[6]


def drop(lines: list[bytes]) -> None:
    del lines[5]


def repeat(lines: list[bytes]) -> None:
    lines.insert(8, lines[3])


def forge(lines: list[bytes]) -> None:
    lines.append(write_canonical({**plain_row(99), "leaf_index": 99}) + b"\n")


def cut(lines: list[bytes]) -> None:
    del lines[19:]


def garble(lines: list[bytes]) -> None:
    lines[5] = b"{\n"


def edit_file(name: str, old: str, new: str) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        content = (folder / name).read_text()
        assert old in content
        (folder / name).write_text(content.replace(old, new, 1))

    return tamper
