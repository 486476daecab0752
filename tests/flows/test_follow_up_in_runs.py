"""The follow-up and the acknowledgement as runs, on a real Prefect server, with real HTTP over loopback."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from pytest_httpserver import HTTPServer
from sqlalchemy import delete, select, update

from blocks.heartbeat import HeartbeatError, send_heartbeat
from flows.acknowledge_notification import acknowledge_notification
from flows.decide_exception import decide_exception
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from flows.grant_exception import grant_exception
from flows.request_exception import request_exception
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND, ESCALATION_KIND, EXCEPTION_KIND
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.notifications.states import State as DeliveryState
from tests.flows.test_events import events_of
from tests.processes.loopback_receiver import running_receiver
from tests.samples.plain_records import read_plain

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime.now(UTC)  # deliveries have the real clock; what is judged later is judged as of later
LATER, MUCH_LATER = NOW + timedelta(hours=2), NOW + timedelta(days=4)
SECRET_PATH = "p1ng-4d1b-8c27"
PREFIX = "cavra.go_backend.rollback_drill."


@pytest.fixture(autouse=True)
def schedule_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the flows read the schedule of the test."""
    monkeypatch.setenv("DRILLS_SCHEDULE", str(tmp_path / "schedule.json"))


@pytest.fixture
def notified(url: str, receiver: HTTPServer, tmp_path: Path) -> HTTPServer:
    """Have checked an overdue schedule, so that its owner was notified; return who was."""
    schedule = {
        "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
        "schedule_id": "payments",
        "environment": "production",
        "status": "active",
        "interval_days": 30,
        "next_due_at": (NOW - timedelta(days=1)).isoformat(),
        "owners": ["payments-team"],
        "owner_routes": {"payments-team": {"escalation_owner": "platform"}},
        "notification_providers": ["webhook"],
        "runbook_ref": "docs/runbook.md",
    }
    (tmp_path / "schedule.json").write_text(json.dumps(schedule))
    assert drill_check(return_state=True).name == "NeedsAttention"
    return receiver


def owners_notified(receiver: HTTPServer) -> list[str]:
    """Return the owner and the reason of every message, in order."""
    bodies = [json.loads(request.data) for request, _ in receiver.log if request.path == "/webhook"]
    return [
        f"{body['owners'][0]}: {body['reason']}" if "owners" in body else f"platform: {body['title']}"
        for body in bodies
    ]


def follow_up(as_of: datetime | None = None, **changes: Any) -> State[Any]:
    state: State[Any] = escalate_unacknowledged(as_of=as_of, return_state=True, **changes)
    return state


def data_of(state: State[Any]) -> dict[str, Any]:
    """Return the dashboard that a run ended with, failed or not."""
    data = state.result(raise_on_failure=False)
    found = data.result if isinstance(data, DeliveryFailedError) else data
    assert isinstance(found, dict), state
    return found


def rows_of(url: str, kind: str) -> list[dict[str, Any]]:
    return read_plain(Database.open(url), kind)


def pages_of(key: str) -> list[str]:
    """Return the versions of an artifact, the newest first."""
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 10}
    with get_client(sync_client=True) as client:
        return [str(each["data"]) for each in client.request("POST", "/artifacts/filter", json=wanted).json()]


def logs_of(state: State[Any]) -> str:
    """Return all that the flow run and its tasks have logged, as the server has it."""
    wanted = {"logs": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}, "limit": 200}
    until, before = time.monotonic() + 20, ""
    with get_client(sync_client=True) as client:
        while True:  # they are sent in the background
            found = str(client.request("POST", "/logs/filter", json=wanted).json())
            if ("Finished in state" in found and found == before) or time.monotonic() > until:
                return found
            before = found
            time.sleep(0.5)


def test_a_check_as_of_an_earlier_time_closes_nothing_that_was_opened_since(notified: HTTPServer) -> None:
    earlier = NOW - timedelta(days=60)

    assert drill_check(as_of=earlier, return_state=True).name == "Ready"
    assert drill_check(return_state=True).name == "NeedsAttention"

    assert owners_notified(notified) == ["payments-team: first"]


