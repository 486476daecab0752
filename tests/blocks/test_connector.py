"""What every connector does alike: its block, its redaction, and how it reads the end of an exchange."""

import re
import socket
from collections.abc import Callable
from typing import Any, Final

import pytest
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import BaseModel, ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from blocks.connector import Connector
from blocks.jira import JiraConnector
from blocks.registry import CONNECTORS
from blocks.secret_fields import is_secret, open_secret
from blocks.servicenow import ServiceNowConnector
from blocks.slack import SlackConnector
from blocks.teams import TeamsConnector
from blocks.webhook import WebhookConnector
from rollback_drills.notifications.outcome import Outcome, Verdict

PATH = "/services/T0123ABCD/B0456EFGH/s3cr3tTokenValue"
TOKEN = "t0ken-Abcdef123456"

Make = Callable[[str], Connector]
MAKERS: dict[str, Make] = {
    "webhook": lambda url: WebhookConnector(url=Secret(value=url + PATH), authorization=Secret(value=TOKEN)),
    "slack": lambda url: SlackConnector(url=Secret(value=url + PATH)),
    "teams": lambda url: TeamsConnector(url=Secret(value=url + PATH)),
    "jira-cloud": lambda url: JiraConnector(
        deployment="cloud",
        site_url=url,
        project="OPS",
        email="robot@example.invalid",
        token=Secret(value=TOKEN),
    ),
    "jira-datacenter": lambda url: JiraConnector(
        deployment="datacenter", site_url=url, project="OPS", token=Secret(value=TOKEN)
    ),
    "servicenow": lambda url: ServiceNowConnector(site_url=url, user="robot", credential=Secret(value=TOKEN)),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Make:
    return MAKERS[request.param]


class TestBlockStandards(BlockStandardTestSuite):
    @pytest.fixture(params=CONNECTORS.values(), ids=lambda kind: kind.__name__)
    def block(self, request: pytest.FixtureRequest) -> type[Block]:
        kind: type[Block] = request.param
        return kind

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        assert block._logo_url is None, "every browser would fetch it from a third party"


@pytest.mark.parametrize("kind", CONNECTORS.values(), ids=CONNECTORS)
@pytest.mark.parametrize("by_alias", [True, False])
def test_the_schema_is_made_once_and_is_the_one_of_prefect(kind: type[Connector], by_alias: bool) -> None:
    of_prefect = super(Connector, kind).model_json_schema(by_alias=by_alias)
    changed = kind.model_json_schema(by_alias=by_alias)
    changed["properties"].clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseModel, "model_json_schema", None)
        assert kind.model_json_schema(by_alias=by_alias) == of_prefect
        assert kind._calculate_schema_checksum(of_prefect) == kind._calculate_schema_checksum()


def test_the_slugs_are_fixed() -> None:
    assert {name: kind.get_block_type_slug() for name, kind in CONNECTORS.items()} == {
        "webhook": "rollback-drills-webhook",
        "slack": "rollback-drills-slack-webhook",
        "teams": "rollback-drills-teams-workflow",
        "jira": "rollback-drills-jira",
        "servicenow": "rollback-drills-servicenow",
        "pagerduty": "rollback-drills-pagerduty",
        "jsm": "rollback-drills-jsm",
        "splunk": "rollback-drills-splunk",
        "sentinel": "rollback-drills-sentinel",
        "datadog": "rollback-drills-datadog",
        "email": "rollback-drills-mail",
        "discord": "rollback-drills-discord-webhook",
        "mattermost": "rollback-drills-mattermost-webhook",
        "google-chat": "rollback-drills-google-chat-webhook",
        "github": "rollback-drills-github-issues",
        "slack-bot": "rollback-drills-slack-bot",
        "apprise": "rollback-drills-apprise",
    }


