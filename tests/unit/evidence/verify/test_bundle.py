import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.export.bundle import export
from rollback_drills.evidence.export.manifest import Query, manifest_text
from rollback_drills.evidence.ledger.checkpoint import Checkpoint, SignedNote
from rollback_drills.evidence.ledger.merkle import Frontier, hash_leaf
from rollback_drills.evidence.rotation import rotate_key
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.bundle import verify_bundle
from rollback_drills.evidence.verify.findings import FindingKind as Kind
from tests.checkout import ROOT
from tests.samples.builders import KEY, NOW
from tests.samples.bundles import (
    change_both,
    change_rows,
    cut,
    drop,
    edit_file,
    flip,
    forge,
    garble,
    lines_of,
    repeat,
    swap,
    verified,
)
from tests.samples.tampering import OTHER_KEY, fill

case = pytest.param


def sign_again(folder: Path) -> None:
    """Sign every head with another key."""
    notes = (folder / "checkpoints.txt").read_text().split("\n\n")
    texts = [each + "\n" for each in notes[::2] if each.strip()]
    signed = (str(SignedNote.sign(text, [OTHER_KEY])) for text in texts)
    (folder / "checkpoints.txt").write_text("".join(f"{note}\n" for note in signed))


def fork(folder: Path) -> None:
    """Let the newest head, with a good signature, speak of another history."""
    head = Checkpoint(KEY.name, 21, bytes(32))
    notes = (folder / "checkpoints.txt").read_text().split("\n\n")
    last = str(SignedNote.sign(head.text, [KEY]))
    (folder / "checkpoints.txt").write_text("\n\n".join(notes[:6]) + "\n\n" + last + "\n")


