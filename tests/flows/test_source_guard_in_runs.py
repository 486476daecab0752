"""The guard of the source in runs on a real Prefect server: ten histories vanish and come back."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from flows.drill_check import drill_check
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import DECISION_KIND, TRUSTED_KIND, UNTRUSTED_KIND
from rollback_drills_cli.main import app
from tests.samples.builders import DRILL

pytestmark = pytest.mark.usefixtures("prefect_server")
COUNT = 10
FIRST, LATER, TOO_LATE = "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "2026-12-21T09:00:00Z"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Write ten schedules that are up to date by their histories."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    for number in range(COUNT):
        schedule = {
            "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
            "schedule_id": f"service-{number:02}",
            "environment": "production",
            "status": "active",
            "interval_days": 30,
            "owners": [f"team-{number:02}"],
            "notification_providers": ["webhook"],
            "runbook_ref": "docs/runbook.md",
        }
        (folder / f"service-{number:02}.schedule.json").write_text(json.dumps(schedule))
    put_histories(folder)
    return folder


def put_histories(folder: Path) -> None:
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    for number in range(COUNT):
        (folder / f"service-{number:02}.history.json").write_text(json.dumps(history))


def remove_histories(folder: Path) -> None:
    for path in folder.glob("*.history.json"):
        path.unlink()


def check(folder: Path, as_of: str, **changes: Any) -> State[Any]:
    state: State[Any] = drill_check(schedule=str(folder), as_of=as_of, return_state=True, **changes)
    return state


def told(receiver: HTTPServer) -> list[dict[str, Any]]:
    """Return what was brought since the last time, without what the evidence adds."""
    bodies = [json.loads(request.data) for request, _ in receiver.log]
    receiver.clear_log()
    return bodies


def count_rows(url: str, kind: str) -> int:
    return EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=kind))[1]


def test_ten_histories_that_vanish_are_one_notice_to_the_platform_owner(
    url: str, receiver: HTTPServer, fleet: Path
) -> None:
    assert check(fleet, FIRST).name == "Ready"
    assert told(receiver) == []

    remove_histories(fleet)
    dry = check(fleet, LATER, dry_run=True)
    assert "history untrusted" in (dry.message or "")
    assert told(receiver) == []
    state = check(fleet, LATER)

    assert state.name == "NeedsAttention"  # the readiness is what it is
    assert "; history untrusted (service-00: its history is missing, and the evidence knows 1 drill" in (
        state.message or ""
    )
    assert "likewise 9 more" in (state.message or "")
    (notice,) = told(receiver)
    assert notice["event_type"] == "cavra.go_backend.rollback_drill.history_untrusted"
    assert notice["title"] == "Drill history not trusted: 10 schedules"
    decisions, total = EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=DECISION_KIND), limit=COUNT)
    assert total == 2 * COUNT
    assert Counter((each["action"], each["category"]) for each in decisions) == {("suppress", "other"): COUNT}
    rows, _ = EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=UNTRUSTED_KIND), limit=100)
    assert Counter(each["sign"] for each in rows) == {"vanished": COUNT, "too_many_turned_bad": COUNT}
    pages = artifacts_of("rollback-drill-fleet")
    assert "## History untrusted: 10 schedules" in pages[0]
    assert "**History untrusted:** its history is missing" in artifacts_of("rollback-drill-service-07")[0]

    assert "history untrusted" in (check(fleet, LATER).message or "")
    assert told(receiver) == []
    assert count_rows(url, UNTRUSTED_KIND) == 2 * COUNT

    put_histories(fleet)
    state = check(fleet, LATER)

    assert (state.name, "history untrusted" in (state.message or "")) == ("Ready", False)
    (resolved,) = told(receiver)
    assert (resolved["title"], resolved["alert_level"]) == ("Drill history trusted again", "healthy")
    assert count_rows(url, TRUSTED_KIND) == COUNT

    assert check(fleet, TOO_LATE).name == "NeedsAttention"
    assert sorted(each["owners"][0] for each in told(receiver)) == [f"team-{n:02}" for n in range(COUNT)]


def artifacts_of(key: str) -> list[str]:
    """Return the pages of an artifact, the newest first."""
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 10}
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/filter", json=wanted).json()
    return [each["data"] for each in found]


def test_a_person_confirms_that_the_histories_are_right(
    url: str, receiver: HTTPServer, fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLS_PLATFORM_OWNER", "sre")
    for path in [*fleet.glob("service-[12]*"), *fleet.glob("service-0[6-9]*")]:
        path.unlink()
    check(fleet, FIRST)
    remove_histories(fleet)
    check(fleet, LATER)
    (notice,) = told(receiver)
    assert notice["title"].startswith("Drill history not trusted")

    confirm = ("trust", "--all", "--by", "maria", "--reason", "the drills were of another system")
    result = CliRunner().invoke(app, list(confirm))
    assert result.exit_code == 0, result.output
    assert "maria has confirmed the drill history of service-00, service-01" in result.output
    assert CliRunner().invoke(app, list(confirm)).exit_code == 1  # there is nothing left to confirm

    state = check(fleet, LATER)
    assert "history untrusted" not in (state.message or "")
    titles = Counter(each["title"] for each in told(receiver))
    assert titles.pop("Drill history trusted again") == 1
    assert titles.total() == 6


def test_a_provider_that_nobody_knows_fails_the_run(
    url: str, receiver: HTTPServer, fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLS_PLATFORM_PROVIDERS", "webhook, pagerdooty")

    state = check(fleet, FIRST)

    assert state.is_failed()
    assert "DRILLS_PLATFORM_PROVIDERS names pagerdooty, which is unknown" in (state.message or "")
