"""An outage of a connector from its first refusal to its closure, as people live through it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from pytest_httpserver import HTTPServer

from blocks.ledger_key import open_signing_key
from flows.approve_replay import approve_replay
from flows.drill_check import drill_check
from flows.execute_replay import execute_replay
from flows.replay_notifications import replay_notifications
from flows.request_replay import request_replay
from rollback_drills.console.links import ServedLinks
from rollback_drills.console.pages import write_outages
from rollback_drills.console.source import read_console
from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.evidence.export.bundle import export
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.record_kinds import (
    CLOSURE_KIND,
    OUTAGE_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_REFUSAL_KIND,
)
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.bundle import verify_bundle
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from tests.processes.saved_connectors import SavedConnectors
from tests.reading.html_pages import HtmlPage
from tests.samples.builders import SCHEDULE
from tests.samples.recovery import find_records, kinds_of

pytestmark = pytest.mark.usefixtures("prefect_server")
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
WHY = "the receiver is up again"


@pytest.fixture
def receiver(httpserver: HTTPServer, tmp_path: Path, connectors: SavedConnectors) -> HTTPServer:
    """Save the connector `webhook`, through which nothing is replayed without an approval."""
    entry = {"url": httpserver.url_for("/webhook"), "replay_approval": "required"}
    connectors.save(tmp_path / "connectors-config", {"webhook": entry})
    return httpserver


@pytest.fixture
def schedules(tmp_path: Path) -> str:
    """Write two overdue schedules that are sent through the webhook."""
    folder = tmp_path / "schedules"
    folder.mkdir()
    document = {**SCHEDULE, "notification_providers": ["webhook"]}
    for name in ("payments", "search"):
        written = {**document, "schedule_id": name, "owners": [f"{name}-team"]}
        (folder / f"{name}.json").write_text(json.dumps(written))
    return str(folder)


def answer(receiver: HTTPServer, status: int) -> None:
    """Let the receiver answer with a status from now on."""
    receiver.clear()
    receiver.expect_request("/webhook").respond_with_data("the answer", status=status)


def check(schedules: str) -> State[Any]:
    """Run a check."""
    state: State[Any] = drill_check(schedule=schedules, as_of=NOW, retries=0, return_state=True)
    return state


def run_id(state: State[Any]) -> str:
    """Return the flow run that ended so."""
    return str(state.state_details.flow_run_id)


def test_from_the_first_refusal_to_the_closure(
    url: str, schedules: str, receiver: HTTPServer, tmp_path: Path
) -> None:
    database = Database.open(url)
    answer(receiver, 422)
    refused = check(schedules)
    assert refused.is_failed()
    (opened,) = find_records(database, OUTAGE_KIND)
    assert (opened["provider"], opened["dead_letter_count"]) == ("webhook", 2)
    assert opened["flow_run_id"] == run_id(refused)
    assert check(schedules).is_failed()
    assert kinds_of(database) == ["connector-outage"], "the next run opens no other"
    page = look(database, schedules)
    assert "1 outage, the open ones first" in page
    assert "2 delivered" not in page

    # one person alone
    alone = replay_notifications(WHY, "maria", provider="webhook", return_state=True)
    assert (alone.is_failed(), "needs the approval" in (alone.message or "")) == (True, True)
    assert len(find_records(database, REPLAY_REFUSAL_KIND)) == 1

    # two people
    asked = request_replay(WHY, "maria", provider="webhook", return_state=True)
    replay_id = result_of(asked)["replay_id"]
    assert approve_replay(replay_id, "Maria", return_state=True).is_failed()
    assert execute_replay(replay_id, "maria", return_state=True).is_failed()
    assert len(find_records(database, REPLAY_REFUSAL_KIND)) == 3
    assert approve_replay(replay_id, "jo", return_state=True).name == "Approved"
    answer(receiver, 200)
    executed = execute_replay(replay_id, "maria", return_state=True)

    assert (executed.name, len(receiver.log)) == ("Replayed", 2), executed.message
    assert execute_replay(replay_id, "maria", return_state=True).is_failed()
    assert kinds_of(database) == [
        "connector-outage",
        "replay-refusal",
        "replay-request",
        "replay-refusal",
        "replay-refusal",
        "replay-approval",
        "replay-execution",
        "connector-recovery-closure",
        "replay-outcome",
    ]
    (closed,) = find_records(database, CLOSURE_KIND)
    assert (closed["waited_count"], closed["delivered_count"]) == (2, 2)
    (act,) = closed["replayed"]
    assert (act["requested_by"], act["approved_by"], act["count"]) == ("maria", "jo", 2)
    assert closed["flow_run_ids"] == [run_id(refused), run_id(executed)]
    page = look(database, schedules)
    assert "2 delivered, 0 waiting" in page
    assert "requested by maria and approved by jo" in page
    report = export_report(database, tmp_path / "export")
    rows_of_report = [*map(report.find, ("began", "ended", "replay refusal", "replay outcome"))]
    assert rows_of_report == sorted(rows_of_report)
    assert -1 not in rows_of_report


def test_one_person_sends_again_where_no_approval_is_needed(
    url: str, schedules: str, httpserver: HTTPServer, tmp_path: Path, connectors: SavedConnectors
) -> None:
    database = Database.open(url)
    connectors.save(tmp_path / "connectors-config", {"webhook": {"url": httpserver.url_for("/webhook")}})
    answer(httpserver, 422)
    assert check(schedules).is_failed()
    answer(httpserver, 200)

    sent = replay_notifications(WHY, "maria", provider="webhook", return_state=True)

    assert (sent.name, len(httpserver.log)) == ("Replayed", 2), sent.message
    (record,) = find_records(database, REPLAY_EXECUTION_KIND)
    assert (record["replayed_by"], record["reason"], record["flow_run_id"]) == ("maria", WHY, run_id(sent))
    nothing = replay_notifications(WHY, "maria", provider="webhook", return_state=True)
    assert nothing.is_failed()
    assert nothing.message == 'provider is "webhook", which has no dead letters that matter'


def test_a_receiver_that_cannot_be_reached_and_comes_back(
    url: str, schedules: str, receiver: HTTPServer
) -> None:
    database = Database.open(url)
    receiver.stop()
    assert check(schedules).is_failed()
    assert check(schedules).is_failed()
    receiver.start()
    answer(receiver, 200)
    with database.write() as connection:  # the pause is over
        connection.exec_driver_sql("UPDATE destinations SET cool_until = 0")
        connection.exec_driver_sql("UPDATE outbox SET due_at = queued_at")

    assert not check(schedules).is_failed()

    assert kinds_of(database) == ["connector-outage", "connector-recovery-closure"]
    opened, closed = find_records(database)
    assert opened["waiting_count"] >= 1
    assert (closed["waited_count"], closed["delivered_count"], closed["replayed"]) == (2, 2, [])


def look(database: Database, schedules: str) -> str:
    """Return the text of the page of outages."""
    subjects = load_fleet(schedules, None).subjects
    now = database.now()
    console = read_console(database, subjects, judge_all(subjects, Criteria(), now=now), now=now)
    return HtmlPage(write_outages(console, ServedLinks())).text


def export_report(database: Database, folder: Path) -> str:
    """Export the evidence, verify it, and return the part of the report about outages."""
    head = find_head(database)
    assert head is not None
    key = open_signing_key(head.public_key)
    export(
        database, Query(None, None, schedules=None), folder, key=key, exported_at=NOW, progress=lambda _: None
    )
    assert verify_bundle(folder, Trust(), lambda _: None).findings == []
    text = (folder / "report.html").read_text()
    return text.partition("When connectors delivered nothing")[2].partition("<h2>Suppressions</h2>")[0]


def result_of(state: State[Any]) -> PlainJson:
    """Return the document with which a run ended."""
    found: PlainJson = state.result()
    return found
