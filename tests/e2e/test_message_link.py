"""A message that reached its owner, and the link in it, opened in a browser."""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pytest_httpserver import HTTPServer

from blocks.mail.connector import MailConnector
from rollback_drills.console.message_links import PAGE_PATH
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND
from tests.api.test_server import running_api
from tests.e2e.chromium import PROGRAM, Browser, open_browser
from tests.e2e.conftest import PrefectServer
from tests.e2e.mailbox import Mailbox, running_mailbox
from tests.e2e.test_deployments import SCHEDULE

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no chromium; on Debian: apt install chromium"
)
OWNERS = {"ada-team": "links-mail", "ben-team": "links-chat"}


@dataclass(frozen=True)
class Delivered:
    """What two owners got: one a mail, the other a message in a chat."""

    mail: str
    chat: str
    """The links to acknowledge."""
    server: PrefectServer
    """With the environment in which all of this happened."""

    def acknowledged(self) -> list[tuple[str, str]]:
        """Return by whom, and on whose route."""
        listed = self.server.drills("evidence", "list", "--kind", ACKNOWLEDGEMENT_KIND, "--json")
        return [(each["acknowledged_by"], each["owner"]) for each in json.loads(listed)["items"]]


def find_link(text: str) -> str:
    """Return the link to acknowledge of a message."""
    found = re.search(rf"http://127\.0\.0\.1:\d+{PAGE_PATH}/[\w.~-]+", text)
    assert found, text
    return found[0]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Take mail on this machine."""
    with running_mailbox() as box:
        yield box


@pytest.fixture
def delivered(
    server: PrefectServer, httpserver: HTTPServer, mailbox: Mailbox, tmp_path: Path
) -> Iterator[Delivered]:
    """Deliver to two owners, while the API serves what the messages link to."""
    httpserver.expect_request("/services/T0/B0/key", method="POST").respond_with_data("ok")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "connectors.json").write_text(
        json.dumps(
            {
                "connectors": {
                    "links-chat": {"type": "slack", "url": httpserver.url_for("/services/T0/B0/key")}
                }
            }
        )
    )
    with temporary_settings({PREFECT_API_URL: server.api}):
        MailConnector(
            host="127.0.0.1",
            port=mailbox.port,
            security="none",
            sender="drills@example.invalid",
            recipients=["team@example.invalid"],
        ).save("links-mail", overwrite=True)
    policy = {"owner_routes": {owner: {"providers": [provider]} for owner, provider in OWNERS.items()}}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    late = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    routes = {"owners": list(OWNERS), "notification_providers": list(OWNERS.values())}
    due = {"next_due_at": late, "due_policy": "after_completion"}
    (tmp_path / "schedule.json").write_text(json.dumps({**SCHEDULE, **routes, **due}))
    (tmp_path / "history.json").write_text(
        json.dumps({"schema_version": "cavra.go-backend-rollback-drill-history.v1", "drills": []})
    )
    environ = {
        **server.environ,
        "DRILLS_DATABASE_URL": f"sqlite:///{tmp_path / 'evidence.db'}",
        "DRILLS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DRILLS_MODE": "promoted",
        "DRILLS_SCHEDULE": str(tmp_path / "schedule.json"),
        "DRILLS_HISTORY": str(tmp_path / "history.json"),
        "PYTHONUNBUFFERED": "1",
    }
    server.drills("connectors", "import", str(tmp_path / "connectors.json"))
    with running_api("--embedded", environ=environ, log=tmp_path / "api.log", port=port):
        here = replace(server, environ=environ)
        here.drills("deliver", "--routing-policy", str(tmp_path / "policy.json"))
        (mail,) = mailbox.mails
        body = mail.get_body(("plain",))
        assert body is not None
        ((chat, _),) = httpserver.log
        yield Delivered(find_link(body.get_content()), find_link(chat.get_data(as_text=True)), here)


def test_the_link_of_a_message_acknowledges_its_route_and_no_other(
    delivered: Delivered, tmp_path: Path
) -> None:
    for method in ("GET", "HEAD", "GET"):  # as scanners of mail and previews of chats do
        assert httpx.request(method, delivered.mail).status_code == 200
    assert delivered.acknowledged() == []

    with open_browser(tmp_path) as browser:
        browser.show("dark", width=390)
        acknowledge(browser, delivered.mail, "Ada L.")
        assert "Ada L. via link has acknowledged this" in read(browser)
        browser.open(delivered.chat)
        assert "has acknowledged this" not in read(browser)
    assert delivered.acknowledged() == [("Ada L. via link", "ada-team")]

    perform = ("--status", "pass", "--fallback-verified", "--recovery-minutes", "5")
    delivered.server.drills("record", *perform, "--max-recovery-minutes", "15", "--evidence-ref", "run-1")
    delivered.server.drills("deliver", "--routing-policy", str(tmp_path / "policy.json"))
    answer = httpx.get(delivered.mail)
    assert answer.status_code == 410
    assert "this cycle is over" in answer.text.lower()


def acknowledge(browser: Browser, link: str, name: str) -> None:
    """Open a link, type a name and press the button."""
    browser.open(link)
    browser.run(f"document.querySelector('#by').value = {json.dumps(name)}")
    browser.follow("document.querySelector('button').click()")


def read(browser: Browser) -> str:
    """Return what a person reads on the page."""
    return str(browser.run("document.body.innerText"))
