"""Commands on a database of their own."""

from pathlib import Path

import pytest

from tests.samples.commands import Drills


@pytest.fixture
def drills(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Drills:
    """Return what calls `drills evidence`; its database is evidence.db in the folder of the test."""
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    monkeypatch.setenv("COLUMNS", "160")
    return Drills(capsys, monkeypatch)