def sign_manifest_again(folder: Path) -> None:
    """Edit the report, and make a manifest that fits, signed with another key."""
    edit_file("report.html", "slack", "email")(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["report.html"] = sha256((folder / "report.html").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    digest = sha256((folder / "manifest.json").read_bytes()).hexdigest()
    (folder / "manifest.sig").write_text(str(SignedNote.sign(manifest_text(digest), [OTHER_KEY])))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tamper", "kind", "says"),
    [
        case(change_rows(flip), Kind.CHANGED, "row 5 was changed", id="flip"),
        case(change_rows(garble), Kind.CHANGED, "line 6 of rows.jsonl holds no record", id="garble"),
        case(change_rows(drop), Kind.REMOVED, "row 5 is missing", id="drop"),
        case(
            change_rows(repeat),
            Kind.INSERTED,
            "line 9 of rows.jsonl is row 3 again",
            id="insert a copy",
        ),
        case(change_rows(forge), Kind.INSERTED, "says it is row 99", id="insert at the end"),
        case(change_rows(swap), Kind.REORDERED, "row 6 stands behind row 7", id="reorder"),
        case(change_rows(cut), Kind.TRUNCATED, "rows 19 to 20 are missing at the end", id="truncate"),
        case(change_both(flip), Kind.FORKED, "rows 0 to 9 are not what was signed", id="flip in both"),
        case(change_both(drop), Kind.REMOVED, "row 6 stands at place 5", id="drop in both"),
        case(change_both(repeat), Kind.INSERTED, "row 3 stands at place 8", id="insert in both"),
        case(change_both(swap), Kind.REMOVED, "row 7 stands at place 6", id="reorder in both"),
        case(
            change_both(cut),
            Kind.TRUNCATED,
            "rows 19 to 20 are missing at the end",
            id="truncate both",
        ),
        case(fork, Kind.FORKED, "rows 17 to 20 are not what was signed; up to row 17", id="fork"),
        case(
            sign_again,
            Kind.WRONG_KEY,
            "the head over 10 rows is not signed by",
            id="sign with another key",
        ),
        case(
            edit_file("report.html", "slack", "email"),
            Kind.CHANGED,
            "report.html is not the file that was exported",
            id="report",
        ),
        case(
            edit_file("evidence.csv", "slack", "email"),
            Kind.CHANGED,
            "evidence.csv is not",
            id="table",
        ),
        case(
            edit_file("manifest.json", '"size": 21', '"size": 20'),
            Kind.CHANGED,
            "manifest.json was changed after it was signed",
            id="manifest",
        ),
        case(
            sign_manifest_again,
            Kind.WRONG_KEY,
            "manifest.json is not signed by a key of the ledger",
            id="manifest signed with another key",
        ),
        case(
            lambda folder: (folder / "report.html").unlink(),
            Kind.REMOVED,
            "report.html is missing",
            id="no report",
        ),
    ],
)
def test_what_was_done_to_an_export_is_found_and_named(
    tamper: Callable[[Path], None], kind: Kind, says: str, bundle: Path
) -> None:
    assert verified(bundle).is_intact
    tamper(bundle)

    result = verified(bundle)

    assert any(each.kind is kind and says in each.message for each in result.findings), result.findings


def test_a_row_that_fits_its_tree_and_holds_no_record_is_found(bundle: Path) -> None:
    change_both(garble)(bundle)

    found = {each.kind for each in verified(bundle).findings}

    assert Kind.FORKED in found, found


def make_period(bundle: Path, indexes: set[int], pristine: Path) -> None:
    """Make an export of a period show only some of its rows, with a manifest that fits."""
    frontier, place = Frontier(), 0
    rows = {json.loads(line)["leaf_index"]: line for line in lines_of(pristine / "all/rows.jsonl")}
    tree = []
    for place in range(21):
        leaf = hash_leaf(rows[place].rstrip(b"\n"))
        frontier.add_leaf(leaf)
        word = b"row " if place in indexes else b"fold 0 "
        tree.append(word + b64encode(leaf) + b"\n")
    (bundle / "tree.txt").write_bytes(b"".join(tree))
    (bundle / "rows.jsonl").write_bytes(b"".join(rows[index] for index in sorted(indexes)))
    manifest = json.loads((bundle / "manifest.json").read_text())
    for name in ("rows.jsonl", "tree.txt"):
        manifest["files"][name] = sha256((bundle / name).read_bytes()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    digest = sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    (bundle / "manifest.sig").write_text(str(SignedNote.sign(manifest_text(digest), [KEY])))


PERIOD = {0, *range(5, 17)}
"""The hours 5 to 14 are the rows 6 to 15; with them come row 0, and the rows before and after."""


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        case(PERIOD, "", id="all of it"),
        case(PERIOD - {9}, "rows between row 5 and row 10 are left out of the period", id="one left out"),
        case(PERIOD - {5}, "rows before row 6 are left out of the period", id="the row before left out"),
        case(PERIOD - {5, 6, 7}, "rows before row 8 are left out of the period", id="the beginning left out"),
        case(PERIOD - {16}, "rows at the end of the period are left out", id="the row after left out"),
        case(PERIOD - {14, 15, 16}, "rows at the end of the period are left out", id="the end left out"),
    ],
)
def test_an_export_of_a_period_holds_all_of_it(
    shown: set[int], says: str, pristine: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(pristine / "period", tmp_path / "bundle"))
    make_period(bundle, shown, pristine)

    result = verified(bundle)

    assert [each.message for each in result.findings] == [says] * bool(says)


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def link_memory(name: str) -> Callable[[Path], None]:
    """Put a file of Linux in place of another one that can be opened and not be read."""

    def tamper(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to("/proc/self/mem")

    return tamper


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        case(shutil.rmtree, "^BUNDLE is not a folder", id="nothing there"),
        case(
            lambda b: (b / "manifest.json").unlink(),
            "^BUNDLE is not an export of evidence: manifest.json is missing",
            id="no manifest",
        ),
        case(
            write("manifest.json", b"{}"),
            "^BUNDLE/manifest.json is not a manifest of an export: Object missing required field",
            id="empty manifest",
        ),
        case(write("manifest.json", b"\xff"), "is not a manifest", id="manifest of bytes"),
        case(write("manifest.json", b'{"origin": "\xff"}'), "is not a manifest", id="manifest not in UTF-8"),
        case(write("manifest.json", b'{"x": ' + b"[" * 100_000), "is not a manifest", id="deep manifest"),
        case(
            link_memory("rows.jsonl"),
            "^BUNDLE cannot be read: input/output error$",
            id="a file that fails when it is read",
        ),
        case(
            link_memory("manifest.json"),
            "^BUNDLE/manifest.json cannot be read: input/output error$",
            id="a manifest that fails when it is read",
        ),
    ],
)
def test_what_is_no_export_is_one_message(
    break_it: Callable[[Path], object], problem: str, bundle: Path
) -> None:
    break_it(bundle)

    with pytest.raises(UsageError, match=problem.replace("BUNDLE", re.escape(str(bundle)))):
        verified(bundle)