def test_what_nobody_acknowledges_is_escalated_once(url: str, notified: HTTPServer) -> None:
    before = EvidenceIndex.open(url).find(EvidenceFilter())[1]
    dry = follow_up(LATER, dry_run=True)

    assert (dry.name, data_of(dry)["escalated"]) == ("DryRun", 1)
    assert (dry.message or "").startswith("dry run, nothing is sent: open cycles: 1")
    assert owners_notified(notified) == ["payments-team: first"]
    assert EvidenceIndex.open(url).find(EvidenceFilter())[1] == before
    with Database.open(url).read() as connection:
        assert len(connection.execute(select(OUTBOX)).all()) == 1

    first = follow_up(LATER)

    assert (first.name, data_of(first)["escalated"]) == ("Healthy", 1), first.message
    assert owners_notified(notified) == ["payments-team: first", "platform: escalated"]
    (event, _) = events_of(first, at_least=2)
    assert event["event"] == f"{PREFIX}escalation.taken"
    assert (event["payload"]["told"], event["payload"]["owner"]) == ("platform", "payments-team")

    second = follow_up(LATER + timedelta(minutes=15))

    assert (second.name, data_of(second)["escalated"]) == ("Healthy", 0), second.message
    assert len(owners_notified(notified)) == 2
    (row,) = rows_of(url, ESCALATION_KIND)
    assert (row["owner"], row["told"], row["step"]) == ("payments-team", "platform", 1)
    assert row["signer"] == "escalate-unacknowledged"
    newest, *_ = pages_of("rollback-drill-follow-up")
    assert newest.startswith("# Follow-up: every cycle has a next action")
    assert "payments" in pages_of("rollback-drill-follow-up-cycles")[0]


