"""What both flows tell Prefect's feed of events, read back from a real server."""

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import State, flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_EVENTS_MAXIMUM_SIZE_BYTES, get_current_settings, temporary_settings
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from flows.deliver_notifications import deliver_notifications
from flows.drill_check import drill_check
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import State as DeliveryState
from rollback_drills.redaction.redactor import remember_secrets
from rollback_drills.reports.pages.run_page import ScheduleRun
from tasks.events import emit_events
from tests.checkout import ROOT
from tests.processes.prefect_server import copy_migrated
from tests.processes.saved_connectors import SavedConnectors
from tests.samples.builders import build_notifications, judged, make_subject, planned

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
PREFIX = "cavra.go_backend.rollback_drill."
TOKEN = "tOken+of/the42webhook"
EVERYTHING = Changes(is_first=True, changed=frozenset({"payments"}))
SCHEDULE: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
    "schedule_id": "payments",
    "environment": "production",
    "status": "active",
    "interval_days": 30,
    "next_due_at": "2026-01-05T09:00:00Z",
    "owners": ["payments-team"],
    "notification_providers": ["webhook"],
    "runbook_ref": "docs/runbook.md",
}


@pytest.fixture
def schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a schedule that is overdue, and keep the evidence in a database of its own."""
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'evidence.db'}")
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps(SCHEDULE))
    return str(path)


@pytest.fixture
def receiver(httpserver: HTTPServer, tmp_path: Path, connectors: SavedConnectors) -> Iterator[HTTPServer]:
    """Save a connector that leads to the receiver, as the only one."""
    connectors.save(tmp_path / "connectors.json", connector(httpserver))
    yield httpserver
    httpserver.clear()


def connector(httpserver: HTTPServer) -> dict[str, Any]:
    """Configure a webhook with a secret."""
    return {"webhook": {"url": httpserver.url_for("/hook"), "token": TOKEN}}


def quote_all(request: Request) -> Response:
    """Refuse a request for good, and quote where it went and with which token."""
    return Response(f"{request.url} refused {request.headers['authorization']}", status=400)


def events_of(state: State[Any], *, at_least: int = 1) -> list[dict[str, Any]]:
    """Return our events of the flow run that ended in this state, first to last."""
    run_id = state.state_details.flow_run_id
    assert isinstance(run_id, UUID)
    return find_events({"related": {"id": [f"prefect.flow-run.{run_id}"]}}, at_least=at_least)


def find_events(which: Mapping[str, Any], *, at_least: int) -> list[dict[str, Any]]:
    """Return our events that a filter finds, first to last, as soon as there are so many."""
    wanted = {"filter": {"event": {"prefix": [PREFIX]}, **which, "order": "ASC"}}
    until = time.monotonic() + 20
    with get_client(sync_client=True) as client:
        while True:
            found: list[dict[str, Any]] = client._client.post("/events/filter", json=wanted).json()["events"]
            if len(found) >= at_least or time.monotonic() > until:
                return found
            time.sleep(0.05)


def test_a_run_tells_what_it_found_decided_and_delivered(schedule: str, receiver: HTTPServer) -> None:
    receiver.expect_request("/hook").respond_with_data("taken")

    state = deliver_notifications(schedule=schedule, as_of=NOW, return_state=True)

    *events, ended = events_of(state, at_least=4)
    assert [event["event"].removeprefix(PREFIX) for event in events] == [
        "readiness.needs_attention",
        "decision.deliver",
        "delivery.delivered",
    ]
    assert ended["event"] == f"{PREFIX}check.completed"
    assert ended["resource"]["prefect.resource.id"] == "rollback-drills.check.payments"
    assert ended["payload"] == {
        "schedule_count": 1,
        "state_counts": {"needs_attention": 1},
        "changed_count": 1,
        "unchanged_count": 0,
        "came_count": 0,
        "gone_count": 0,
        "delivery_count": 1,
    }
    for event in events:
        assert event["resource"] == {
            "prefect.resource.id": "rollback-drills.schedule.payments",
            "prefect.resource.name": "payments",
            "rollback-drills.environment": "production",
        }
    related = {each["prefect.resource.role"]: each["prefect.resource.id"] for each in events[-1]["related"]}
    cycle = events[-1]["payload"]["cycle_id"]
    assert related.items() >= {
        ("cycle", f"rollback-drills.cycle.{cycle}"),
        ("provider", "rollback-drills.provider.webhook"),
        ("owner", "rollback-drills.owner.payments-team"),
        ("flow-run", f"prefect.flow-run.{state.state_details.flow_run_id}"),
    }


def test_a_second_run_in_which_nothing_changed_emits_only_that_it_has_ended(
    schedule: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/hook").respond_with_data("taken")
    deliver_notifications(schedule=schedule, as_of=NOW, return_state=True)

    state = drill_check(schedule=schedule, as_of=NOW, return_state=True)

    (ended,) = events_of(state)
    assert ended["event"] == f"{PREFIX}check.completed"
    assert (ended["payload"]["changed_count"], ended["payload"]["unchanged_count"]) == (0, 1)
    assert state.message == "payments needs attention; nothing changed; notifications delivered: 0"


def test_a_refusal_is_told_without_the_address_and_the_secret_that_the_provider_quotes(
    schedule: str, receiver: HTTPServer
) -> None:
    receiver.expect_request("/hook").respond_with_handler(quote_all)

    state = deliver_notifications(schedule=schedule, as_of=NOW, return_state=True)

    event = events_of(state, at_least=4)[-2]
    assert event["event"] == f"{PREFIX}delivery.permanent"
    assert "refused" in event["payload"]["error"]
    assert TOKEN not in json.dumps(event)
    assert "http://" not in json.dumps(event)


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("xoxb-2026-in-the-wrong-place", id="what looks like a credential"),
        pytest.param("plain words of a secret", id="what was opened as a secret"),
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands(secret: str) -> None:
    remember_secrets([secret] if secret.startswith("plain") else [])
    subject = make_subject(owners=["team-a"], notification_providers=["slack"])
    run = ScheduleRun(judged(subject), planned(subject), [])
    (planned_one,) = build_notifications(run.judgement.schedule_report, run.plan)
    notification = dataclasses.replace(planned_one, title=f"see {secret}", schedule_id=f"s {secret}")
    verdict = Verdict(Outcome.PERMANENT, detail=f"refused {secret}")
    delivery = Delivery(notification, verdict, 1, NOW, NOW, DeliveryState.PERMANENT)

    @flow
    def emit() -> None:
        emit_events([run], [delivery], EVERYTHING, is_single=True)

    event = events_of(emit(return_state=True), at_least=4)[-2]

    assert event["resource"]["prefect.resource.id"] == "rollback-drills.schedule.s [redacted]"
    assert (event["payload"]["title"], event["payload"]["error"]) == ("see [redacted]", "refused [redacted]")


def test_a_dry_run_emits_nothing(schedule: str, receiver: HTTPServer) -> None:
    dry = drill_check(schedule=schedule, as_of=NOW, dry_run=True, return_state=True)
    real = drill_check(schedule=schedule, as_of=NOW, return_state=True)

    assert events_of(real)  # so that those of the earlier run have arrived too
    assert events_of(dry, at_least=0) == []


@pytest.mark.usefixtures("prefect_server")
def test_an_event_that_is_too_large_for_prefect_does_not_fail_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    subject = make_subject()
    run = ScheduleRun(judged(subject), planned(subject), [])

    @flow
    def emit() -> None:
        with temporary_settings({PREFECT_EVENTS_MAXIMUM_SIZE_BYTES: 100}):
            emit_events([run], [], EVERYTHING, is_single=True)

    emit()

    assert f"no event {PREFIX}readiness.needs_attention of payments" in caplog.text


OF_A_DELIVERY = ["check.completed", "decision.deliver", "delivery.pending", "readiness.needs_attention"]


def deliver_in_a_process(schedule: str, environ: Mapping[str, str]) -> None:
    """Run the command until it ends; no connector is saved under the name that the schedule has."""
    done = subprocess.run(
        [sys.executable, "-m", "rollback_drills_cli.main", "deliver", "--schedule", schedule],
        cwd=ROOT,
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "no connector named 'pigeon'" in done.stdout


def test_the_events_of_a_command_are_on_the_server_before_it_ends(
    schedule: str, prefect_server: None
) -> None:
    name = f"payments-{uuid4().hex}"
    Path(schedule).write_text(
        json.dumps({**SCHEDULE, "schedule_id": name, "notification_providers": ["pigeon"]})
    )
    environ = {**os.environ, **get_current_settings().to_environment_variables(exclude_unset=True)}

    deliver_in_a_process(schedule, environ)

    resources = [f"rollback-drills.{kind}.{name}" for kind in ("schedule", "check")]
    found = find_events({"resource": {"id": resources}}, at_least=4)
    assert sorted(each["event"].removeprefix(PREFIX) for each in found) == OF_A_DELIVERY


@pytest.mark.chaos  # a server of its own takes as long as twenty tests
def test_the_events_of_a_command_without_a_server_are_kept_before_it_ends(
    schedule: str, tmp_path: Path
) -> None:
    Path(schedule).write_text(json.dumps({**SCHEDULE, "notification_providers": ["pigeon"]}))
    copy_migrated(tmp_path / "prefect" / "prefect.db")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }

    deliver_in_a_process(schedule, environ)

    with closing(sqlite3.connect(tmp_path / "prefect" / "prefect.db")) as database:
        rows = database.execute("SELECT event FROM events WHERE event LIKE ?", (f"{PREFIX}%",)).fetchall()
    assert sorted(name.removeprefix(PREFIX) for (name,) in rows) == OF_A_DELIVERY
