"""Both flows on a real Prefect server, with real HTTP over loopback."""

import json
import os
import pickle
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, State
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint
from pytest_httpserver import HTTPServer

from blocks.connector_import import import_connectors
from flows.deliver_notifications import deliver_notifications
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from rollback_drills.database.connections import Database
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import DECISION_KIND, DELIVERY_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills.reports.pages.artifact_keys import FLEET_KEY
from tests.processes.saved_connectors import SavedConnectors
from tests.samples.commands import forget_settings
from tests.samples.outbox_rows import enable

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
SCHEDULE: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
    "schedule_id": "payments",
    "environment": "production",
    "status": "active",
    "interval_days": 30,
    "next_due_at": "2026-11-27T09:00:00Z",
    "owners": ["payments-team"],
    "notification_providers": ["webhook"],
    "runbook_ref": "docs/runbook.md",
}


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Keep the evidence of a test in a database of its own."""
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    monkeypatch.setenv("DRILLS_DATABASE_URL", url)
    return url


@pytest.fixture
def receiver(httpserver: HTTPServer, tmp_path: Path, connectors: SavedConnectors) -> Iterator[HTTPServer]:
    """Save the connectors `webhook` and `slack`, both of which lead to the receiver, and no others."""
    urls = {name: {"url": httpserver.url_for(f"/{name}")} for name in ("webhook", "slack")}
    connectors.save(tmp_path / "connectors.json", urls)
    yield httpserver
    httpserver.clear()


def write(folder: Path, **changes: Any) -> str:
    """Write a schedule that is overdue, with changes, and give its path."""
    path = folder / "schedule.json"
    path.write_text(json.dumps({**SCHEDULE, **changes}))
    return str(path)


def outcome_of(state: State[Any]) -> dict[str, Any]:
    """Return the data of a flow's final state, failed or not."""
    data = state.result(raise_on_failure=False)
    if isinstance(data, DeliveryFailedError):
        data = pickle.loads(pickle.dumps(data)).result
    assert isinstance(data, dict), state
    return data


def paths_of(receiver: HTTPServer) -> list[str]:
    """Return the paths that were called, in order."""
    return [request.path for request, _ in receiver.log]


@pytest.mark.parametrize(
    ("next_due_at", "name"),
    [
        ("2026-12-01T08:59:59Z", "NeedsAttention"),
        ("2026-12-01T09:00:00Z", "DueSoon"),
        ("2026-12-15T09:00:00Z", "DueSoon"),
        ("2026-12-15T09:00:01Z", "Ready"),
    ],
)
def test_a_check_ends_in_the_state_of_its_schedule(
    next_due_at: str, name: str, tmp_path: Path, database: str
) -> None:
    path = write(tmp_path, next_due_at=next_due_at)

    state = drill_check(schedule=path, as_of=NOW, dry_run=True, return_state=True)

    assert (state.type.value, state.name) == ("COMPLETED", name)


