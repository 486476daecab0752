"""Connectors that are made by the forms of Prefect alone, in both of its UIs, and what they deliver."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.e2e.chromium import PROGRAM, Browser, open_browser
from tests.e2e.conftest import PrefectServer
from tests.e2e.mailbox import Mailbox, running_mailbox
from tests.e2e.prefect_forms import FORMS, Form
from tests.e2e.test_deployments import SCHEDULE

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no chromium; on Debian: apt install chromium"
)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Take mail on this machine."""
    with running_mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Open one browser for both UIs."""
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.show("light", height=1400)
        yield opened


@pytest.fixture(params=["v1", pytest.param("v2", marks=pytest.mark.chaos)])
def form(request: pytest.FixtureRequest, browser: Browser, server: PrefectServer) -> Form:
    """Return the form of one UI, on a server that knows the block types."""
    server.run("prefect", "block", "register", "-m", "blocks.registry")
    return FORMS[request.param](browser, server.api.removesuffix("/api"))


def save_secret(form: Form, name: str, value: str) -> None:
    """Make a Secret block by its form."""
    form.open("secret")
    form.write("Value", value)
    form.save(name)


def test_connectors_that_are_made_by_the_form_alone_deliver(
    form: Form,
    server: PrefectServer,
    httpserver: HTTPServer,
    mailbox: Mailbox,
    tmp_path: Path,
) -> None:
    ui = type(form).__name__.lower()
    httpserver.expect_request("/hook", method="POST").respond_with_data("taken")
    httpserver.expect_request("/services/T0/B0/key", method="POST").respond_with_data("ok")
    providers = [f"{ui}-hook", f"{ui}-chat", f"{ui}-mail"]

    save_secret(form, f"{ui}-hook-url", httpserver.url_for("/hook"))
    save_secret(form, f"{ui}-chat-url", httpserver.url_for("/services/T0/B0/key"))
    form.open("rollback-drills-webhook")
    form.choose("URL", f"{ui}-hook-url")
    form.save(providers[0])
    form.open("rollback-drills-slack-webhook")
    form.choose("Webhook URL", f"{ui}-chat-url")
    form.save(providers[1])
    form.open("rollback-drills-mail")
    form.write("Host", "127.0.0.1")
    form.write("Port", str(mailbox.port))
    form.choose("Security", "none")
    form.write("Sender", "drills@example.invalid")
    form.add("Recipients", "team@example.invalid")
    form.save(providers[2])

    listed = json.loads(server.drills("connectors", "list", "--json"))
    assert {each["name"]: each["unusable_because"] for each in listed if each["name"] in providers} == (
        dict.fromkeys(providers)
    )
    server.drills("connectors", "test", providers[1])  # as somebody tries what he has made
    assert [request.path for request, _ in httpserver.log] == ["/services/T0/B0/key"]
    httpserver.clear_log()
    schedule = tmp_path / "schedule.json"
    schedule.write_text(json.dumps({**SCHEDULE, "schedule_id": ui, "notification_providers": providers}))
    server.drills("deliver", "--schedule", str(schedule), "--mode", "promoted")

    paths = sorted(request.path for request, _ in httpserver.log)
    assert paths == ["/hook", "/services/T0/B0/key"]
    assert [bool(re.search(f"overdue.*{ui}", subject)) for subject in mailbox.subjects] == [True], (
        mailbox.subjects
    )


def test_a_connector_that_was_edited_delivers_or_says_which_secret_its_form_lost(
    form: Form, server: PrefectServer
) -> None:
    name = f"{type(form).__name__.lower()}-edited"

    def find_reason() -> Any:
        listed = json.loads(server.drills("connectors", "list", "--json"))
        return next(each["unusable_because"] for each in listed if each["name"] == name)

    save_secret(form, f"{name}-url", "https://chat.example.invalid/services/T0/B0/key")
    form.open("rollback-drills-slack-webhook")
    form.choose("Webhook URL", f"{name}-url")
    form.save(name)
    form.edit()
    lost = "the url was lost when its form was saved; choose its Secret block again"
    assert find_reason() in (None, lost)
    form.edit(("Webhook URL", f"{name}-url"))
    assert find_reason() is None
