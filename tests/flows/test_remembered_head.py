"""Evidence that went back behind what the Prefect server remembers of it, as runs and `verify` find it."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from rollback_drills.database.connections import Database
from rollback_drills.evidence.heads import Head, find_head
from rollback_drills.evidence.record_kinds import SETBACK_KIND
from rollback_drills.reports.pages.artifact_keys import FLEET_KEY, artifact_key
from rollback_drills_cli.main import app
from tasks import evidence
from tasks.background import aside
from tasks.head_artifact import head_key, recall
from tasks.remembered_head import Comparison
from tests.bench.unchanged_runs import counting_requests
from tests.samples.builders import SCHEDULE
from tests.samples.populations import records

pytestmark = pytest.mark.usefixtures("prefect_server")
MISSING = "evidence is missing: the Prefect server remembers the head"
LATE = {
    **SCHEDULE,
    "next_due_at": "2026-11-01T09:00:00Z",
    "owners": ["team"],
    "notification_providers": ["webhook"],
}


@pytest.fixture
def fleet(tmp_path: Path) -> str:
    return write(tmp_path, {**LATE, "schedule_id": "payments"}, {**LATE, "schedule_id": "billing"})


def write(folder: Path, *schedules: Mapping[str, Any]) -> str:
    path = folder / "fleet.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in schedules))
    return str(path)


def write_more(folder: Path, *names: str) -> None:
    """Let further drills be late, so that a check has news."""
    write(folder, *({**LATE, "schedule_id": each} for each in ("payments", "billing", *names)))


def drills(*arguments: str) -> tuple[int, str]:
    """Run a command, and return its exit code and what it printed."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output + str(result.exception or "")


def check(fleet: str, **parameters: Any) -> Any:
    return drill_check(schedule=fleet, return_state=True, **parameters)


def newest(url: str) -> Head:
    head = find_head(Database.open(url))
    assert head
    return head


def put(url: str, copy: Path) -> None:
    """Put a copy in the place of the database, as somebody who restores a backup."""
    file = Path(url.removeprefix("sqlite:///"))
    evidence._share(url).engine.dispose()
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    shutil.copy(copy, file)


def page(key: str) -> str:
    with get_client(sync_client=True) as client:
        found = client.request(
            "POST", "/artifacts/latest/filter", json={"artifacts": {"key": {"any_": [key]}}}
        ).json()
    return str(found[0]["data"])


def test_a_restored_backup_is_said_once(fleet: str, tmp_path: Path, url: str, receiver: HTTPServer) -> None:
    check(fleet, provider="all")
    drills("evidence", "backup", str(tmp_path / "backup.db"))
    size = newest(url).checkpoint.size
    write_more(tmp_path, "search")
    check(fleet)
    lost = newest(url).checkpoint
    put(url, tmp_path / "backup.db")

    said = check(fleet)
    head_of_it = newest(url).checkpoint
    after = check(fleet)

    assert said.is_failed()
    assert f"{MISSING} {lost.short}" in said.message
    assert f"and this database has {size} rows, up to " in said.message
    assert MISSING in page(FLEET_KEY).replace("\\", "")
    assert len(receiver.log) == 4, "nobody is forgotten: the third schedule was notified again"
    assert not after.is_failed()
    assert MISSING not in after.message
    (recorded,) = records(Database.open(url), SETBACK_KIND)
    assert (recorded["remembered_head"], recorded["row_count"]) == (lost.short, size)
    remembered = recall(newest(url).checkpoint.origin).head
    assert remembered
    assert remembered.checkpoint == head_of_it