@pytest.mark.parametrize("kind", CONNECTORS.values(), ids=CONNECTORS)
def test_both_forms_say_what_every_secret_is(kind: type[Connector]) -> None:
    schema = kind.model_json_schema()
    secrets = [name for name, field in kind.model_fields.items() if is_secret(field)]
    assert secrets
    for name in secrets:
        shown = schema["properties"][name]
        assert shown["title"]
        assert shown["description"]
        # Beside a bare reference the form of UI V1 shows the title of the Secret block instead.
        assert "$ref" not in shown


def test_the_title_of_a_secret_is_its_own() -> None:
    titles = {name: field.title for name, field in WebhookConnector.model_fields.items() if is_secret(field)}
    assert len(set(titles.values())) == len(titles)


def test_an_empty_secret_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="the authorization is empty; enter the secret"):
        WebhookConnector(url=Secret(value="https://example.invalid"), authorization=Secret(value=" "))


@pytest.mark.parametrize("name", ["url", "authorization", "api_key", "headers", "signing_secret"])
def test_a_secret_that_a_form_has_replaced_is_named(name: str) -> None:
    saved = {"url": {"value": "https://example.invalid"}, name: {"value": "********"}}  # by UI V2
    with pytest.raises(ValidationError, match=f"the {name} was lost when its form was saved; choose"):
        WebhookConnector.model_validate(saved)


def test_no_secret_shows_in_the_representation(make: Make) -> None:
    connector = make("https://example.invalid")
    for text in (repr(connector), str(connector), connector.model_dump_json()):
        assert TOKEN not in text
        assert "s3cr3t" not in text


def test_a_redirect_is_refused(
    make: Make, answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(302, "", {"location": "https://example.invalid/"})
    verdict = send(make(server.url_for("")))
    assert verdict.outcome is Outcome.PERMANENT
    assert verdict.detail == "answered 302: redirects are refused; update the url"
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, Outcome.AMBIGUOUS), (400, Outcome.PERMANENT), (401, Outcome.DISABLED), (503, Outcome.RETRY)],
)
def test_an_answer_that_breaks_off_counts_by_its_status(
    make: Make,
    status: int,
    expected: Outcome,
    raw_server: Callable[[Callable[[socket.socket], None]], int],
    send: Callable[..., Verdict],
) -> None:
    def break_off(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 1000\r\n\r\nok" % status)

    connector = make(f"http://127.0.0.1:{raw_server(break_off)}")
    verdict = send(connector)
    if status == 200 and isinstance(connector, WebhookConnector | TeamsConnector):
        assert verdict.succeeded, "the body of their answers says nothing"
    else:
        assert verdict.outcome is expected
    assert verdict.status_code == status


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410, 429, 500])
def test_an_echo_of_the_request_tells_no_secret(
    make: Make, status: int, httpserver: HTTPServer, send: Callable[..., Verdict]
) -> None:
    def echo(request: Request) -> Response:
        headers = "; ".join(f"{name}: {value}" for name, value in request.headers.items())
        body = request.get_data(as_text=True)
        return Response(f"cannot {request.url} {request.path} {headers} {body}", status)

    httpserver.expect_request(re.compile(".*")).respond_with_handler(echo)
    connector = make(httpserver.url_for("").rstrip("/"))
    verdict = send(connector)
    assert verdict.status_code == status
    shown = f"{verdict}"
    for hidden in (*connector.secret_values(), PATH, "s3cr3tTokenValue", "T0123ABCD", TOKEN):
        assert hidden not in shown
    assert "\n" not in verdict.detail
    assert len(verdict.detail) <= 300
    assert verdict.detail[0].islower()