@pytest.mark.parametrize("run", [drill_check, deliver_notifications, escalate_unacknowledged])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_run_with_nothing_to_watch_fails_and_names_the_setting(
    run: Flow[..., Any], dry_run: bool, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_settings(monkeypatch)

    state: Any = run(as_of=NOW, dry_run=dry_run, return_state=True)

    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "DRILLS_SCHEDULE is not set" in (state.message or "")


def test_a_history_alone_is_nothing_to_watch(tmp_path: Path, database: str) -> None:
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": []}
    (tmp_path / "history.json").write_text(json.dumps(history))

    state = drill_check(history=str(tmp_path / "history.json"), as_of=NOW, return_state=True)

    assert state.is_failed()
    assert "DRILLS_SCHEDULE is not set" in (state.message or "")


def test_a_promoted_backend_without_a_schedule_needs_attention(database: str) -> None:
    state = drill_check(mode="promoted", as_of=NOW, dry_run=True, return_state=True)

    assert state.name == "NeedsAttention"


def test_a_dry_run_sends_nothing_and_writes_no_evidence(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    outcome = outcome_of(
        deliver_notifications(schedule=write(tmp_path), as_of=NOW, dry_run=True, return_state=True)
    )

    assert receiver.log == []
    assert not (tmp_path / "evidence.db").exists()
    assert outcome["plan"]["deliverable_route_count"] == 1
    assert outcome["delivery"]["nothing_to_deliver"] is True
    assert outcome["success"] is False


def test_delivery_gives_the_documents_of_the_contract(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("taken")

    outcome = outcome_of(deliver_notifications(schedule=write(tmp_path), as_of=NOW, return_state=True))

    assert set(outcome) == {
        *("schedule", "plan", "delivery", "plan_metadata", "metadata", "success", "event_id")
    }
    assert outcome["success"] is True
    (delivery,) = outcome["delivery"]["deliveries"]
    assert (delivery["provider"], delivery["status_code"], delivery["attempt_count"]) == ("webhook", 200, 1)
    assert outcome["metadata"]["metadata_kind"] == DELIVERY_KIND
    assert outcome["metadata"]["connector_delivery_source"] == "go_backend_rollback_drill_notification"
    records, _ = EvidenceIndex.open(database).find(EvidenceFilter(metadata_kind=DELIVERY_KIND))
    assert records[0]["event_id"] == outcome["event_id"]


def test_what_can_succeed_when_repeated_is_repeated_no_sooner_than_asked(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    busy = {"Retry-After": "2"}
    receiver.expect_ordered_request("/webhook").respond_with_data("later", status=503, headers=busy)
    receiver.expect_ordered_request("/webhook").respond_with_data("taken")

    outcome = outcome_of(deliver_notifications(schedule=write(tmp_path), as_of=NOW, return_state=True))

    (delivery,) = outcome["delivery"]["deliveries"]
    assert (delivery["success"], delivery["attempt_count"]) == (True, 2)
    took = datetime.fromisoformat(delivery["completed_at"]) - datetime.fromisoformat(delivery["started_at"])
    assert took >= timedelta(seconds=2)


def test_what_cannot_succeed_when_repeated_is_tried_once(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("no", status=422)

    state = deliver_notifications(schedule=write(tmp_path), as_of=NOW, return_state=True)

    assert state.is_failed()
    assert (state.message or "").startswith("could not deliver through webhook (permanent:")
    assert len(receiver.log) == 1


def test_one_broken_connector_does_not_keep_the_others_from_being_told(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/slack").respond_with_data("ok")
    path = write(tmp_path, notification_providers=["nowhere", "slack", "!"])

    state = deliver_notifications(schedule=path, as_of=NOW, return_state=True)

    assert paths_of(receiver) == ["/slack"]
    assert state.is_failed()
    assert "no connector named 'nowhere'" in (state.message or "")
    assert outcome_of(state)["metadata"]["failed_providers"] == ["!", "nowhere"]


def test_nothing_is_repeated_within_a_cycle_until_the_state_is_worse_or_it_is_forced(
    tmp_path: Path, database: str, receiver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.expect_request("/webhook").respond_with_data("taken")
    due_at = datetime.now(UTC) + timedelta(days=3)
    path = write(tmp_path, next_due_at=due_at.isoformat())

    def told(*, as_of: datetime, force: bool = False) -> int:
        before = len(receiver.log)
        deliver_notifications(schedule=path, as_of=as_of, force=force, return_state=True)
        return len(receiver.log) - before

    assert told(as_of=due_at - timedelta(days=3)) == 1
    assert told(as_of=due_at - timedelta(days=2)) == 0
    assert {"Due soon: 1.", "already notified: 1"} <= set(caplog.messages), "states and reasons in words"
    assert told(as_of=due_at - timedelta(days=2), force=True) == 1
    assert told(as_of=due_at + timedelta(seconds=1)) == 1, "overdue is worse than due soon"
    assert told(as_of=due_at + timedelta(seconds=2)) == 0


def test_a_suppressed_route_is_told_by_the_first_run_after_its_window(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("taken")
    window = {"window_id": "freeze", "start_at": "2026-12-01T00:00:00Z", "end_at": "2026-12-01T12:00:00Z"}
    path = write(tmp_path, maintenance_windows=[window])

    outcome = outcome_of(drill_check(schedule=path, as_of=NOW, return_state=True))
    assert outcome["plan"]["route_decisions"][0]["deferred_until"] == "2026-12-01T12:00:00+00:00"
    assert receiver.log == []

    drill_check(schedule=path, as_of=NOW + timedelta(hours=3), return_state=True)
    assert paths_of(receiver) == ["/webhook"]


def test_a_fleet_goes_on_when_one_document_is_broken(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("taken")
    receiver.expect_request("/slack").respond_with_data("ok")
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    write(fleet)
    (fleet / "broken-schedule.json").write_text('{"intervall_days": 3}')

    state = drill_check(schedule=str(fleet), as_of=NOW, return_state=True)

    assert state.name == "NeedsAttention"
    plans = [run["plan"] for run in outcome_of(state)["runs"]]
    assert [plan["schedule_id"] for plan in plans] == ["broken-schedule.json", "payments"]
    assert "did you mean 'interval_days'" in plans[0]["reason"]
    assert plans[0]["owners"] == ["release-governance"]
    decisions, _ = EvidenceIndex.open(database).find(EvidenceFilter(metadata_kind=DECISION_KIND))
    assert len(decisions) == sum(len(plan["route_decisions"]) for plan in plans)


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"provider": "slcak"}, "provider slcak is unknown"),
        ({"routing_policy": {"owner_route": {}}}, "did you mean 'owner_routes'?"),
        ({"routing_policy": "missing.json"}, "missing.json: does not exist"),
        ({"schedule": "no/such/*.json"}, "schedule no/such/*.json matches no schedule"),
    ],
)
def test_what_the_caller_got_wrong_fails_the_run_before_anything_is_sent_or_written(
    parameters: dict[str, Any], place: str, tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    state = deliver_notifications(
        **{"schedule": write(tmp_path), "as_of": NOW, **parameters}, return_state=True
    )

    assert state.is_failed()
    assert place in (state.message or "")
    assert receiver.log == []
    assert not (tmp_path / "evidence.db").exists()


def test_a_variable_that_does_not_parse_fails_the_run_and_is_named(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLS_DUE_SOON_DAYS", "soon")

    state = drill_check(return_state=True)

    assert 'DRILLS_DUE_SOON_DAYS is "soon"' in (state.message or "")


def test_each_run_adds_a_version_to_the_artifacts_of_its_schedule(tmp_path: Path, database: str) -> None:
    path = write(tmp_path, schedule_id="artifact_history", owners=["a|b"])
    for day in (0, 1):
        drill_check(schedule=path, as_of=NOW + timedelta(days=day), dry_run=True, return_state=True)

    with get_client(sync_client=True) as client:
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

        key = ArtifactFilterKey(like_="rollback-drill-artifact-history-%")
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=key))
    pages = [each for each in found if each.type == "markdown"]
    assert len(pages) == 2
    assert len({each.key for each in pages}) == 1
    assert all("a\\|b" in str(each.data) for each in pages), "a name cannot break the table"


def test_a_dead_connector_is_disabled_and_told_through_another_one(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("gone", status=410)
    receiver.expect_request("/slack").respond_with_data("ok")
    path = write(tmp_path, notification_providers=["webhook", "slack"])

    state = drill_check(schedule=path, as_of=NOW, return_state=True)

    assert state.is_failed()
    assert "webhook (disabled: answered 410" in (state.message or "")
    notice = receiver.log[-1][0].get_data(as_text=True)
    assert "Connector disabled: webhook" in notice
    assert "drills connectors enable webhook" in notice
    assert sorted(paths_of(receiver)) == ["/slack", "/slack", "/webhook"]

    later = drill_check(schedule=path, as_of=NOW + timedelta(days=1), return_state=True)

    assert sorted(paths_of(receiver)) == ["/slack", "/slack", "/slack", "/webhook"], (
        "the dead one is left alone"
    )
    assert "the connector is disabled (answered 410" in (later.message or "")


def test_a_notice_that_nobody_could_take_goes_out_as_soon_as_somebody_can(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("gone", status=410)
    receiver.expect_request("/slack").respond_with_data("ok")
    with get_client(sync_client=True) as client:
        slack = client.read_block_document_by_name("slack", "rollback-drills-slack-webhook")
        assert slack.id is not None
        client.delete_block_document(slack.id)
    path = write(tmp_path)
    drill_check(schedule=path, as_of=NOW, return_state=True)
    assert paths_of(receiver) == ["/webhook"]

    import_connectors(tmp_path / "connectors.json", os.environ)
    for _ in range(2):
        drill_check(schedule=path, as_of=NOW + timedelta(hours=1), return_state=True)

    assert paths_of(receiver) == ["/webhook", "/slack"]


def test_what_waits_for_another_attempt_is_kept_back_while_a_window_lasts(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_oneshot_request("/webhook").respond_with_data("busy", status=503)
    receiver.expect_request("/webhook").respond_with_data("taken")
    now = datetime.now(UTC)
    path = write(tmp_path)
    deliver_notifications(schedule=path, retries=0, return_state=True)
    window = {"start_at": now.isoformat(), "end_at": (now + timedelta(hours=1)).isoformat()}
    write(tmp_path, maintenance_windows=[{**window, "window_id": "freeze"}])

    deliver_notifications(schedule=path, return_state=True)

    assert paths_of(receiver) == ["/webhook"]
    (item,), _ = find_rows(Database.open(database), OutboxFilter())
    assert item.due_at == pytest.approx((now + timedelta(hours=1)).timestamp(), abs=1)


def test_a_connector_that_was_mended_sends_what_it_missed(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_oneshot_request("/webhook").respond_with_data("gone", status=410)
    receiver.expect_request("/webhook").respond_with_data("taken")
    receiver.expect_request("/slack").respond_with_data("ok")  # which tells that webhook is dead
    path = write(tmp_path)
    assert drill_check(schedule=path, as_of=NOW, return_state=True).is_failed()

    assert enable(Database.open(database), "webhook", now=time.time()) == 1

    assert drill_check(schedule=path, as_of=NOW, return_state=True).is_completed()
    assert paths_of(receiver) == ["/webhook", "/slack", "/webhook"]


def test_a_performed_drill_is_told_to_whom_was_told_that_it_is_due(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("taken")
    path = write(tmp_path)
    drill_check(schedule=path, as_of=NOW, return_state=True)
    write(tmp_path, next_due_at="2027-01-15T09:00:00Z")

    for _ in range(2):
        state = drill_check(schedule=path, as_of=NOW + timedelta(hours=1), return_state=True)

    assert state.name == "Ready"
    opened, closed = (json.loads(request.get_data()) for request, _ in receiver.log)
    assert (opened["reason"], closed["reason"]) == ("first", "resolved")
    assert closed["cycle_id"] == opened["cycle_id"]


def test_many_schedules_of_an_owner_are_told_in_one_chat_message(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/slack").respond_with_data("ok")
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    for number in range(5):
        path = Path(write(fleet, schedule_id=f"schedule-{number}", notification_providers=["slack"]))
        path.rename(fleet / f"{number}-schedule.json")

    state = drill_check(schedule=str(fleet), as_of=NOW, return_state=True)

    assert paths_of(receiver) == ["/slack"]
    text = receiver.log[0][0].get_data(as_text=True)
    assert all(f"schedule-{number}" in text for number in range(5))
    runs = outcome_of(state)["runs"]
    assert [run["success"] for run in runs] == [True] * 5
    records, total = EvidenceIndex.open(database).find(EvidenceFilter(metadata_kind=ROUTE_DELIVERY_KIND))
    assert total == 5
    assert len({record["notification_id"] for record in records}) == 5


def test_dead_letters_stand_in_the_artifact_of_their_schedule(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("no such thing", status=422)
    path = write(tmp_path, schedule_id="dead_letters")

    drill_check(schedule=path, as_of=NOW, return_state=True)

    with get_client(sync_client=True) as client:
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

        key = ArtifactFilterKey(like_="rollback-drill-dead-letters-%")
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=key))
    (page,) = [str(each.data) for each in found if each.type == "markdown"]
    assert "## Dead letters" in page
    assert "no such thing" in page
    assert "drills outbox replay" in page


def test_a_deleted_secret_fails_its_connector_only_and_nothing_is_lost(
    tmp_path: Path, database: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/webhook").respond_with_data("taken")
    receiver.expect_request("/slack").respond_with_data("ok")
    with get_client(sync_client=True) as client:
        secret = client.read_block_document_by_name("webhook-url", "secret")
        assert secret.id is not None
        client.delete_block_document(secret.id)
    path = write(tmp_path, notification_providers=["webhook", "slack"])

    state = drill_check(schedule=path, as_of=NOW, return_state=True)

    assert paths_of(receiver) == ["/slack"]
    assert "its url is missing; was the Secret block deleted?" in (state.message or "")
    config = tmp_path / "connectors.json"
    import_connectors(config, os.environ)
    assert drill_check(schedule=path, as_of=NOW, return_state=True).is_completed()
    assert paths_of(receiver) == ["/slack", "/webhook"]


@pytest.mark.parametrize("name", ["drill_check", "deliver_notifications"])
def test_an_entrypoint_loads_without_a_placeholder(name: str) -> None:
    flow: Flow[Any, Any] = load_flow_from_entrypoint(f"flows/{name}.py:{name}", use_placeholder_flow=False)

    assert flow.name == name.replace("_", "-")
    assert isinstance(flow.to_deployment(name="x"), RunnerDeployment)


def test_the_page_of_the_fleet_names_the_files_that_count_for_nothing(
    tmp_path: Path, database: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}-schedule.json").write_text(json.dumps({**SCHEDULE, "schedule_id": name}))
    (tmp_path / "tow-history.json").write_text("{}")
    line = "tow-history.json: belongs to no schedule"

    for shard_size in ("10000", "1"):
        monkeypatch.setenv("DRILLS_SHARD_SIZE", shard_size)
        state = drill_check(schedule=str(tmp_path), provider="webhook", as_of=NOW, return_state=True)

        with get_client(sync_client=True) as client:
            wanted = {"artifacts": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}
            found = client.request("POST", "/artifacts/filter", json=wanted).json()
        (page,) = (each["data"] for each in found if each["key"] == FLEET_KEY)
        assert line in page
