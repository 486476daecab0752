"""The drill of the alarm paths as runs, on a real Prefect server, with real HTTP over loopback."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, State
from prefect.flows import load_flow_from_entrypoint
from pytest_httpserver import HTTPServer

from flows.acknowledge_notification import acknowledge_notification
from flows.alarm_path_drill import alarm_path_drill
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from rollback_drills.database.connections import Database
from rollback_drills.evidence.record_kinds import ALARM_PATH_KIND, ROUTE_DELIVERY_KIND
from tests.flows.test_follow_up_in_runs import data_of, pages_of
from tests.processes.saved_connectors import SavedConnectors
from tests.samples.builders import SCHEDULE
from tests.samples.plain_records import read_plain

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime.now(UTC).replace(microsecond=0)
A_MOMENT = "0.00005"  # of an hour: a fifth of a second


@pytest.fixture
def schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a healthy schedule with two owners: one is reached by webhook, the other by a second receiver."""
    path = tmp_path / "schedule.json"
    document = {
        **SCHEDULE,
        "next_due_at": (NOW + timedelta(days=200)).isoformat(),
        "interval_days": 365,
        "owners": ["team-a", "team-b"],
        "owner_routes": {"team-b": {"providers": ["mattermost"]}},
        "notification_providers": ["webhook"],
    }
    path.write_text(json.dumps(document))
    monkeypatch.setenv("DRILLS_SCHEDULE", str(path))
    return path


@pytest.fixture
def two_receivers(receiver: HTTPServer, connectors: SavedConnectors, tmp_path: Path) -> HTTPServer:
    """Save a second connector, whose receiver refuses everything."""
    connectors.save(
        tmp_path / "connectors-config-2",
        {
            "webhook": {"url": receiver.url_for("/webhook")},
            "mattermost": {"url": receiver.url_for("/hooks/dead")},
        },
    )
    receiver.expect_request("/hooks/dead").respond_with_data("no such hook", status=400)
    return receiver


def change(schedule: Path, **fields: Any) -> None:
    """Change the schedule."""
    schedule.write_text(json.dumps({**json.loads(schedule.read_text()), **fields}))


def titles(receiver: HTTPServer) -> list[str]:
    """Return the titles of what arrived at the first receiver."""
    return [json.loads(request.data)["title"] for request, _ in receiver.log if request.path == "/webhook"]


def drill(**parameters: Any) -> State[Any]:
    state: State[Any] = alarm_path_drill(retries=0, return_state=True, **parameters)
    return state


def follow_up() -> State[Any]:
    state: State[Any] = escalate_unacknowledged(retries=0, return_state=True)
    return state


def rows_of(url: str, kind: str) -> list[dict[str, Any]]:
    return read_plain(Database.open(url), kind)


def test_the_drill_finds_the_owner_whose_receiver_refuses(
    url: str, two_receivers: HTTPServer, schedule: Path
) -> None:
    first = drill()

    assert first.is_failed()
    assert first.message is not None
    assert first.message.startswith("could not deliver through mattermost (permanent: ")
    data = data_of(first)
    assert (data["message_count"], data["route_count"], data["finding_count"]) == (2, 2, 1)
    (finding,) = data["findings"]
    assert (finding["owner"], finding["provider"]) == ("team-b", "mattermost")
    assert finding["because"].startswith("the message was not taken (")
    assert titles(two_receivers) == [
        "This is a drill: does this reach team-a?",
        "1 alarm path reaches nobody",
    ]
    assert "team-b is not reached through mattermost" in pages_of("rollback-drill-alarm-paths")[0]
    (record,) = rows_of(url, ALARM_PATH_KIND)
    assert (record["owner"], record["assigned_to"], record["finding"]) == ("team-b", "platform", "missed")
    delivered = {row["schedule_id"]: row["delivery_success"] for row in rows_of(url, ROUTE_DELIVERY_KIND)}
    assert delivered == {
        "alarm-path:team-a": True,
        "alarm-path:team-b": False,
        "alarm-path-finding:platform": True,
    }

    again = drill()
    assert data_of(again)["message_count"] == 0
    assert len(titles(two_receivers)) == 2, "the platform owner is told once"


def test_the_follow_up_finds_a_route_on_which_nobody_answers_until_somebody_does(
    url: str, receiver: HTTPServer, schedule: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(schedule, owner_routes={})
    sent = drill()
    assert (sent.name, sent.message) == ("Drilled", "2 routes of 2 owners; no findings; 2 new messages")
    assert follow_up().name == "Healthy"
    assert acknowledge_notification(
        "maria", schedule_id="alarm-path:team-a", return_state=True
    ).is_completed()
    monkeypatch.setenv("DRILLS_ALARM_PATH_HOURS", A_MOMENT)
    time.sleep(0.3)

    found = follow_up()

    assert found.name == "Healthy", found.message
    dashboard = data_of(found)
    assert dashboard["open_cycle_count"] == 0, "the drill is no cycle of a schedule"
    assert [each["owner"] for each in dashboard["alarm_path_findings"]] == ["team-b"]
    assert dashboard["alert_level"] == "warning"
    assert titles(receiver)[-1] == "1 alarm path reaches nobody"
    assert "Alarm paths that reach nobody" in pages_of("rollback-drill-follow-up")[0]
    follow_up()
    assert titles(receiver).count("1 alarm path reaches nobody") == 1

    ended = acknowledge_notification("jo", schedule_id="alarm-path:team-b", return_state=True)
    assert ended.is_completed(), ended.message
    assert data_of(follow_up())["alarm_path_findings"] == []


def test_a_check_neither_counts_the_drill_nor_is_silenced_by_it(
    url: str, receiver: HTTPServer, schedule: Path
) -> None:
    change(schedule, owner_routes={})
    drill()
    change(schedule, next_due_at=(NOW - timedelta(days=1)).isoformat())

    assert drill_check(return_state=True).name == "NeedsAttention"

    assert sum(title.startswith("Rollback drill overdue") for title in titles(receiver)) == 2
    assert data_of(follow_up())["outstanding_count"] == 2


def test_a_dry_run_sends_and_writes_nothing(url: str, receiver: HTTPServer, schedule: Path) -> None:
    state = drill(dry_run=True)
    assert state.name == "Drilled", state.message
    assert (state.message or "").startswith("dry run, nothing is sent: ")
    assert data_of(state)["route_count"] == 2
    assert titles(receiver) == []
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_the_entrypoint_of_the_deployment_loads() -> None:
    flow: Flow[Any, Any] = load_flow_from_entrypoint(
        "flows/alarm_path_drill.py:alarm_path_drill", use_placeholder_flow=False
    )
    assert flow.name == "alarm-path-drill"
    assert drill(provider="pigeon", schedule="nowhere.json").is_failed()
