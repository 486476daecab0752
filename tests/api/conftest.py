"""An API over documents and evidence that were made as the flows make them, asked in this process."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rollback_drills.access.api_token import ApiToken, Scope, issue_token
from rollback_drills.settings import Settings
from rollback_drills_api.app import build_app
from rollback_drills_api.options import ApiOptions
from tests.samples.builders import DRILL, SCHEDULE
from tests.samples.databases import open_sqlite
from tests.samples.world import World

NOTIFICATIONS = "/runtime/go-pilot/rollback-drill-notifications"
DRILLS = "/runtime/go-pilot/rollback-drills"
WRITES = (
    f"{NOTIFICATIONS}/deliver",
    f"{NOTIFICATIONS}/payments/acknowledgements",
    f"{NOTIFICATIONS}/acknowledgements/bulk",
    f"{NOTIFICATIONS}/payments/exceptions",
    DRILLS,
)


def overdue(schedule_id: str = "payments") -> dict[str, Any]:
    """Make a schedule that was due yesterday."""
    due = datetime.now(UTC) - timedelta(days=1)
    return {**SCHEDULE, "schedule_id": schedule_id, "next_due_at": due.isoformat(timespec="seconds")}


def performed() -> dict[str, Any]:
    """Make an accepted drill of last week."""
    executed_at = datetime.now(UTC) - timedelta(days=7)
    return {**DRILL, "executed_at": executed_at.isoformat(timespec="seconds")}


@dataclass
class Keys:
    """A token of each scope, and one whose time is over."""

    kept: list[ApiToken] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, scope: Scope, expires_at: datetime | None = None) -> None:
        """Issue one."""
        token, self.secrets[name] = issue_token(name, scope, expires_at)
        self.kept.append(token)

    def header(self, name: str) -> dict[str, str]:
        """Return the header that a caller sends."""
        return {"authorization": f"Bearer {self.secrets[name]}"}


@pytest.fixture
def keys() -> Keys:
    """Issue tokens."""
    issued = Keys()
    for scope in Scope:
        issued.add(f"{scope}er", scope)
    issued.add("bygone", Scope.ADMIN, datetime.now(UTC) - timedelta(seconds=1))
    return issued


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an overdue schedule, and evidence of a check that told its owners an hour and a half ago."""
    folder = tmp_path_factory.mktemp("served")
    schedule = overdue()  # once: its due time, to the second, is what the cycle is named after
    (folder / "schedule.json").write_text(json.dumps(schedule))
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [performed()]}
    (folder / "history.json").write_text(json.dumps(history))
    database = open_sqlite(folder / "evidence.db")
    World(database, schedule, now=datetime.now(UTC) - timedelta(minutes=90)).check()
    database.engine.dispose()
    return folder


@pytest.fixture
def options(served: Path, tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> ApiOptions:
    """Serve a copy of the documents and the evidence."""
    shutil.copytree(served, tmp_path, dirs_exist_ok=True)
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    monkeypatch.setenv("DRILLS_DATABASE_URL", url)  # where flows in this process write
    settings = Settings(
        schedule=str(tmp_path / "schedule.json"), history=str(tmp_path / "history.json"), database_url=url
    )
    return ApiOptions(
        lambda: keys.kept,
        settings,
        is_embedded=True,
        allowed_hosts=("testserver",),
        requests_per_second=10_000,
    )


def client_of(options: ApiOptions, **changes: Any) -> TestClient:
    """Return a client of an application; to be used in a `with`."""
    return TestClient(build_app(replace(options, **changes)), raise_server_exceptions=False)


@pytest.fixture
def client(options: ApiOptions, keys: Keys) -> Iterator[TestClient]:
    """Ask as somebody who may read."""
    with client_of(options) as opened:
        opened.headers |= keys.header("reader")
        yield opened
