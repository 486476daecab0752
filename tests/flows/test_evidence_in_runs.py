"""The ledger as flow runs and commands on a real Prefect server write it."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from blocks.ledger_key import LedgerKeyError, block_name, open_signing_key
from flows.deliver_notifications import deliver_notifications
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.heads import Head, find_head
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.ledger.checkpoint import read_witnesses
from rollback_drills.evidence.ledger.keys import SigningKey
from rollback_drills.evidence.record_kinds import (
    DECISION_KIND,
    DELIVERY_KIND,
    DRILL_KIND,
    KEY_KIND,
    LEDGER_KINDS,
    PLAN_KIND,
    ROUTE_DELIVERY_KIND,
)
from rollback_drills_cli.main import app
from tasks.evidence import open_database, open_existing
from tests.samples.builders import DRILL
from tests.samples.plain_records import as_record, read_plain, start_record

pytestmark = pytest.mark.usefixtures("prefect_server")
SCHEDULE: Mapping[str, Any] = {
    "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
    "schedule_id": "payments",
    "environment": "production",
    "status": "active",
    "interval_days": 30,
    "next_due_at": "2026-11-01T09:00:00Z",
    "owners": ["payments-team"],
    "notification_providers": ["webhook"],
    "runbook_ref": "docs/runbook.md",
}


def write(folder: Path, name: str, document: Mapping[str, Any]) -> str:
    path = folder / name
    path.write_text(json.dumps(document))
    return str(path)


def drills(*arguments: str) -> tuple[int, str]:
    """Run a command, and give its exit code and what it printed."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output + str(result.exception or "")


def newest(url: str) -> Head:
    head = find_head(Database.open(url))
    assert head
    return head


def test_a_run_signs_its_evidence_and_hands_copies_of_the_head_out(
    tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    schedule = write(tmp_path, "schedule.json", SCHEDULE)
    deliver_notifications(schedule=schedule, return_state=True)
    first = newest(url)
    deliver_notifications(schedule=schedule, force=True, return_state=True)

    bodies = [json.loads(request.data) for request, _ in receiver.log]
    assert "evidence_head" not in bodies[0]
    assert bodies[1]["evidence_head"] == first.checkpoint.short
    with get_client(sync_client=True) as client:
        artifacts = client.request(
            "POST", "/artifacts/filter", json={"sort": "CREATED_DESC", "limit": 200}
        ).json()
    pages = [each["data"] for each in artifacts if isinstance(each["data"], str)]
    assert any(str(first.note) in page for page in pages)
    assert any(str(newest(url).note) in page for page in pages)

    copy = tmp_path / "copy.txt"
    copy.write_text(f"Evidence head: {bodies[1]['evidence_head']}\n")
    code, printed = drills(
        "evidence", "verify", "--checkpoint", str(copy), "--public-key", first.public_key.text
    )
    assert code == 0, printed
    assert "Verified: everything is as it was signed." in printed


def test_the_runs_of_a_process_share_the_connections_of_one_database(
    tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    schedule = write(tmp_path, "schedule.json", SCHEDULE)
    assert open_existing(url) is None
    deliver_notifications(schedule=schedule, return_state=True)
    shared = open_database(url)

    for _ in range(2):
        deliver_notifications(schedule=schedule, return_state=True)
    assert open_existing(url) is open_existing(url, LEDGER.name) is shared
    pooled = shared.engine.pool.checkedin()  # type: ignore[attr-defined]  # of the pool of a file
    if url.startswith("sqlite"):
        files = [os.path.realpath(each.path) for each in os.scandir("/proc/self/fd")]
        assert files.count(url.removeprefix("sqlite:///")) == pooled


def test_evidence_that_begins_beside_other_evidence_is_said_once(
    tmp_path: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = write(tmp_path, "schedule.json", SCHEDULE)
    said = "new evidence begins in this database, although the Prefect server has keys of"
    before = {drill_check(schedule=schedule, return_state=True).message or "" for _ in range(2)}
    assert any(said not in each for each in before), "the second run knows the evidence"

    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'another.db'}")
    first = drill_check(schedule=schedule, return_state=True).message or ""
    second = drill_check(schedule=schedule, return_state=True).message or ""

    assert said in first
    assert "if you do not mean this, correct DRILLS_DATABASE_URL" in first
    assert said not in second


def test_every_record_of_a_run_names_it(tmp_path: Path, url: str, receiver: HTTPServer) -> None:
    schedule = write(tmp_path, "schedule.json", SCHEDULE)
    history = write(
        tmp_path,
        "history.json",
        {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]},
    )
    state = deliver_notifications(schedule=schedule, history=history, return_state=True)

    records, total = EvidenceIndex.open(url).find(EvidenceFilter())
    assert {each["metadata_kind"] for each in records} >= {
        *(PLAN_KIND, DECISION_KIND, DELIVERY_KIND, ROUTE_DELIVERY_KIND, DRILL_KIND)
    }
    assert len(records) == total
    named = {each.get("flow_run_id") for each in records if each["metadata_kind"] not in LEDGER_KINDS}
    assert named == {str(state.state_details.flow_run_id)}


def test_the_key_is_a_secret_block_of_its_own(tmp_path: Path, url: str, receiver: HTTPServer) -> None:
    deliver_notifications(schedule=write(tmp_path, "schedule.json", SCHEDULE), return_state=True)

    public_key = newest(url).public_key
    block = Secret.load(block_name(public_key), _sync=True)  # type: ignore[call-arg]  # Prefect's own
    text = block.value.get_secret_value()  # type: ignore[union-attr]  # loaded at once
    assert SigningKey.parse(text).public == public_key
    assert EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=KEY_KIND))[1] == 1
    written = b"".join(file.read_bytes() for file in tmp_path.glob("evidence.db*"))
    assert text.encode() not in written


