"""What the manifest of an export says, and who signed it, is compared with its files and its rows."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.evidence.export.manifest import manifest_text
from rollback_drills.evidence.ledger.checkpoint import SignedNote
from rollback_drills.evidence.verify.findings import FindingKind as Kind
from tests.samples.builders import KEY
from tests.samples.bundles import change_rows, verified


def change_manifest(folder: Path, **changes: Any) -> None:
    """Change the manifest, and sign it with the key of the ledger."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    digest = sha256((folder / "manifest.json").read_bytes()).hexdigest()
    (folder / "manifest.sig").write_text(str(SignedNote.sign(manifest_text(digest), [KEY])))


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
