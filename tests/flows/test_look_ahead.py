"""The look-ahead as a run, on a real Prefect server, with real HTTP over loopback."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, State
from prefect.blocks.system import Secret
from prefect.flows import load_flow_from_entrypoint
from pytest_httpserver import HTTPServer
from sqlalchemy.engine import make_url

from blocks.webhook import WebhookConnector
from flows.look_ahead import look_ahead
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from rollback_drills.notifications.results import DeliveryFailedError
from tests.flows.test_follow_up_in_runs import pages_of
from tests.samples.builders import SCHEDULE

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime.now(UTC).replace(microsecond=0)
DUE = NOW + timedelta(days=40)


def write_schedule(path: Path, *, is_frozen: bool) -> None:
    """Write a schedule whose drill is due in 40 days, in a freeze or not."""
    freeze = {
        "window_id": "freeze",
        "start_at": (DUE - timedelta(days=2)).isoformat(),
        "end_at": (DUE + timedelta(days=1)).isoformat(),
    }
    document = {
        **SCHEDULE,
        "next_due_at": DUE.isoformat(),
        "interval_days": 100,
        "owners": ["team-a"],
        "notification_providers": ["webhook"],
        "maintenance_windows": [freeze] if is_frozen else [],
    }
    path.write_text(json.dumps(document))


@pytest.fixture
def schedule(tmp_path: Path) -> Path:
    """Write a schedule with trouble ahead."""
    path = tmp_path / "schedule.json"
    write_schedule(path, is_frozen=True)
    return path


def look(schedule: Path, **parameters: Any) -> State[Any]:
    """Run the flow."""
    state: State[Any] = look_ahead(schedule=str(schedule), retries=0, return_state=True, **parameters)
    return state


def messages(receiver: HTTPServer) -> list[dict[str, Any]]:
    """Return what arrived."""
    return [json.loads(request.data) for request, _ in receiver.log if request.path == "/webhook"]


def test_an_owner_is_told_once_in_a_week_and_the_evidence_has_it(
    url: str, receiver: HTTPServer, schedule: Path
) -> None:
    first = look(schedule)

    assert (first.name, first.message) == ("LookedAhead", "1 owner, 1 with trouble ahead; 1 new message")
    (message,) = messages(receiver)
    assert message["event_type"] == "cavra.go_backend.rollback_drill.look_ahead"
    assert message["title"] == "Look-ahead for team-a: 1 rollback drill will go wrong"
    assert message["troubled"][0]["troubles"][0]["risk"] == "freeze"
    assert "perform it before" in pages_of("rollback-drill-look-ahead")[0]
    data: Any = first.result()
    assert (data["troubled_owner_count"], data["message_count"]) == (1, 1)
    rows, _ = EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=ROUTE_DELIVERY_KIND))
    assert [(row["schedule_id"], row["delivery_success"]) for row in rows] == [("look-ahead:team-a", True)]

    again = look(schedule)
    assert again.message == "1 owner, 1 with trouble ahead; 0 new messages"
    assert len(messages(receiver)) == 1


def test_a_clean_outlook_and_a_dry_run_send_nothing(url: str, receiver: HTTPServer, schedule: Path) -> None:
    dry = look(schedule, dry_run=True)
    assert dry.message == "dry run, nothing is sent: 1 owner, 1 with trouble ahead; 0 new messages"

    write_schedule(schedule, is_frozen=False)
    clean = look(schedule)

    assert (clean.name, clean.message) == ("LookedAhead", "1 owner, 0 with trouble ahead; 0 new messages")
    assert messages(receiver) == []
    assert "nothing will go wrong" in pages_of("rollback-drill-look-ahead")[0]


def test_a_message_that_is_not_taken_fails_the_run_and_is_sent_by_a_later_one(
    url: str, receiver: HTTPServer, schedule: Path
) -> None:
    receiver.clear()
    receiver.expect_oneshot_request("/webhook").respond_with_data("later", status=503)
    receiver.expect_request("/webhook").respond_with_data("taken")

    failed = look(schedule)

    assert failed.is_failed()
    assert failed.message is not None
    assert failed.message.startswith("could not deliver through webhook")
    result = failed.result(raise_on_failure=False)
    assert isinstance(result, DeliveryFailedError)
    assert result.result["message_count"] == 1


def test_a_secret_in_a_document_is_kept_nowhere(url: str, receiver: HTTPServer, schedule: Path) -> None:
    secret = "v3ry-s3cr3t-token"
    WebhookConnector(url=Secret(value=receiver.url_for(f"/hook/{secret}"))).save("elsewhere", overwrite=True)
    document = json.loads(schedule.read_text())
    document["owner_calendars"] = {
        "team-a": {
            "unavailable_windows": [
                {
                    "start_at": (DUE - timedelta(days=1)).isoformat(),
                    "end_at": (DUE + timedelta(days=1)).isoformat(),
                    "reason": f"see {secret}",
                }
            ]
        }
    }
    schedule.write_text(json.dumps(document))

    state = look(schedule)

    assert state.is_completed(), state.message
    places = [
        Path(make_url(url).database or "").read_bytes(),
        repr(state.result()).encode(),
        pages_of("rollback-drill-look-ahead")[0].encode(),
        json.dumps(messages(receiver)).encode(),
    ]
    assert b"is absent when it is due" in places[1]
    assert not [place for place in places if secret.encode() in place]


def test_a_parameter_that_cannot_be_used_fails_the_run_with_one_line(url: str, schedule: Path) -> None:
    state = look(schedule, provider="pigeon")
    assert state.is_failed()
    assert state.message is not None
    assert state.message.startswith("provider pigeon is unknown; known are")
    nowhere = look_ahead(return_state=True)
    assert nowhere.is_failed()


def test_the_entrypoint_of_the_deployment_loads() -> None:
    flow: Flow[Any, Any] = load_flow_from_entrypoint(
        "flows/look_ahead.py:look_ahead", use_placeholder_flow=False
    )
    assert flow.name == "look-ahead"
    assert "open no ticket" in flow.parameters.properties["provider"]["description"]
