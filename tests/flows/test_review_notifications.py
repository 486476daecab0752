"""The weekly review on a real Prefect server."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.flows import load_flow_from_entrypoint

from flows.review_notifications import review_notifications
from rollback_drills.database.connections import Database
from rollback_drills.redaction.redactor import remember_secrets
from tests.samples.ledgers import WINDOW, append_plan, at

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)


def artifacts() -> dict[str, Any]:
    """Return the newest artifact of each key of the review."""
    with get_client(sync_client=True) as client:
        body = {"sort": "ID_DESC", "artifacts": {"key": {"like_": "rollback-drill-review"}}}
        found = client.request("POST", "/artifacts/latest/filter", json=body).json()
    return {each["key"]: each for each in found}


def test_the_review_is_published_as_a_page_and_a_table(url: str) -> None:
    append_plan(Database.open(url), at("2026-12-30"), maintenance_windows=[WINDOW])

    state = review_notifications(weeks=2, as_of=NOW, return_state=True)

    assert (state.type.value, state.name) == ("COMPLETED", "Reviewed")
    assert state.message == (
        "2 of 4 route decisions notified nobody from 2026-12-28T00:00:00+00:00 to 2027-01-05T12:00:00+00:00."
    )
    trend: Any = state.result()
    assert [each["suppression_event_count"] for each in trend["weeks"]] == [2, 0]
    assert trend["generated_by"] == "review-notifications"
    found = artifacts()
    assert "| 2026-W53 | 2026-12-28 | 4 | 2 |" in found["rollback-drill-review"]["data"]
    assert '"week": "2026-W53"' in found["rollback-drill-review-weeks"]["data"]


def test_a_review_without_evidence_is_empty_and_creates_nothing(url: str, tmp_path: Path) -> None:
    state = review_notifications(weeks=1, as_of=NOW.replace(tzinfo=None), return_state=True)

    assert state.name == "Reviewed"
    assert state.message is not None
    assert state.message.startswith("No route was decided")
    assert "2027-W01 (in part)" in artifacts()["rollback-drill-review"]["data"]
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_be_used_fails_the_run_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evidence.db").write_bytes(b"this is no database " * 100)
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")

    state = review_notifications(as_of=NOW, return_state=True)

    assert state.is_failed()
    assert state.message is not None
    assert "evidence.db cannot be used" in state.message


def test_a_secret_in_use_is_in_neither_page_nor_table(url: str) -> None:
    secret = "hunter2-Hunter2-hunter2"
    append_plan(
        Database.open(url), at("2026-12-30"), owners=[secret], maintenance_windows=[{**WINDOW, "owners": []}]
    )
    remember_secrets([secret])

    state = review_notifications(as_of=NOW, return_state=True)

    assert state.is_completed()
    assert "[redacted]" in artifacts()["rollback-drill-review"]["data"]
    assert all(secret not in str(each["data"]) for each in artifacts().values())
    assert secret not in str(state.result())


def test_the_entrypoint_of_the_deployment_loads() -> None:
    entrypoint = "flows/review_notifications.py:review_notifications"

    flow: Flow[Any, Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)

    assert flow.name == "review-notifications"
    properties = flow.parameters.properties
    assert properties["weeks"]["default"] == 12
    assert "including the current one" in properties["weeks"]["description"]
