"""Exports that the tests of verification tamper with."""

import shutil
from pathlib import Path

import pytest

from tests.samples.bundles import make_exports


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export a ledger of 21 rows."""
    return make_exports(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def bundle(pristine: Path, tmp_path: Path) -> Path:
    """Return a copy of the export to tamper with."""
    return Path(shutil.copytree(pristine / "all", tmp_path / "bundle"))
