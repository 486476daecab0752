"""A run that leaves notifications waiting or dead says so, and a retry of it delivers them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry
from pytest_httpserver import HTTPServer
from sqlalchemy import text, update

from flows.acknowledge_notification import acknowledge_notification
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from tests.samples.builders import SCHEDULE
from tests.samples.outbox_rows import discard

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
def schedule(tmp_path: Path) -> str:
    """Write an overdue schedule that is sent through the webhook."""
    document = {**SCHEDULE, "owners": ["payments-team"], "notification_providers": ["webhook"]}
    document |= {"owner_routes": {}, "maintenance_windows": [], "owner_calendars": {}}
    (tmp_path / "schedule.json").write_text(json.dumps(document))
    return str(tmp_path / "schedule.json")


def answer(receiver: HTTPServer, status: int, headers: Mapping[str, str] | None = None) -> None:
    """Let the receiver answer with a status from now on."""
    receiver.clear_all_handlers()
    receiver.expect_request("/webhook").respond_with_data("the answer", status=status, headers=headers)


def check(schedule: str, **parameters: Any) -> State[Any]:
    """Run a check, and return its final state."""
    given = {"schedule": schedule, "as_of": NOW, "retries": 0, **parameters}
    state: State[Any] = drill_check(**given, return_state=True)
    return state


def result_of(state: State[Any]) -> dict[str, Any]:
    """Return the documents with which a run ended."""
    data = state.result(raise_on_failure=False)
    found = data.result if isinstance(data, DeliveryFailedError) else data
    assert isinstance(found, dict), state
    return found


def newest_page(schedule_id: str) -> str:
    """Return the newest page of a schedule."""
    key = ArtifactFilter(key=ArtifactFilterKey(any_=[f"rollback-drill-{schedule_id}"]))
    with get_client(sync_client=True) as client:
        pages = client.read_artifacts(artifact_filter=key)
    return str(max(pages, key=lambda each: str(each.created)).data)


def name_of(state: State[Any]) -> str:
    run_id = state.state_details.flow_run_id
    assert run_id
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run_id).name


def retry(state: State[Any], schedule: str) -> State[Any]:
    """Retry a run as the Prefect UI does: the same run, in a new process."""
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
        run = client.read_flow_run(run_id)
    given = {"schedule": schedule, "as_of": NOW, "retries": 0}
    found: Any = run_flow(drill_check, flow_run=run, parameters=given, return_type="state")
    assert isinstance(found, State)
    return found


@pytest.mark.parametrize("status", [pytest.param(503, marks=pytest.mark.chaos), 429])
def test_a_second_run_says_what_waits_and_when_the_next_attempt_is(
    url: str, schedule: str, receiver: HTTPServer, status: int
) -> None:
    answer(receiver, status)
    first = check(schedule)
    assert first.is_failed()
    (item,), _ = find_rows(Database.open(url), OutboxFilter())
    assert item.due_at is not None
    at = datetime.fromtimestamp(item.due_at, UTC)

    second = check(schedule, as_of=NOW + timedelta(minutes=1))

    assert second.is_failed()
    assert len(receiver.log) == 1, "nothing was due"
    assert name_of(second).endswith("; 1 not delivered")
    message = second.message or ""
    assert "1 notification waits for webhook, to payments-team (answered" in message
    assert f"next attempt {at.day} {at:%b %Y, %H:%M} UTC" in message
    delivery = result_of(second)["delivery"]
    assert (delivery["nothing_to_deliver"], delivery["success"]) == (False, False)
    assert delivery["deliveries"][0]["next_attempt_at"] == at.isoformat()
    page = newest_page("payments")
    assert "**waiting: 1**" in page
    assert "## Waiting" in page
    assert f"{at.day} {at:%b %Y, %H:%M} UTC" in page


def test_what_was_never_tried_because_of_a_pause_waits_until_its_end(
    url: str, schedule: str, receiver: HTTPServer
) -> None:
    answer(receiver, 429, {"retry-after": "3000"})
    check(schedule)
    other = Path(schedule).with_name("other.json")
    other.write_text(Path(schedule).read_text().replace("payments", "search"))

    state = check(str(other))

    assert state.is_failed()
    waiting = "1 notification waits for webhook, to search-team (waits for its first attempt); next attempt"
    assert waiting in (state.message or "")


def test_runs_fail_and_name_a_dead_letter_until_somebody_deals_with_it(
    url: str, schedule: str, receiver: HTTPServer
) -> None:
    answer(receiver, 422)
    first = check(schedule)
    (item,), _ = find_rows(Database.open(url), OutboxFilter())
    letter = f"1 dead letter: {item.notification_id} (webhook, to payments-team: answered 422"
    assert letter in (first.message or "")

    second = check(schedule, as_of=NOW + timedelta(minutes=1))

    assert second.is_failed()
    assert letter in (second.message or "")
    assert result_of(second)["delivery"]["nothing_to_deliver"] is False
    assert "**dead letters: 1**" in newest_page("payments")

    discard(Database.open(url), [item.notification_id])
    answer(receiver, 200)
    assert check(schedule, as_of=NOW + timedelta(minutes=2)).name == "NeedsAttention"


def test_a_dead_letter_is_settled_when_the_owner_is_notified_later(
    url: str, schedule: str, receiver: HTTPServer
) -> None:
    answer(receiver, 422)
    assert check(schedule).is_failed()
    answer(receiver, 200)

    state = check(schedule, as_of=NOW + timedelta(days=2))

    assert (state.name, len(receiver.log)) == ("NeedsAttention", 2), state.message
    assert "## Dead letters" in newest_page("payments")


def test_the_follow_up_is_not_healthy_while_something_waits(
    url: str, schedule: str, receiver: HTTPServer
) -> None:
    answer(receiver, 503)
    check(schedule)

    state = escalate_unacknowledged(schedule=schedule, as_of=NOW, return_state=True)

    assert state.is_failed()
    assert "1 notification waits for webhook" in (state.message or "")


def test_a_run_of_other_schedules_or_providers_does_not_fail_for_it(
    url: str, schedule: str, receiver: HTTPServer
) -> None:
    answer(receiver, 503)
    check(schedule)
    other = Path(schedule).with_name("other.json")
    ready = {**json.loads(Path(schedule).read_text()), "schedule_id": "search"}
    other.write_text(json.dumps({**ready, "next_due_at": "2027-06-01T09:00:00Z"}))

    assert check(str(other)).name == "Ready"
    filtered = check(schedule, provider="slack")
    assert "; nobody is notified through slack: payments has webhook;" in (filtered.message or "")
    assert filtered.name == "NeedsAttention"
    assert "through providers that this run was not asked for: 1 notification waits for webhook" in (
        filtered.message or ""
    )


def test_a_run_of_another_provider_names_the_dead_letter_that_matters(
    url: str, schedule: str, receiver: HTTPServer
) -> None:
    answer(receiver, 422)
    check(schedule)

    state = check(schedule, provider="slack")

    assert state.name == "NeedsAttention"
    assert "not asked for: 1 dead letter: gordmsg-" in (state.message or "")


@pytest.mark.parametrize(("status", "what"), [(503, "waits for webhook"), (422, "dead letter")])
def test_a_run_names_a_notification_whose_text_somebody_changed(
    url: str, schedule: str, receiver: HTTPServer, status: int, what: str
) -> None:
    answer(receiver, status)
    check(schedule)
    with Database.open(url).write() as connection:
        connection.execute(update(OUTBOX).values(notification="{"))

    for _ in range(2):
        state = check(schedule)

        assert state.is_failed()
        assert what in (state.message or "")
        assert "its text in the outbox cannot be read; restore the row from a backup" in (state.message or "")


@pytest.mark.parametrize("change", ["state = 'x'", "attempt_count = 'many'"])
def test_a_run_names_a_row_that_somebody_changed(
    url: str, schedule: str, receiver: HTTPServer, change: str
) -> None:
    answer(receiver, 503)
    check(schedule)
    with Database.open(url).write() as connection:
        connection.execute(text(f"UPDATE outbox SET {change}"))

    state = check(schedule)

    assert state.is_failed()
    assert "in the outbox cannot be read, so that nobody knows whether its owner was notified: gordmsg-" in (
        state.message or ""
    )


def test_a_dry_run_names_what_waits_and_does_not_fail(url: str, schedule: str, receiver: HTTPServer) -> None:
    answer(receiver, 503)
    check(schedule)

    state = check(schedule, dry_run=True)

    assert state.name == "NeedsAttention"
    assert (state.message or "").startswith("dry run, nothing is sent: payments needs attention")
    assert "1 notification waits for webhook" in (state.message or "")


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(503, id="busy"),
        pytest.param(422, id="refused"),
        pytest.param(410, id="gone", marks=pytest.mark.chaos),
        pytest.param(429, id="too many", marks=pytest.mark.chaos),
    ],
)
def test_a_retry_from_the_prefect_ui_delivers_what_failed(
    url: str, schedule: str, receiver: HTTPServer, status: int
) -> None:
    answer(receiver, status)
    failed = check(schedule)
    assert failed.is_failed()
    answer(receiver, 200)

    again = retry(failed, schedule)

    if status == 429:  # it asked for a pause, which is kept
        assert again.is_failed()
        assert "next attempt" in (again.message or "")
        return
    assert (again.type.value, again.name) == ("COMPLETED", "NeedsAttention"), again.message
    assert len(receiver.log) == 2
    assert result_of(again)["success"] is True


def test_a_retry_delivers_at_once_what_could_not_be_connected(
    url: str, schedule: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.stop()
    failed = check(schedule)
    receiver.start()
    answer(receiver, 200)

    again = retry(failed, schedule)

    assert again.name == "NeedsAttention", again.message
    assert len(receiver.log) == 1


def test_a_retry_sends_nothing_in_a_maintenance_window(url: str, schedule: str, receiver: HTTPServer) -> None:
    answer(receiver, 422)
    failed = check(schedule)
    end_at = (max(NOW, datetime.now(UTC)) + timedelta(days=1)).isoformat()  # a retry has the real clock
    window = {"window_id": "freeze", "start_at": "2026-12-01T00:00:00Z", "end_at": end_at}
    document = {**json.loads(Path(schedule).read_text()), "maintenance_windows": [window]}
    Path(schedule).write_text(json.dumps(document))
    answer(receiver, 200)

    again = retry(failed, schedule)

    assert again.is_failed()
    assert len(receiver.log) == 1
    assert "1 notification waits for webhook" in (again.message or "")


def test_a_repeat_that_waits_is_not_sent_after_an_acknowledgement_and_fails_no_run(
    url: str, schedule: str, receiver: HTTPServer
) -> None:
    database, later = Database.open(url), NOW + timedelta(days=1)
    answer(receiver, 200)
    assert check(schedule).is_completed()
    answer(receiver, 503)
    assert check(schedule, as_of=later).is_failed()
    acknowledge_notification(
        schedule_id="payments", owner="payments-team", provider="webhook", acknowledged_by="maria"
    )
    with database.write() as connection:  # some time has passed
        waiting = update(OUTBOX).where(OUTBOX.c.state == "retry")
        connection.execute(waiting.values(due_at=0.0, queued_at=OUTBOX.c.queued_at - 120.0))
    answer(receiver, 200)

    for _ in range(2):
        state = check(schedule, as_of=later + timedelta(hours=1))
        assert state.is_completed(), state.message

    assert len(receiver.log) == 2
    items, _ = find_rows(database, OutboxFilter())
    assert [each.state for each in items] == ["retry", "delivered"]
    assert items[0].due_at is not None
    assert items[0].due_at > datetime.now(UTC).timestamp() + 3600
