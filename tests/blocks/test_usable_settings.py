"""What a connector accepts can be sent: settings with which no message can leave are refused."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from blocks.connector import Connector
from blocks.connector_plan import plan_connector
from blocks.jira import JiraConnector
from blocks.mail import MailConnector
from blocks.mattermost import MattermostConnector
from blocks.servicenow import ServiceNowConnector
from blocks.slack import SlackConnector
from blocks.slack_bot import SlackBotConnector
from blocks.splunk import SplunkConnector
from blocks.teams import TeamsConnector
from blocks.webhook import WebhookConnector
from rollback_drills.connectors.config_file import read_connector_config
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.redaction.redactor import Redactor

Send = Callable[..., Verdict]
SITE = "https://receiver.example/hook"
PASSWORD = "p@ss:s3cr3t-Passw0rd"
WRITTEN = "robot:p%40ss%3As3cr3t-Passw0rd"
BASIC = b64encode(f"robot:{PASSWORD}".encode()).decode()


def secrets(**values: str) -> dict[str, "Secret[str]"]:
    return {name: Secret(value=value) for name, value in values.items()}


def webhook(url: str = SITE, **settings: Any) -> WebhookConnector:
    names = {"authorization", "api_key", "headers", "signing_secret"}
    values = {name: Secret(value=value) if name in names else value for name, value in settings.items()}
    return WebhookConnector(url=Secret(value=url), **values)


def jira(**settings: Any) -> JiraConnector:
    defaults: dict[str, Any] = {"site_url": "https://site.example", "project": "OPS", "token": "token-1"}
    values = {**defaults, "deployment": "cloud", "email": "robot@example.invalid", **settings}
    return JiraConnector(**{**values, "token": Secret(value=values["token"])})


def mail(**settings: Any) -> MailConnector:
    values: dict[str, Any] = {"host": "mail.example", "sender": "a@b.example", "recipients": ["c@d.example"]}
    return MailConnector(**values | settings)


UNUSABLE: dict[str, tuple[Callable[[], Connector], str]] = {
    "a label of 64 characters": (lambda: webhook(f"https://{'a' * 64}.example/"), "not a valid URL"),
    "an empty label": (lambda: webhook("https://a..example/"), "not a valid URL"),
    "a dot first": (lambda: webhook("https://.example/"), "not a valid URL"),
    "a long host": (lambda: webhook(f"https://{'a.' * 140}example/"), "not a valid URL"),
    "a backslash": (lambda: webhook("https://receiver.example\\hook"), "not a valid URL"),
    "a percent in the host": (lambda: webhook("https://receiver%2eexample/"), "not a valid URL"),
    "part of an address": (lambda: webhook("https://10.1/"), "check its host and port"),
    "an address with a dot at the end": (lambda: webhook("https://10.0.0.1./"), "check its host and port"),
    "port 0": (lambda: webhook("https://receiver.example:0/"), "not a valid URL"),
    "port 99999": (lambda: webhook("https://receiver.example:99999/"), "not a valid URL"),
    "two authorizations": (
        lambda: webhook(f"https://{WRITTEN}@receiver.example/", authorization="token-1"),
        "has a user name, and an authorization is configured too",
    ),
    "two authorizations, one in the headers": (
        lambda: webhook(f"https://{WRITTEN}@receiver.example/", headers='{"Authorization": "x"}'),
        "has a user name, and an authorization is configured too",
    ),
    "a credential that is not ascii": (lambda: webhook(authorization="tökén"), "not allowed in headers"),
    "a credential of two lines": (lambda: webhook(authorization="token\nX-Evil: 1"), "line break"),
    "a key that is not ascii": (lambda: webhook(api_key="schlüssel"), "not allowed in headers"),
    "a header that is not ascii": (lambda: webhook(headers='{"X-A": "ä"}'), "not allowed in headers"),
    "a header of two lines": (lambda: webhook(headers='{"X-A": "a\\nb"}'), "line break"),
    "a scheme that is not ascii": (
        lambda: webhook(authorization="token", authorization_scheme="Schlüssel"),
        "not allowed in headers",
    ),
    "a name of a header that is not ascii": (
        lambda: webhook(api_key="key", api_key_header="x-schlüssel"),
        "has an impossible name",
    ),
    "a header of the length": (
        lambda: webhook(headers='{"Content-Length": "3"}'),
        "content-length must not be configured",
    ),
    "a key as the length": (
        lambda: webhook(api_key="3", api_key_header="Content-Length"),
        "content-length must not be configured",
    ),
    "a header that waits": (lambda: webhook(headers='{"Expect": "100-continue"}'), "expect must not be"),
    "a token of Jira that is not ascii": (
        lambda: jira(deployment="datacenter", token="tökén"),
        "not allowed in headers",
    ),
    "the API of Jira": (
        lambda: jira(site_url="https://site.example/rest/api/3"),
        "must end before /rest/api/",
    ),
    "the API of ServiceNow": (
        lambda: ServiceNowConnector(
            site_url="https://site.example/api/now/table/incident", user="robot", **secrets(credential="x1")
        ),
        "must end before /api/now/",
    ),
    "the API of Splunk": (
        lambda: SplunkConnector(
            collector_url="https://site.example:8088/services/collector/event", **secrets(token="x1")
        ),
        "must end before /services/collector/",
    ),
    "a user with a colon": (
        lambda: ServiceNowConnector(site_url="https://site.example", user="a:b", **secrets(credential="x1")),
        "must not contain a colon",
    ),
    "a token of Slack that is not ascii": (
        lambda: SlackBotConnector(channel="C0123ABCD", **secrets(token="xoxb-ä")),
        "not allowed in headers",
    ),
    "Slack without a path": (
        lambda: SlackConnector(**secrets(url="https://hooks.slack.com/")),
        "must be https://hooks.slack.com/services/",
    ),
    "a zero byte in a password": (
        lambda: mail(user="robot", **secrets(password="a\0b")),
        "control characters",
    ),
    "an empty password": (lambda: mail(user="robot", **secrets(password=" ")), "the password is empty"),
    "an empty token": (lambda: jira(token=" "), "the token is empty"),
}


@pytest.mark.parametrize(("make", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_can_never_be_sent_is_refused(make: Callable[[], Connector], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        make()
    assert "s3cr3t" not in str(refused.value)


def test_settings_that_break_a_connector_are_refused_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prepare(*_: object, **__: object) -> None:
        raise UnicodeEncodeError("utf-8", "s3cr3t", 0, 1, "no bytes")

    monkeypatch.setattr(WebhookConnector, "prepare", prepare)
    with pytest.raises(
        ValidationError, match=r"no message can be written .* \(UnicodeEncodeError\)"
    ) as refused:
        webhook()
    assert "s3cr3t" not in str(refused.value)


USABLE = [
    SITE,
    "https://receiver.example",
    "https://receiver.example?key=1",
    "https://receiver.example:8443/a%20b?c=%2F#part",
    "https://under_score.example./hook",
    "https://bücher.example/ü",
    "https://192.0.2.1/hook",
    "https://[2001:db8::1]:8443/hook",
    f"https://{WRITTEN}@receiver.example/hook",
    "https://robot@receiver.example/hook",
]


@pytest.mark.parametrize("url", USABLE)
def test_what_is_accepted_comes_as_far_as_the_network(
    send: Send, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:9")  # nobody listens there
    verdict = send(webhook(url))
    assert verdict.detail == "the proxy that HTTPS_PROXY names cannot be reached: the connection was refused"


@pytest.mark.parametrize(
    "make",
    [
        lambda url: webhook(f"{url}/hook"),
        lambda url: SlackConnector(**secrets(url=f"{url}/services/T0/B0/key")),
        lambda url: TeamsConnector(**secrets(url=f"{url}/workflows/1?sig=abc")),
        lambda url: MattermostConnector(**secrets(url=f"{url}/hooks/abcdefghijklmnopqrstuvwxyz")),
    ],
    ids=["webhook", "slack", "teams", "mattermost"],
)
def test_a_user_and_a_password_in_the_address_are_basic_authentication(
    httpserver: HTTPServer, send: Send, make: Callable[[str], Connector]
) -> None:
    def take(request: Request) -> Response:
        return (
            Response("ok") if request.headers.get("authorization") == f"Basic {BASIC}" else Response("", 401)
        )

    httpserver.expect_request(re.compile(".*")).respond_with_handler(take)
    verdict = send(make(f"http://{WRITTEN}@127.0.0.1:{httpserver.port}"))
    assert verdict.succeeded, verdict
    assert verdict.request is not None
    assert "robot" not in verdict.request.url


def test_an_echo_of_basic_authentication_tells_no_secret(httpserver: HTTPServer, send: Send) -> None:
    def echo(request: Request) -> Response:
        return Response(
            f"{request.headers} {PASSWORD} {WRITTEN} {b64encode(PASSWORD.encode()).decode()}", 400
        )

    httpserver.expect_request("/hook").respond_with_handler(echo)
    verdict = send(webhook(f"http://{WRITTEN}@127.0.0.1:{httpserver.port}/hook"))
    assert verdict.outcome is Outcome.PERMANENT
    for hidden in (PASSWORD, WRITTEN, BASIC, "s3cr3t"):
        assert hidden not in f"{verdict}"


@pytest.mark.parametrize(
    ("user", "is_hidden"), [("user", False), ("webhook", False), ("sk_9f8A7b6C5d4E3f", True)]
)
def test_a_user_without_a_password_is_hidden_everywhere_if_it_looks_like_a_key(
    user: str, *, is_hidden: bool
) -> None:
    connector = webhook(f"https://{user}@receiver.example/hook")
    text = f"make the file writable for this {user}; the user: nobody"

    assert (user not in Redactor(connector.secret_values(), spare_words=True).text(text)) is is_hidden


def test_an_import_names_the_place_of_what_can_never_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "connectors.json"
    hook = {"url": SITE, "headers": {"X-A": "tökén"}}
    good = {"url": f"https://{WRITTEN}@receiver.example/"}
    path.write_text(json.dumps({"connectors": {"hook": hook, "good": good}}))
    problems: list[str] = []
    plans = [plan_connector(named, {}, problems) for named in read_connector_config(path)]
    assert [plan and plan.name for plan in plans] == [None, "good"]
    assert problems == [
        "$.connectors.hook: the header x-a has a line break or a character that is not allowed in headers"
    ]
