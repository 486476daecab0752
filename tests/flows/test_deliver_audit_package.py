"""The delivery of the audit package as a run, on a real Prefect server, with real HTTP over loopback."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from blocks.registry import CONNECTORS, ConfiguredConnector
from flows.deliver_audit_package import deliver_audit_package
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from rollback_drills.settings import Settings
from rollback_drills_cli.main import app
from tasks.audit_delivery import choose_providers
from tests.flows.test_follow_up_in_runs import data_of

pytestmark = pytest.mark.usefixtures("prefect_server")
EVENT_TYPE = "cavra.go_backend.rollback_drill.acknowledgement_audit_delivery"


def deliver(**parameters: Any) -> State[Any]:
    state: State[Any] = deliver_audit_package(retries=0, return_state=True, **parameters)
    return state


def messages(receiver: HTTPServer) -> list[dict[str, Any]]:
    return [json.loads(request.data) for request, _ in receiver.log if request.path == "/webhook"]


def test_the_last_month_is_delivered_once_and_the_evidence_has_it(url: str, receiver: HTTPServer) -> None:
    first = deliver()

    assert first.name == "Delivered", first.message
    (message,) = messages(receiver)
    assert message["event_type"] == EVENT_TYPE
    data = data_of(first)
    assert (message["audit_id"], message["content_sha256"]) == (data["audit_id"], data["content_sha256"])
    assert (data["providers"], data["message_count"]) == (["webhook"], 1)
    rows, _ = EvidenceIndex.open(url).find(EvidenceFilter(metadata_kind=ROUTE_DELIVERY_KIND))
    assert [(row["event_type"], row["delivery_success"]) for row in rows] == [(EVENT_TYPE, True)]

    again = deliver()
    assert again.message is not None
    assert again.message.endswith(": it was delivered before")
    assert len(messages(receiver)) == 1


def test_a_delivery_that_fails_is_repeated_by_a_later_run(url: str, receiver: HTTPServer) -> None:
    receiver.clear()
    receiver.expect_oneshot_request("/webhook").respond_with_data("later", status=503)
    receiver.expect_request("/webhook").respond_with_data("taken")
    failed = deliver(provider="webhook")
    assert failed.is_failed()
    assert failed.message is not None
    assert failed.message.startswith("could not deliver through webhook")


def test_the_command_delivers_a_period(url: str, receiver: HTTPServer, tmp_path: Path) -> None:
    since = (datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%d")
    command = ["audit-package", "--deliver", "webhook", "--from", since, "--json"]

    done = CliRunner().invoke(app, command)

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout[done.stdout.index("{") :])["period"]["from"].startswith(since)
    assert messages(receiver)[0]["period"]["from"].startswith(since)
    mixed = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "package.json")])
    assert isinstance(mixed.exception, UsageError)


def test_a_connector_that_does_not_exist_is_named(url: str, receiver: HTTPServer) -> None:
    state = deliver(provider="pigeon")
    assert state.is_failed()
    assert state.message is not None
    assert "pigeon is no connector that is switched on; those are webhook" in state.message
    assert messages(receiver) == []


@pytest.mark.parametrize(
    ("saved", "providers", "expected"),
    [
        (("slack", "jira", "post"), None, ["post"]),
        (("jira", "slack"), None, ["slack"]),
        (("slack", "post"), "slack, post", ["slack", "post"]),
        (("jira",), None, None),
    ],
    ids=["mail first", "no ticket", "those of the platform owner", "nothing"],
)
def test_the_connector_is_chosen_by_who_answers_for_it(
    monkeypatch: pytest.MonkeyPatch, saved: tuple[str, ...], providers: str | None, expected: list[str] | None
) -> None:
    kinds = {name: CONNECTORS["email" if name == "post" else name].get_block_type_slug() for name in saved}
    there = [ConfiguredConnector(name, slug, True) for name, slug in kinds.items()]
    off = ConfiguredConnector("a-mail", CONNECTORS["email"].get_block_type_slug(), False)
    monkeypatch.setattr("tasks.audit_delivery.configured_connectors", lambda: [off, *there])
    settings = Settings(platform_providers=providers)

    if expected is None:
        with pytest.raises(UsageError, match="no connector is switched on"):
            choose_providers("", settings)
    else:
        assert choose_providers("", settings) == expected