@pytest.mark.parametrize("padding", range(250, 300))
def test_a_secret_across_the_cut_of_a_long_body_is_not_half_shown(
    padding: int, answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(400, "x" * padding + TOKEN)
    assert TOKEN[:5] not in send(MAKERS["webhook"](server.url_for("").rstrip("/"))).detail


def test_the_request_is_summarised_without_secrets(
    make: Make, answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    origin = answer(500).url_for("").rstrip("/")
    summary = send(make(origin)).request
    assert summary is not None
    assert summary.method == "POST"
    assert summary.url.startswith(f"{origin}/")
    assert summary.headers["content-type"] == "application/json"
    assert summary.headers.get("authorization", "[redacted]") == "[redacted]"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://example.invalid", id="plain http"),
        pytest.param("ftp://example.invalid", id="another scheme"),
        pytest.param("example.invalid", id="no scheme"),
    ],
)
def test_an_address_that_is_not_https_is_refused_when_it_is_configured(make: Make, url: str) -> None:
    with pytest.raises(ValidationError, match="must be https") as caught:
        make(url)
    assert TOKEN not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_an_error_of_a_setting_does_not_show_the_secrets_beside_it() -> None:
    data = {"deployment": "moon", "site_url": "https://example.invalid", "token": {"value": TOKEN}}
    with pytest.raises(ValidationError) as caught:
        JiraConnector.model_validate(data)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("value", ["1e5", "12345", "true", "null", '"quoted"', "0x1f"])
def test_a_secret_that_looks_like_json_is_opened_as_text(value: str) -> None:
    assert open_secret(Secret(value=value)) == value


def test_a_secret_may_be_an_object() -> None:
    assert open_secret(Secret(value={"X-A": "1"})) == '{"X-A": "1"}'


def test_line_breaks_around_a_pasted_secret_are_dropped() -> None:
    assert open_secret(Secret(value=f"  {TOKEN}\n")) == TOKEN


def test_a_site_must_not_hold_a_password() -> None:
    with pytest.raises(ValidationError, match="stored in clear text"):
        MAKERS["servicenow"]("https://user:password@example.invalid")


EMPTY: Final[tuple[Any, ...]] = (None, "", {}, [])
LEFT_EMPTY = [
    (kind, name, value)
    for kind in CONNECTORS.values()
    for name, field in kind.model_fields.items()
    if not field.is_required()
    for value in EMPTY
]


@pytest.mark.parametrize(
    ("kind", "name", "value"), LEFT_EMPTY, ids=lambda each: getattr(each, "__name__", None)
)
def test_an_optional_field_that_a_form_leaves_empty_has_its_default(
    kind: type[Connector], name: str, value: object
) -> None:
    default = kind.model_fields[name].get_default(call_default_factory=True)
    means_itself = type(value) is type(default) and (not isinstance(value, str) or name in kind.may_be_empty)

    drop_cleared: Any = kind._drop_cleared  # a validator of pydantic
    kept = drop_cleared({name: value})

    assert kept == ({name: value} if means_itself else {}) or is_secret(kind.model_fields[name])


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in CONNECTORS.values() for name in kind.model_fields],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_blanks_around_a_pasted_setting_are_no_part_of_it(kind: type[Connector], name: str) -> None:
    drop_cleared: Any = kind._drop_cleared  # a validator of pydantic
    assert drop_cleared({name: " ops\n"}) == {name: "ops"}
    assert drop_cleared({name: [" ops ", "dev"]}) == {name: ["ops", "dev"]}
    assert drop_cleared({name: " \t"}) == drop_cleared({name: ""})


def test_a_blank_email_is_no_email() -> None:
    with pytest.raises(ValidationError, match="jira cloud requires the email"):
        JiraConnector(
            deployment="cloud",
            site_url="https://acme.invalid",
            project="OPS",
            token=Secret(value="x"),
            email="  ",
        )


def test_an_optional_secret_that_was_cleared_is_absent() -> None:
    for value in EMPTY:
        connector = WebhookConnector(
            url=Secret(value="https://hook.invalid/x"),
            authorization=value,
            method=value,
            authorization_scheme=None,
        )

        assert connector.authorization is None
        assert (connector.method, connector.authorization_scheme) == ("POST", "Bearer")