def test_a_copy_that_went_on_is_another_ledger(
    fleet: str, tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    check(fleet)
    drills("evidence", "backup", str(tmp_path / "backup.db"))
    write_more(tmp_path, "search", "orders", "ledger")
    for _ in range(3):
        check(fleet)
    drills("evidence", "backup", str(tmp_path / "newer.db"))
    put(url, tmp_path / "backup.db")
    assert MISSING in check(fleet).message

    put(url, tmp_path / "newer.db")
    said = check(fleet)

    assert "rows of this database are others" in said.message
    assert check(fleet).name == "NeedsAttention"


def test_the_newer_copy_is_missed_by_every_follow_up_until_a_check_has_said_so(
    fleet: str, tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    check(fleet)
    drills("evidence", "backup", str(tmp_path / "backup.db"))
    write_more(tmp_path, "search")
    check(fleet)
    drills("evidence", "backup", str(tmp_path / "newer.db"))
    put(url, tmp_path / "backup.db")

    for _ in range(2):
        state = escalate_unacknowledged(schedule=fleet, return_state=True)
        assert state.is_failed()
        assert MISSING in (state.message or "")
    put(url, tmp_path / "newer.db")

    assert escalate_unacknowledged(schedule=fleet, return_state=True).is_completed()
    assert check(fleet).name == "NeedsAttention"


def test_a_run_on_demand_says_it_on_the_page_of_its_schedule_and_by_its_exit_code(
    tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    schedule = tmp_path / "schedule.json"
    schedule.write_text(json.dumps({**LATE, "schedule_id": "payments"}))
    assert drills("deliver", "--schedule", str(schedule))[0] == 0
    drills("evidence", "backup", str(tmp_path / "backup.db"))
    schedule.write_text(json.dumps({**LATE, "schedule_id": "payments", "owners": ["another-team"]}))
    drills("deliver", "--schedule", str(schedule))
    put(url, tmp_path / "backup.db")

    code, printed = drills("deliver", "--schedule", str(schedule))

    assert code == 1
    assert MISSING in " ".join(printed.split())
    assert MISSING in page(artifact_key("payments")).replace("\\", "")
    assert MISSING not in drills("deliver", "--schedule", str(schedule))[1]


def test_a_check_in_shards_says_it_and_its_shards_do_not(
    fleet: str, tmp_path: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *({**LATE, "schedule_id": f"service-{each}"} for each in range(8)))
    monkeypatch.setenv("DRILLS_SHARD_SIZE", "4")
    check(fleet)
    drills("evidence", "backup", str(tmp_path / "backup.db"))
    size = newest(url).checkpoint.size
    write(tmp_path, *({**LATE, "owners": ["others"], "schedule_id": f"service-{each}"} for each in range(8)))
    check(fleet)
    lost = newest(url).checkpoint
    put(url, tmp_path / "backup.db")

    said, after = check(fleet), check(fleet)

    assert f"{MISSING} {lost.short}" in said.message
    assert f"this database has {size} rows, up to " in said.message
    assert MISSING in page(FLEET_KEY).replace("\\", "")
    assert after.name == "NeedsAttention"
    with get_client(sync_client=True) as client:
        wanted = {"flow_runs": {"parent_flow_run_id": {"any_": [str(said.state_details.flow_run_id)]}}}
        shards = client.request("POST", "/flow_runs/filter", json=wanted).json()
    assert [each["state"]["name"] for each in shards] == ["NeedsAttention"] * 2


def test_each_of_two_ledgers_on_one_server_has_its_own_head(
    fleet: str, tmp_path: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(fleet)
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'another.db'}")
    check(fleet)
    check(fleet)
    monkeypatch.setenv("DRILLS_DATABASE_URL", url)

    assert check(fleet).name == "NeedsAttention"


def test_a_run_that_was_killed_before_its_head_was_remembered_is_no_setback(
    fleet: str, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(fleet)
    with monkeypatch.context() as killed:
        killed.setattr(Comparison, "remember", lambda *_, **_options: aside(lambda: None))
        check(fleet)

    assert check(fleet).name == "NeedsAttention"


def test_a_server_that_does_not_answer_stops_no_run_and_forgets_nothing(
    fleet: str, tmp_path: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise httpx.ConnectError("refused")

    check(fleet)
    drills("evidence", "backup", str(tmp_path / "backup.db"))
    write_more(tmp_path, "search")
    check(fleet)
    put(url, tmp_path / "backup.db")
    with monkeypatch.context() as down:
        down.setattr("tasks.remembered_head.recall", fail)
        assert check(fleet).name == "NeedsAttention"
    with monkeypatch.context() as down:
        down.setattr("tasks.remembered_head.remember", fail)
        assert MISSING in check(fleet).message

    assert MISSING in check(fleet).message, "nobody has remembered that it was said"


def test_an_artifact_that_somebody_has_changed_is_named_and_stays(
    fleet: str, url: str, receiver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    check(fleet)
    origin = newest(url).checkpoint.origin
    artifact_id = recall(origin).artifact_id
    assert artifact_id
    with get_client(sync_client=True) as client:
        client.update_artifact(artifact_id, ArtifactUpdate(metadata_={"head": "69 rows"}))

    said = f"the artifact {head_key(origin)} of the Prefect server holds no signed head of the evidence"
    assert check(fleet).name == "NeedsAttention"
    assert said in caplog.text
    code, printed = drills("evidence", "verify")
    assert code == 0
    assert said in " ".join(printed.split())
    with get_client(sync_client=True) as client:
        client.delete_artifact(artifact_id)
    check(fleet)
    assert recall(origin).head


def test_verify_compares_with_the_head_that_the_server_remembers(
    fleet: str, tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    check(fleet)
    drills("evidence", "backup", str(tmp_path / "backup.db"))
    write_more(tmp_path, "search")
    check(fleet)

    code, printed = drills("evidence", "verify", "--json")
    assert code == 0, printed
    assert json.loads(printed)["compared"] == ["the head that the Prefect server remembers"]
    code, printed = drills("evidence", "verify", "--database", f"sqlite:///{tmp_path / 'backup.db'}")
    assert code == 1
    assert "truncated: the head that the Prefect server remembers is a head over" in " ".join(printed.split())


def test_a_run_without_news_asks_for_one_more_thing(fleet: str, url: str, receiver: HTTPServer) -> None:
    for _ in range(2):
        check(fleet)
    with counting_requests() as requests:
        check(fleet)

    assert requests.count("POST /api/artifacts/latest/filter") == 1
    assert not [each for each in requests if each.startswith("PATCH /api/artifacts/")]
    assert len(requests) <= 11