def test_the_step_of_a_follow_up_that_was_killed_is_an_event_of_the_next(
    url: str, notified: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for the end of the process."""

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("flows.escalate_unacknowledged.deliver_due", die)
        with pytest.raises(Killed):
            escalate_unacknowledged(as_of=LATER)

    states = [follow_up(LATER + timedelta(minutes=15 * number)) for number in (1, 2)]

    assert owners_notified(notified) == ["payments-team: first", "platform: escalated"]
    assert [data_of(each)["escalated"] for each in states] == [0, 0]
    (event, _) = events_of(states[0], at_least=2)
    assert event["event"] == f"{PREFIX}escalation.taken"
    assert (event["payload"]["told"], event["payload"]["step"]) == ("platform", 1)
    assert len(rows_of(url, ESCALATION_KIND)) == 1


def test_an_owner_who_was_renamed_leaves_the_cycle_and_one_silence_is_escalated(
    url: str, notified: HTTPServer, tmp_path: Path
) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(path.read_text().replace("payments-team", "billing-team"))

    drill_check(return_state=True)
    states = [follow_up(LATER + timedelta(minutes=15 * number)) for number in range(2)]

    assert [each.name for each in states] == ["Healthy", "Healthy"], states[0].message
    assert sorted(owners_notified(notified)) == [
        "billing-team: first",
        "payments-team: first",
        "payments-team: resolved",
        "platform: escalated",
    ]


def test_who_acknowledges_by_the_form_is_not_escalated_until_it_ends(url: str, notified: HTTPServer) -> None:
    unknown = acknowledge_notification("maria", cycle_id="gordcycle-none", return_state=True)
    assert unknown.is_failed()
    refusal = 'cycle_id "gordcycle-none" is not in the evidence; the newest are gordcycle-'
    assert (unknown.message or "").startswith(refusal)
    assert rows_of(url, ACKNOWLEDGEMENT_KIND) == []

    state = acknowledge_notification(
        "maria", schedule_id="payments", acknowledged_for_days=1, notes="we are on it", return_state=True
    )

    assert state.name == "Acknowledged", state.message
    (row,) = rows_of(url, ACKNOWLEDGEMENT_KIND)
    assert (row["acknowledged_by"], row["owner"], row["provider"]) == ("maria", "payments-team", "webhook")
    said_at = datetime.fromisoformat(row["acknowledged_at"])
    assert datetime.fromisoformat(row["acknowledged_until"]) - said_at == timedelta(days=1)
    (event,) = events_of(state)
    assert event["event"] == f"{PREFIX}acknowledgement.acknowledged"
    dashboard = data_of(follow_up(LATER))
    assert (dashboard["escalated"], dashboard["cycles_by_state"]) == (0, {"acknowledged": 1})
    assert data_of(follow_up(said_at + timedelta(days=1)))["escalated"] == 1


def test_an_exception_of_the_form_keeps_the_cycle_quiet_until_it_ends(url: str, notified: HTTPServer) -> None:
    refused = grant_exception("postpone", NOW + timedelta(days=60), "a freeze", "board", return_state=True)
    assert refused.is_failed()
    assert "the limit of this cycle" in (refused.message or "")
    assert rows_of(url, EXCEPTION_KIND) == []

    state = grant_exception(
        "postpone", NOW + timedelta(days=3), "a freeze", "board", schedule_id="", return_state=True
    )

    assert state.name == "Postponed", state.message
    (row,) = rows_of(url, EXCEPTION_KIND)
    assert (row["approver"], row["signer"], row["schedule_id"]) == ("board", "grant-exception", "payments")
    (event,) = events_of(state)
    assert event["event"] == f"{PREFIX}exception.postponed"
    assert "a freeze" not in json.dumps(event)
    dashboard = data_of(follow_up(LATER))
    assert (dashboard["escalated"], dashboard["cycles_by_state"]) == (0, {"postponed": 1})
    assert data_of(follow_up(MUCH_LATER))["escalated"] == 1


def test_an_exception_is_requested_and_approved_by_two_people(url: str, notified: HTTPServer) -> None:
    until = NOW + timedelta(days=3)
    asked = request_exception("postpone", until, "a freeze", "maria", return_state=True)
    assert asked.name == "Requested", asked.message
    request_id = data_of(asked)["request_id"]
    (event,) = events_of(asked)
    assert event["event"] == f"{PREFIX}exception.requested"
    assert "a freeze" not in json.dumps(event)
    for _ in range(2):
        state = follow_up(NOW)
        assert (state.name, data_of(state)["open_request_count"]) == ("Healthy", 1)
    assert owners_notified(notified)[1:] == ["platform: Approval needed: postpone payments"]

    for approver in ("maria", "Maria ", ""):
        refused = decide_exception(request_id, "approve", approver, return_state=True)
        assert refused.is_failed()
    assert rows_of(url, EXCEPTION_KIND) == []
    state = decide_exception(request_id, "approve", "anna", "it may wait", return_state=True)

    assert state.name == "Approved", state.message
    (row,) = rows_of(url, EXCEPTION_KIND)
    assert (row["requested_by"], row["approver"], row["signer"]) == ("maria", "anna", "anna")
    assert (row["reason"], row["remark"]) == ("a freeze", "it may wait")
    (event,) = events_of(state)
    assert event["event"] == f"{PREFIX}exception.postponed"
    assert data_of(follow_up(LATER))["cycles_by_state"] == {"postponed": 1}
    again = decide_exception(request_id, "decline", "otto", "no", return_state=True)
    assert "was approved by anna" in (again.message or "")

    other = data_of(request_exception("waive", until, "a freeze", "maria", return_state=True))
    declined = decide_exception(other["request_id"], "decline", "anna", "no", return_state=True)
    assert declined.name == "Declined", declined.message
    assert len(rows_of(url, EXCEPTION_KIND)) == 1


def test_a_requester_who_approves_by_the_form_is_refused(url: str, notified: HTTPServer) -> None:
    state = grant_exception("skip", NOW + timedelta(days=3), "a freeze", "board", "BOARD", return_state=True)

    assert state.is_failed()
    assert 'approver is "board", who requested it' in (state.message or "")
    assert rows_of(url, EXCEPTION_KIND) == []


def test_many_routes_are_acknowledged_at_once_or_none_of_them(url: str, notified: HTTPServer) -> None:
    known = {"schedule_id": "payments", "provider": "webhook"}

    refused = [
        acknowledge_notification("maria", routes=routes, return_state=True, **more)
        for routes, more in (
            ([known, {"schedule_id": "nobody-knows"}], {}),
            ([known], {"schedule_id": "payments"}),
        )
    ]
    assert all(state.is_failed() for state in refused)
    assert rows_of(url, ACKNOWLEDGEMENT_KIND) == []

    state = acknowledge_notification("maria", routes=[known, known], provider="", return_state=True)

    assert state.name == "Acknowledged", state.message
    assert len(rows_of(url, ACKNOWLEDGEMENT_KIND)) == 1


def test_a_cycle_that_nobody_looks_after_fails_the_run_and_stops_the_heartbeat(
    url: str, notified: HTTPServer
) -> None:
    notified.expect_request(f"/{SECRET_PATH}").respond_with_data("taken")
    save_address(notified.url_for(f"/{SECRET_PATH}"))

    overdue = follow_up(MUCH_LATER, heartbeat_secret="heartbeat")

    assert overdue.is_failed()
    assert "payments (gordcycle-" in data_of(overdue)["problems"][0]
    assert "does the drill check run" in (overdue.message or "")
    assert "## Problems" in pages_of("rollback-drill-follow-up")[0]

    with Database.open(url).write() as connection:  # as no version of this program leaves it
        connection.execute(delete(OUTBOX).where(OUTBOX.c.owner == "platform"))
        connection.execute(update(OUTBOX).values(state=DeliveryState.SUPPRESSED, notification=""))
    state = follow_up(heartbeat_secret="heartbeat")

    assert state.is_failed()
    assert "has no next action" in (state.message or "")
    assert SECRET_PATH not in {request.path.strip("/") for request, _ in notified.log}


def save_address(address: str) -> None:
    """Save the address of the heartbeat."""
    Secret(value=address).save("heartbeat", overwrite=True, _sync=True)  # type: ignore[call-arg]


def test_the_heartbeat_is_sent_when_every_cycle_is_looked_after(url: str, tmp_path: Path) -> None:
    with running_receiver(tmp_path / "log.jsonl", statuses=[200, 500]) as watch:
        save_address(f"{watch.url}/{SECRET_PATH}")
        taken = follow_up(heartbeat_secret="heartbeat")
        refused = follow_up(heartbeat_secret="heartbeat")
        received = watch.received()

    assert taken.name == "Healthy", taken.message
    assert [each["line"] for each in received] == [f"POST /{SECRET_PATH} HTTP/1.1"] * 2
    assert refused.is_failed()
    assert (refused.message or "").startswith("the heartbeat was not accepted: answered 500")
    assert SECRET_PATH not in logs_of(taken)
    assert SECRET_PATH not in logs_of(refused)
    assert SECRET_PATH not in "".join(pages_of("rollback-drill-follow-up"))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9/p1ng-4d1b-8c27", "the heartbeat was not accepted: the connection was refused"),
        ("p1ng-4d1b-8c27", "the Secret block heartbeat is not a URL with a host"),
        ("https://watch example/p1ng-4d1b-8c27", "the Secret block heartbeat is not a valid URL"),
        ("http://watch.example.com/p1ng-4d1b-8c27", "the Secret block heartbeat uses http; it must be https"),
    ],
)
def test_an_address_of_the_heartbeat_that_does_not_work_is_not_repeated(
    address: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    save_address(address)

    with caplog.at_level("DEBUG"), pytest.raises(HeartbeatError) as refused:
        send_heartbeat("heartbeat")

    assert str(refused.value).startswith(reason)
    assert SECRET_PATH not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_heartbeat_is_not_redirected(httpserver: HTTPServer) -> None:
    headers = {"location": httpserver.url_for("/elsewhere")}
    httpserver.expect_request("/ping").respond_with_data("no", status=302, headers=headers)
    save_address(httpserver.url_for("/ping"))

    with pytest.raises(HeartbeatError, match="answered 302"):
        send_heartbeat("heartbeat")

    assert [request.path for request, _ in httpserver.log] == ["/ping"]


def test_a_heartbeat_without_its_block_says_which() -> None:
    with pytest.raises(HeartbeatError, match="there is no Secret block never-saved for the heartbeat"):
        send_heartbeat("never-saved")


def test_a_provider_that_takes_nothing_fails_the_run_and_stops_the_heartbeat(
    url: str, notified: HTTPServer
) -> None:
    notified.clear_all_handlers()
    notified.expect_request("/webhook").respond_with_data("no", status=400)
    notified.expect_request(f"/{SECRET_PATH}").respond_with_data("taken")
    save_address(notified.url_for(f"/{SECRET_PATH}"))

    state = follow_up(LATER, heartbeat_secret="heartbeat")

    assert state.is_failed()
    assert (state.message or "").startswith("could not deliver through webhook (permanent")
    assert data_of(state)["problems"] == []
    assert SECRET_PATH not in {request.path.strip("/") for request, _ in notified.log}
    assert len(rows_of(url, ESCALATION_KIND)) == 1  # it was taken, and its outcome is beside it