def put_pipe(folder: Path) -> None:
    (folder / "rows.jsonl").unlink()
    os.mkfifo(folder / "rows.jsonl")


def put_entry(folder: Path) -> None:
    """Put a line that is no entry into the tree, behind the entries of five leaves."""
    lines = lines_of(folder / "tree.txt")
    (folder / "tree.txt").write_bytes(b"".join([*lines[:5], b"pruned 3 " + b"A" * 43 + b"=\n", *lines[5:]]))


@pytest.mark.parametrize(
    ("break_it", "name", "says"),
    [
        case(lambda b: (b / "tree.txt").unlink(), "tree.txt", "is missing", id="no tree"),
        case(lambda b: (b / "rows.jsonl").unlink(), "rows.jsonl", "is missing", id="no rows"),
        case(lambda b: (b / "checkpoints.txt").unlink(), "checkpoints.txt", "is missing", id="no heads"),
        case(put_pipe, "rows.jsonl", "is missing", id="a pipe"),
        case(put_entry, "tree.txt", "cannot be read at leaf 5", id="an entry without a place"),
        case(write("tree.txt", b"leaf x\n"), "tree.txt", "cannot be read at leaf 0", id="a word"),
        case(
            write("tree.txt", b"fold 999999999999 " + b"A" * 43 + b"=\n"),
            "tree.txt",
            "cannot be read at leaf 0",
            id="a level",
        ),
        case(write("tree.txt", b"fold 99999999 AAAA\n"), "tree.txt", "ends with no hash", id="huge"),
        case(write("tree.txt", b"row \xff\xfe\n"), "tree.txt", "ends with no hash", id="bytes"),
        case(
            write("tree.txt", b"fold 0 " + b"A" * 43 + b"=!\n"),
            "tree.txt",
            "ends with no hash",
            id="a hash and more",
        ),
        case(write("checkpoints.txt", b"hello\n"), "checkpoints.txt", "no signed notes", id="no notes"),
        case(write("checkpoints.txt", b"\xff"), "checkpoints.txt", "is not UTF-8", id="heads of bytes"),
    ],
)
def test_a_file_of_an_export_that_holds_something_else_is_found(
    break_it: Callable[[Path], object], name: str, says: str, bundle: Path
) -> None:
    break_it(bundle)

    first, *others = verified(bundle).findings

    assert first.message.startswith(f"{name} ")
    assert says in first.message
    assert [each.message.partition(" is ")[0] for each in others] == [name]


def test_progress_is_reported_from_the_first_row_on(bundle: Path) -> None:
    reported: list[int] = []

    assert verify_bundle(bundle, Trust(), reported.append).is_intact

    assert reported == [0]


def test_a_file_to_which_nothing_was_appended_is_read_once(bundle: Path) -> None:
    reported: list[int] = []
    (bundle / "tree.txt").write_bytes(b"leaf x\n")

    assert not verify_bundle(bundle, Trust(), reported.append).is_intact

    assert reported == [0]


def test_a_manifest_without_a_signature_is_found(bundle: Path) -> None:
    (bundle / "manifest.sig").unlink()

    (finding,) = verified(bundle).findings

    assert (finding.kind, finding.message[:23]) == (Kind.REMOVED, "manifest.sig is missing")


def test_a_head_in_a_part_that_is_left_out_is_not_compared_in_silence(pristine: Path) -> None:
    with pytest.raises(UsageError, match="in a part that this export leaves out"):
        verified(pristine / "period", Trust([("mine", Checkpoint(KEY.name, 3, bytes(32)))]))


def link_report(folder: Path) -> None:
    """Put a link in place of a file, with the same content behind it."""
    (folder / "report.html").rename(folder.parent / "elsewhere.html")
    (folder / "report.html").symlink_to(folder.parent / "elsewhere.html")


