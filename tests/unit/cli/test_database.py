"""What commands say about a database that is not there yet."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import show_place
from rollback_drills.database.versions import NEWEST
from rollback_drills.errors import UsageError
from rollback_drills_cli.database import open_existing, open_outbox
from tests.samples.commands import drills


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:s3cr3t@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql+psycopg://me@host/db?password=s3cr3t", "postgresql+psycopg://me@host/db"),
        ("sqlite:////srv/my evidence.db", "sqlite:////srv/my evidence.db"),
    ],
)
def test_a_database_is_shown_without_its_password(url: str, shown: str) -> None:
    assert show_place(url) == shown


@pytest.mark.parametrize("open_it", [open_existing, open_outbox])
def test_what_is_missing_is_named_without_its_password(
    open_it: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "open_existing", lambda *_: None)
    monkeypatch.setattr("rollback_drills.evidence.index.EvidenceIndex.open_existing", lambda *_: None)

    with pytest.raises(UsageError, match=r"me:\*\*\*@host") as raised:
        open_it("postgresql+psycopg://me:s3cr3t@host/db")

    assert "s3cr3t" not in str(raised.value)


def test_an_upgrade_creates_the_database_if_that_is_asked_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'evidence.db'}"

    refused = drills("evidence", "upgrade", cwd=tmp_path, DRILLS_DATABASE_URL=url)
    assert (refused.returncode, list(tmp_path.iterdir())) == (2, [])

    for said in (f"Created the database, with schema version {NEWEST}", "already"):
        done = drills("evidence", "upgrade", "--create", cwd=tmp_path, DRILLS_DATABASE_URL=url)
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout
