"""What the manifest of an export says, and who signed it, is compared with its files and its rows."""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.evidence.export.manifest import manifest_text
from rollback_drills.evidence.ledger.checkpoint import SignedNote
from rollback_drills.evidence.verify.bundle_files import BundleFiles
from rollback_drills.evidence.verify.findings import FindingKind as Kind
from tests.samples.builders import KEY
from tests.samples.bundles import change_rows, verified


def change_manifest(folder: Path, **changes: Any) -> None:
    """Change the manifest, and sign it with the key of the ledger."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    digest = sha256((folder / "manifest.json").read_bytes()).hexdigest()
    (folder / "manifest.sig").write_text(str(SignedNote.sign(manifest_text(digest), [KEY])))


LIMIT = 16 * 1024 * 1024
"""The bytes of the largest manifest, and of the most that is read of what was appended to a file."""


def grow(file: Path, by: int) -> str:
    """Append zeros to a file; return how a finding writes its sizes."""
    size = file.stat().st_size
    os.truncate(file, size + by)
    return f"{size + by:,} bytes instead of {size:,}"


@pytest.mark.parametrize("changes", [{"size": 20}, {"root": "A" * 43 + "="}])
def test_a_manifest_of_other_rows_is_found(changes: dict[str, Any], bundle: Path) -> None:
    change_manifest(bundle, **changes)

    (finding,) = verified(bundle).findings

    says = f"manifest.json speaks of {changes.get('size', 21)} rows"
    assert (finding.kind, finding.message) == (Kind.TRUNCATED, says)


def test_an_export_of_an_earlier_version_says_no_sizes(bundle: Path) -> None:
    change_manifest(bundle, sizes={})
    assert verified(bundle).is_intact

    with (bundle / "rows.jsonl").open("ab") as file:
        file.write(b"x\n")

    assert [each.message for each in verified(bundle).findings] == [
        "line 22 of rows.jsonl holds no record any more",
        "rows.jsonl is not the file that was exported",
    ]


def test_a_file_whose_size_is_not_said_is_read_to_its_end_beside_one_that_grew(bundle: Path) -> None:
    sizes = json.loads((bundle / "manifest.json").read_text())["sizes"]
    change_manifest(bundle, sizes={"tree.txt": sizes["tree.txt"]})
    with (bundle / "tree.txt").open("ab") as file:
        file.write(b"leaf x\n")

    result = verified(bundle)

    assert [each.message for each in result.findings] == ["tree.txt is not the file that was exported"]
    assert (result.size, result.head_count) == (21, 4)


def test_without_the_row_of_the_key_nobody_is_known_to_sign(bundle: Path) -> None:
    change_rows(lambda lines: lines.pop(0))(bundle)

    (found,) = [each.message for each in verified(bundle).findings if each.kind is Kind.WRONG_KEY]

    assert found.startswith("manifest.json is not signed by a key of the ledger that is in use")
    assert found.endswith("the key of the newest head is not known")


@pytest.mark.parametrize("place", ["sub/more.txt", "../more.txt"])
def test_a_file_of_another_folder_is_none_of_the_export(place: str, bundle: Path) -> None:
    (bundle / "sub").mkdir()
    (bundle / place).write_bytes(b"more")
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    change_manifest(bundle, files={**files, place: sha256(b"more").hexdigest()})

    messages = [each.message for each in verified(bundle).findings]

    assert f"{place} is missing" in messages


@pytest.mark.parametrize("content", [b"hello\n", b"\xff"])
def test_a_signature_that_cannot_be_read_signs_nothing(content: bytes, bundle: Path) -> None:
    (bundle / "manifest.sig").write_bytes(content)

    (finding,) = verified(bundle).findings

    assert finding.kind is Kind.WRONG_KEY
    assert finding.message.startswith("manifest.json is not signed by a key of the ledger")
    assert finding.message.endswith(f"the key of the newest head is {KEY.public.text}")


@pytest.mark.parametrize("name", ["rows.jsonl", "tree.txt", "checkpoints.txt", "report.html"])
def test_very_much_that_was_appended_to_a_file_is_not_read(name: str, bundle: Path) -> None:
    says = grow(bundle / name, LIMIT + 1)

    (finding,) = verified(bundle).findings

    assert finding.message == f"{name} is not the file that was exported: it has {says}"


@pytest.mark.parametrize(
    ("name", "also"),
    [("rows.jsonl", ["line 22 of rows.jsonl holds no record any more"]), ("report.html", [])],
)
def test_less_that_was_appended_to_a_file_is_read(name: str, also: list[str], bundle: Path) -> None:
    grow(bundle / name, LIMIT)

    messages = [each.message for each in verified(bundle).findings]

    assert messages == [*also, f"{name} is not the file that was exported"]


def test_a_file_that_is_read_in_part_is_closed(bundle: Path) -> None:
    grow(bundle / "tree.txt", LIMIT + 1)
    files = BundleFiles(bundle)
    before = os.listdir("/proc/self/fd")

    with files.open("tree.txt") as file:
        assert len(os.listdir("/proc/self/fd")) == len(before) + 1

    assert file.closed
    assert os.listdir("/proc/self/fd") == before


def test_a_file_that_has_less_than_no_bytes_is_not_read(bundle: Path) -> None:
    sizes = json.loads((bundle / "manifest.json").read_text())["sizes"]
    change_manifest(bundle, sizes={**sizes, "tree.txt": -1})
    grow(bundle / "tree.txt", LIMIT)

    first, *_ = verified(bundle).findings

    assert first.message == "rows 0 to 20 are missing at the end; 21 rows were signed"


def test_a_manifest_has_at_most_16_mebibytes(bundle: Path) -> None:
    content = (bundle / "manifest.json").read_text()

    (bundle / "manifest.json").write_text(content.ljust(LIMIT))
    (finding,) = verified(bundle).findings
    assert finding.message == "manifest.json was changed after it was signed"

    (bundle / "manifest.json").write_text(content.ljust(LIMIT + 1))
    with pytest.raises(UsageError, match="is not a manifest of an export"):
        verified(bundle)


@pytest.mark.parametrize("name", ["x" * 300, "nul\0"])
def test_a_name_that_no_file_can_have_is_missing(name: str, bundle: Path) -> None:
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    change_manifest(bundle, files={**files, name: "0" * 64})

    (finding,) = verified(bundle).findings

    assert (finding.kind, finding.message.endswith(" is missing")) == (Kind.REMOVED, True)


@pytest.mark.parametrize("more", ["\N{EM DASH} somebody AAAA\n", None])
def test_a_signature_beside_that_of_the_export_is_found(bundle: Path, more: str | None) -> None:
    text = (bundle / "manifest.sig").read_text()
    (bundle / "manifest.sig").write_text(text + (more or text.splitlines(keepends=True)[-1]))

    (finding,) = verified(bundle).findings

    says = "manifest.sig holds more than the signature of the export"
    assert (finding.kind, finding.message) == (Kind.CHANGED, says)
