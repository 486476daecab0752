"""Jira: issues whose description Atlassian's schema accepts, and answers that must name the issue."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.jira import JiraConnector
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.notification import Notification

TOKEN = "t0ken-Abcdef123456"
EMAIL = "robot@example.invalid"
BASIC = "Basic " + b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "empty texts": {"summary": "", "acknowledge": ""},
    "long texts": {"title": "t" * 9000, "summary": "s" * 40_000, "acknowledge": "a" * 9000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 300) for number in range(600))},
}


def cloud(site_url: str = "https://site.atlassian.net", **settings: Any) -> JiraConnector:
    defaults = {"deployment": "cloud", "project": "OPS", "email": EMAIL, "token": Secret(value=TOKEN)}
    return JiraConnector(**{**defaults, "site_url": site_url, **settings})


def datacenter(site_url: str = "https://jira.example.invalid", **settings: Any) -> JiraConnector:
    return cloud(site_url, deployment="datacenter", email="", **settings)


@pytest.fixture
def issue(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(connector: JiraConnector, **overrides: Any) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(
            connector.prepare(make_notification(**overrides), now=now).content
        )
        return document

    return render


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft4Validator:
    path = Path(__file__).parent / "schemas" / "adf-full.json"
    return jsonschema.Draft4Validator(json.loads(path.read_text()))


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_atlassian_accepts_the_description(
    issue: Callable[..., dict[str, Any]], schema: jsonschema.Draft4Validator, overrides: dict[str, Any]
) -> None:
    fields = issue(cloud(), **overrides)["fields"]
    schema.validate(fields["description"])
    assert len(json.dumps(fields["description"], ensure_ascii=False)) <= 32_767
    assert len(fields["summary"]) <= 255


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([{"type": "text", "text": "x"}], id="text outside a paragraph"),
        pytest.param([{"type": "paragraph", "content": [{"type": "text", "text": ""}]}], id="empty text"),
        pytest.param([{"type": "bulletList", "content": []}], id="empty list"),
        pytest.param([{"type": "banner"}], id="unknown node"),
    ],
)
def test_the_schema_refuses_what_jira_refuses(schema: jsonschema.Draft4Validator, content: list[Any]) -> None:
    assert not schema.is_valid({"type": "doc", "version": 1, "content": content})


def test_a_cloud_issue_says_everything(
    issue: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    document = issue(cloud(labels=["team-a"], extra_fields={"priority": {"name": "High"}}))
    fields = document["fields"]
    assert fields["project"] == {"key": "OPS"}
    assert fields["issuetype"] == {"name": "Task"}
    assert fields["priority"] == {"name": "High"}
    assert fields["summary"] == notification.title
    assert fields["labels"][0] == "rollback-drill"
    assert fields["labels"][1].startswith("payments-prod-2026-11-20T09:00:00Z:")
    assert fields["labels"][2] == "team-a"
    assert not any(" " in label for label in fields["labels"])
    text = json.dumps(fields["description"])
    for part in (notification.summary, notification.acknowledge, notification.notification_id):
        assert part in text
    for label, value in notification.facts:
        assert f'"{label}: "' in text
        assert f'"{value}"' in text
    (prop,) = document["properties"]
    assert prop["value"]["cycle_id"] == notification.cycle_id


def test_a_datacenter_issue_says_everything(issue: Callable[..., dict[str, Any]]) -> None:
    document = issue(datacenter())
    assert "properties" not in document
    assert document["fields"]["description"] == (
        "The last accepted drill is 95 days old. Perform a drill and record it.\n\n"
        "* Schedule: payments-prod\n* Due: 2026-11-20 09:00 UTC\n* Owner: release-governance\n\n"
        "Run `drills ack payments-prod --provider slack` or use the dashboard.\n\n"
        "Notification gordmsg-0123456789abcdef"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("[~admin]", r"\[\~admin\]"),
        ("{code}x{code}", r"\{code\}x\{code\}"),
        ("!http://h/x.png!", r"\!http://h/x.png\!"),
        ("h1. Title", r"\h1. Title"),
        ("# item\n- item\nbq. quote", "\\# item\n\\- item\n\\bq. quote"),
        ("C:\\dir", r"C:\\dir"),
        ("plain-text, 2026", "plain-text, 2026"),
    ],
)
def test_wiki_text_is_inert(issue: Callable[..., dict[str, Any]], text: str, escaped: str) -> None:
    assert issue(datacenter(), summary=text)["fields"]["description"].startswith(escaped + "\n\n")


def test_a_summary_has_one_line(issue: Callable[..., dict[str, Any]]) -> None:
    assert issue(cloud(title="[TEST]"), title="a\r\nb")["fields"]["summary"] == "[TEST] a b"


@pytest.mark.parametrize(
    ("connector", "path", "authorization"),
    [
        pytest.param(cloud, "/rest/api/3/issue", BASIC, id="cloud"),
        pytest.param(datacenter, "/rest/api/2/issue", f"Bearer {TOKEN}", id="datacenter"),
    ],
)
def test_creates_an_issue(
    httpserver: HTTPServer,
    send: Callable[..., Verdict],
    connector: Callable[[str], JiraConnector],
    path: str,
    authorization: str,
) -> None:
    httpserver.expect_request(
        path, method="POST", headers={"Authorization": authorization}
    ).respond_with_json({"id": "1", "key": "OPS-42", "self": "x"}, status=201)
    verdict = send(connector(httpserver.url_for("/")))
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, "OPS-42")
    assert verdict.request is not None
    assert verdict.request.url == httpserver.url_for(path)
    assert verdict.request.headers["authorization"] == "[redacted]"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, '{"key":"OPS-1"}', Outcome.DELIVERED),
        (201, "{}", Outcome.PERMANENT),
        (201, '{"key":["OPS-1"]}', Outcome.PERMANENT),
        (200, "<html>log in</html>", Outcome.PERMANENT),
        (400, '{"errorMessages":[],"errors":{"project":"unknown"}}', Outcome.PERMANENT),
        (400, '{"errorMessages":7,"errors":[]}', Outcome.PERMANENT),
        (401, "", Outcome.DISABLE),
        (403, "", Outcome.PERMANENT),
        (404, '{"errorMessages":["no project"]}', Outcome.PERMANENT),
        (413, "", Outcome.PERMANENT),
        (422, "", Outcome.PERMANENT),
        (429, "", Outcome.RETRY),
        (500, "<html>", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    server = answer(status, body, {"retry-after": "0"}, "application/json")
    verdict = send(cloud(server.url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.retry_after_seconds == (0 if expected is Outcome.RETRY else None)


def test_says_which_field_was_refused(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(400, '{"errorMessages":["no"],"errors":{"project":"unknown"}}', None, "application/json")
    assert send(cloud(server.url_for(""))).detail == "answered 400: no; project: unknown"


@pytest.mark.parametrize("status", [401, 403])
def test_never_tries_again_once_a_captcha_is_asked(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int
) -> None:
    server = answer(status, "", {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"})
    verdict = send(datacenter(server.url_for("")))
    assert verdict.outcome is Outcome.DISABLE
    assert "captcha" in verdict.detail


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"accountId":"1"}', Outcome.DELIVERED),
        (200, '{"name":"robot","key":"robot"}', Outcome.DELIVERED),
        (200, "<html>log in</html>", Outcome.PERMANENT),
        (401, "", Outcome.DISABLE),
        (404, "", Outcome.PERMANENT),
        (500, "", Outcome.RETRY),
    ],
)
def test_the_check_reads_who_we_are(
    httpserver: HTTPServer, status: int, body: str, expected: Outcome
) -> None:
    httpserver.expect_oneshot_request("/rest/api/3/myself", method="GET").respond_with_data(
        body, status=status
    )
    verdict = asyncio.run(cloud(httpserver.url_for("")).check(timeout_seconds=5))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"email": ""}, "needs the email"),
        ({"labels": ["two words"]}, "must not be empty or hold a space"),
        ({"project": "O P S"}, "pattern"),
        ({"deployment": "server"}, "cloud"),
        ({"site_url": "https://site.atlassian.net?x=1"}, "query"),
    ],
)
def test_refuses_unusable_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        cloud(**settings)