def test_a_run_without_the_key_fails_and_says_how_to_go_on(
    tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    schedule = write(tmp_path, "schedule.json", SCHEDULE)
    deliver_notifications(schedule=schedule, return_state=True)
    size = newest(url).checkpoint.size
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents():
            if document.name and document.name.startswith("rollback-drills-ledger-"):
                assert document.id is not None
                client.delete_block_document(document.id)

    state = deliver_notifications(schedule=schedule, force=True, return_state=True)

    assert state.is_failed()
    assert "restore its Secret block rollback-drills-ledger-" in (state.message or "")
    assert len(receiver.log) == 2  # the owners were told all the same
    assert newest(url).checkpoint.size == size
    code, printed = drills("evidence", "rotate-key", "--by", "maria", "--lost")
    assert code == 0, printed
    code, printed = drills("evidence", "verify", "--json")
    assert code == 1
    assert "was lost: it did not sign the new key" in printed
    assert deliver_notifications(schedule=schedule, return_state=True).is_completed()
    code, printed = drills("evidence", "verify", "--json")
    assert code == 0, "the Prefect server has the new key, and remembers a head that it signed"
    kept = newest(url).public_key.text
    code, printed = drills("evidence", "verify", "--json", "--public-key", kept)
    assert code == 0, printed
    outcomes = EvidenceIndex.open(url).find(EvidenceFilter(provider="webhook", success=True))[1]
    assert outcomes == 2  # also that of the run that could not write


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("", "the signing key is damaged"),
        (SigningKey.generate("rollback-drills/other").to_text(), "has another key"),
    ],
    ids=["empty", "another key"],
)
def test_a_key_that_somebody_changed_is_named_with_its_remedy(
    value: str, what: str, tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    deliver_notifications(schedule=write(tmp_path, "schedule.json", SCHEDULE), return_state=True)
    public_key = newest(url).public_key
    name = block_name(public_key)
    block: Secret[str] = Secret(value=value)
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it

    with pytest.raises(LedgerKeyError) as raised:
        open_signing_key(public_key)

    message = str(raised.value)
    assert what in message
    assert f"the Secret block {name} " in message
    assert "; restore it, or replace the key with `drills evidence rotate-key" in message
    assert not value or value not in message


def test_a_drill_is_recorded_once_and_again_when_it_was_changed(tmp_path: Path, url: str) -> None:
    schedule = write(tmp_path, "schedule.json", {**SCHEDULE, "next_due_at": "2099-01-01T00:00:00Z"})
    history = {"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": [DRILL]}
    for minutes in (7, 7, 9):
        history["drills"] = [{**DRILL, "recovery_minutes": minutes}]
        path = write(tmp_path, "history.json", history)
        drill_check(schedule=schedule, history=path, return_state=True)

    records = read_plain(Database.open(url), DRILL_KIND)

    assert [each["drill"]["recovery_minutes"] for each in records] == [9, 7]
    assert {each["schedule_id"] for each in records} == {"payments"}


def test_a_clock_that_went_back_fails_one_run_and_the_evidence_verifies(tmp_path: Path, url: str) -> None:
    schedule = write(tmp_path, "schedule.json", {**SCHEDULE, "next_due_at": "2099-01-01T00:00:00Z"})
    drill_check(schedule=schedule, return_state=True)
    key = Secret.load(block_name(newest(url).public_key), _sync=True)  # type: ignore[call-arg]  # Prefect's own
    text = key.value.get_secret_value()  # type: ignore[union-attr]  # loaded at once
    record = start_record(
        "a-plan", "rcd-x", created_at=datetime.now(UTC) + timedelta(hours=2), signer="another machine"
    )
    append(Database.open(url), [as_record(record)], lambda _: SigningKey.parse(text))

    noticed = drill_check(schedule=schedule, return_state=True)
    after = drill_check(schedule=schedule, return_state=True)

    assert noticed.is_failed()
    assert "the clock went back by 1 h 59 min since" in (noticed.message or "")
    assert after.is_completed()
    assert "behind the newest evidence" in (after.message or "")
    assert drills("evidence", "verify")[0] == 0


def test_a_clock_that_is_behind_is_said_by_a_follow_up_that_finds_nothing_due(
    tmp_path: Path, url: str
) -> None:
    schedule = write(tmp_path, "schedule.json", {**SCHEDULE, "next_due_at": "2099-01-01T00:00:00Z"})
    drill_check(schedule=schedule, return_state=True)
    key = Secret.load(block_name(newest(url).public_key), _sync=True)  # type: ignore[call-arg]  # Prefect's own
    text = key.value.get_secret_value()  # type: ignore[union-attr]  # loaded at once
    ahead = datetime.now(UTC) + timedelta(hours=2)
    record = start_record("a-plan", "rcd-x", created_at=ahead, signer="another machine")
    append(Database.open(url), [as_record(record)], lambda _: SigningKey.parse(text))

    noticed = escalate_unacknowledged(schedule=schedule, return_state=True)

    assert noticed.is_failed()
    assert "the clock of this machine is 1 h 59 min behind" in (noticed.message or "")


def test_the_commands_of_the_evidence_do_what_they_say(
    tmp_path: Path, url: str, receiver: HTTPServer
) -> None:
    schedule = write(tmp_path, "schedule.json", SCHEDULE)
    deliver_notifications(schedule=schedule, return_state=True)
    head = newest(url)

    code, printed = drills("evidence", "head")
    assert (code, read_witnesses(printed)) == (0, [head.checkpoint])
    assert drills("evidence", "head", "--key") == (0, f"{head.public_key.text}\n")
    code, printed = drills("evidence", "prove", "2")
    assert (code, json.loads(printed)["leaf_index"]) == (0, 2)
    code, printed = drills("evidence", "export", str(tmp_path / "out"))
    assert code == 0, printed
    code, printed = drills("evidence", "verify", str(tmp_path / "out"))
    assert code == 0, printed
    assert "--checkpoint, --public-key" in printed
    report = tmp_path / "out/report.html"
    report.write_text(report.read_text().replace("payments", "billing"))
    code, printed = drills("evidence", "verify", str(tmp_path / "out"))
    assert code == 1
    assert "changed: report.html is not the file that was exported" in printed
    code, printed = drills("evidence", "prune", "--by", "maria", "--dry-run")
    assert (code, printed.startswith("0 rows from before")) == (0, True)
    cycle = str(EvidenceIndex.open(url).find(EvidenceFilter(provider="webhook"))[0][0]["cycle_id"])
    code, printed = drills(
        *("ack", "--cycle", cycle, "--provider", "webhook", "--owner", "payments-team", "--by", "maria")
    )
    assert code == 0, printed
    assert newest(url).checkpoint.size == head.checkpoint.size + 1
    code, printed = drills("evidence", "rotate-key", "--by", "maria")
    assert code == 0, printed
    code, printed = drills("evidence", "verify", "--public-key", head.public_key.text)
    assert code == 0, printed


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["export", "out"], "there is no evidence at"),
        (["verify", "none"], "none is not a folder"),
        (["verify", "x", "--database", "sqlite:///x.db"], "pass either EXPORT or --database"),
        (["verify", "--checkpoint", "none"], "none cannot be read"),
        (["verify", "--public-key", "x"], "a public key is not readable"),
        (["prove"], "pass either ROW or --from-size"),
        (["prune", "--by", " "], "by is empty"),
        (["prune", "--by", "maria", "--older-than-months", "3"], "must be a number of months from 12"),
        (["import", "none.json", "--by", "maria"], "cannot be read"),
        (["export", "out", "--from", "2026-13-01"], "write a day, 2026-06-20"),
        (["export", "out", "--from", "2026-02-01", "--to", "2026-01-01"], "is not before"),
    ],
)
def test_a_mistake_of_the_caller_is_one_message(arguments: list[str], problem: str, url: str) -> None:
    code, printed = drills("evidence", *arguments)

    assert code == 1  # of the runner; `main` makes it 2
    assert problem in printed