@pytest.mark.parametrize(
    ("add", "kind", "says"),
    [
        case(
            write("base64.py", b"import os"),
            Kind.INSERTED,
            "base64.py is not part of the export",
            id="module",
        ),
        case(write(".hidden", b""), Kind.INSERTED, ".hidden is not part of the export", id="dot file"),
        case(lambda b: (b / "more").mkdir(), Kind.INSERTED, "more is not part of the export", id="folder"),
        case(lambda b: os.mkfifo(b / "pipe"), Kind.INSERTED, "pipe is not part of the export", id="pipe"),
        case(
            lambda b: (b / "passwd").symlink_to("/etc/passwd"),
            Kind.INSERTED,
            "passwd is not",
            id="foreign link",
        ),
        case(write("a\x1b[31m", b""), Kind.INSERTED, r"a\x1b[31m is not", id="escape sequence"),
        case(lambda b: os.mkdir(os.fsencode(b) + b"/\xff"), Kind.INSERTED, r"\udcff is not", id="no UTF-8"),
        case(link_report, Kind.CHANGED, "report.html is a link", id="link"),
    ],
)
def test_what_is_not_of_the_export_is_found(
    add: Callable[[Path], object], kind: Kind, says: str, bundle: Path
) -> None:
    add(bundle)

    (finding,) = verified(bundle).findings

    assert finding.kind is kind
    assert finding.message.startswith(says)
    finding.message.encode()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.jsonl", "tree.txt", "checkpoints.txt", "report.html", "evidence.csv"])
def test_a_file_that_grew_to_terabytes_is_a_finding_within_little_memory(name: str, bundle: Path) -> None:
    size = (bundle / name).stat().st_size
    os.truncate(bundle / name, 2**42)

    (finding,) = in_little_memory(bundle)["findings"]

    assert finding["message"] == (
        f"{name} is not the file that was exported: it has 4,398,046,511,104 bytes instead of {size:,}"
    )


@pytest.mark.slow
def test_a_signature_that_grew_to_terabytes_is_none(bundle: Path) -> None:
    os.truncate(bundle / "manifest.sig", 2**42)

    (finding,) = in_little_memory(bundle)["findings"]

    assert finding["message"].startswith("manifest.json is not signed by a key of the ledger")


def test_a_manifest_that_grew_to_terabytes_is_none(bundle: Path) -> None:
    os.truncate(bundle / "manifest.json", 2**42)

    with pytest.raises(UsageError, match="is not a manifest of an export"):
        verified(bundle)


def in_little_memory(bundle: Path) -> Any:
    """Verify in a process that may take half a gigabyte."""
    script = (
        "import msgspec, resource, sys; from pathlib import Path\n"
        "from rollback_drills.evidence.verify.auditor import Trust\n"
        "from rollback_drills.evidence.verify.bundle import verify_bundle\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))\n"
        "report = verify_bundle(Path(sys.argv[1]), Trust(), lambda _: None).report()\n"
        "print(msgspec.json.encode(report).decode())"
    )
    command = [sys.executable, "-c", script, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "line",
    [
        case(b"[" * 100_000 + b"]" * 100_000, id="deep"),
        case(b"\xff\xfe", id="no UTF-8"),
        case(b'{"leaf_index": 1e999}', id="infinite"),
        case(b"x" * 70_000_000, id="a line of 70 MB", marks=pytest.mark.slow),
    ],
)
def test_a_row_that_no_reader_takes_is_a_finding(line: bytes, bundle: Path) -> None:
    def put(lines: list[bytes]) -> None:
        lines[5] = line + b"\n"

    change_rows(put)(bundle)

    assert any("line 6 of rows.jsonl holds no record" in each.message for each in verified(bundle).findings)


def test_a_key_that_was_replaced_signs_no_exports(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (3,))
    rotate_key(
        database,
        is_lost=False,
        created_at=NOW + timedelta(hours=3),
        signer="maria",
        open_key=lambda _: KEY,
        make_key=lambda _: OTHER_KEY,
    )
    fill(database, (4,), start=4, key=OTHER_KEY)
    bundle = tmp_path / "bundle"
    query = Query(write_instant(NOW + timedelta(hours=6)))
    export(database, query, bundle, key=OTHER_KEY, exported_at=NOW, progress=lambda _: None)
    assert verified(bundle, Trust(public_key=KEY.public)).findings == []

    digest = sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    (bundle / "manifest.sig").write_text(str(SignedNote.sign(manifest_text(digest), [KEY])))

    (finding,) = verified(bundle).findings
    assert finding.kind is Kind.WRONG_KEY
    assert "manifest.json is not signed by a key of the ledger that is in use" in finding.message
