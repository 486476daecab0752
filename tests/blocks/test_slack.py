"""Slack: messages that Slack's own SDK accepts, and answers read by their body."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from blocks.slack import SlackConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

PATH = "/services/T0123ABCD/B0456EFGH/s3cr3tTokenValue"
URL = f"https://hooks.slack.com{PATH}"

SAMPLE = Sample(
    name="slack",
    make=lambda origin: SlackConnector(url=Secret(value=origin + PATH)),
    taken=Answer(200, "ok", content_type="text/plain"),
    secrets=("s3cr3tTokenValue", "T0123ABCD", PATH),
)

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 9000, "acknowledge": "a" * 9000},
    "escapes": {"title": "<&>" * 200, "summary": "&" * 3000, "facts": (("<b>", "&" * 2000),) * 12},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(600))},
    "long facts": {"facts": tuple((f"Fact {number}", "v" * 3000) for number in range(30))},
    "long labels": {"facts": (("&" * 5000, "v"),)},
    "not latin": {"title": "演習" * 200, "facts": (("期限", "🧯" * 1500),) * 11},
    "resolved": {"reason": Reason.RESOLVED, "acknowledge": "", "alert_level": "healthy"},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "C0123ABCD:1", "may_repeat": True},
}


@pytest.fixture
def message(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        connector = SlackConnector(url=Secret(value=URL))
        document: dict[str, Any] = json.loads(
            connector.prepare(make_notification(**overrides), now=now).content
        )
        return document

    return render


def validate(message: dict[str, Any]) -> None:
    """Let the SDK check every block, and add what it does not check."""
    blocks = Block.parse_all(message["blocks"])
    assert len(blocks) == len(message["blocks"]) <= 50
    for block, written in zip(blocks, message["blocks"], strict=True):
        assert block.to_dict() == written
    assert len(json.dumps(message["blocks"], ensure_ascii=False)) <= 13_000
    headers = [block for block in message["blocks"] if block["type"] == "header"]
    assert all(header["text"]["type"] == "plain_text" for header in headers)
    for block in message["blocks"]:
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", ()))
    assert message["text"]


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_slack_accepts_the_message(message: Callable[..., dict[str, Any]], overrides: dict[str, Any]) -> None:
    validate(message(**overrides))


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}, id="long header"),
        pytest.param(
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}, id="long field"
        ),
        pytest.param(
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}, id="eleven fields"
        ),
        pytest.param({"type": "section"}, id="empty section"),
        pytest.param({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, id="marked-up header"),
        pytest.param({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, id="empty text"),
    ],
)
def test_the_validator_refuses_what_slack_refuses(block: dict[str, Any]) -> None:
    with pytest.raises((SlackObjectFormationError, AssertionError)):
        validate({"text": "x", "blocks": [block]})


def test_the_validator_refuses_more_than_slack_takes_in_all() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}
    with pytest.raises(AssertionError):
        validate({"text": "x", "blocks": [section] * 5})


@pytest.mark.parametrize("character", ["x", "演"])
def test_the_largest_digest_keeps_every_row(message: Callable[..., dict[str, Any]], character: str) -> None:
    count = SlackConnector.most_in_one_message
    assert count > 1
    rows = tuple((f"{n}{character * 199}", f"{n}{character * 149}") for n in range(count))
    rendered = message(facts=rows)
    validate(rendered)
    text = json.dumps(rendered, ensure_ascii=False)
    assert "shortened" not in text
    for label, value in rows:
        assert f"*{label}*\\n{value}" in text


def test_an_ending_is_told_by_a_message_of_its_own(message: Callable[..., dict[str, Any]]) -> None:
    rendered = message(reason=Reason.RESOLVED, title="Rollback drill performed: payments", acknowledge="")
    assert rendered["text"].startswith("Rollback drill performed: payments")
    assert [block["type"] for block in rendered["blocks"]] == ["header", "section", "section", "context"]


def test_a_possible_repeat_says_so(message: Callable[..., dict[str, Any]]) -> None:
    assert "it may repeat a message" in json.dumps(message(may_repeat=True)["blocks"])
    assert "it may repeat a message" not in json.dumps(message()["blocks"])


def test_says_everything(
    message: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    text = json.dumps(message()["blocks"])
    for part in (
        notification.title,
        notification.summary,
        notification.acknowledge,
        notification.notification_id,
    ):
        assert part in text
    for label, value in notification.facts:
        assert f"*{label}*\\n{value}" in text


def test_the_fallback_holds_title_and_summary(message: Callable[..., dict[str, Any]]) -> None:
    assert message()["text"].startswith(
        "Rollback drill overdue: payments (production)\nThe last accepted drill"
    )


def test_user_text_can_ring_nobody(message: Callable[..., dict[str, Any]]) -> None:
    bell = "<!channel> <@U1> &"
    rendered = message(title=bell, summary=bell, acknowledge=bell, facts=((bell, bell),))
    text = json.dumps(rendered)
    assert "<!channel>" not in text
    assert "&lt;!channel&gt; &lt;@U1&gt; &amp;" in text
    marked = [block["text"] for block in rendered["blocks"] if block["type"] == "section" and "text" in block]
    assert all(element["verbatim"] for element in marked)


def test_links_are_not_unfolded(message: Callable[..., dict[str, Any]]) -> None:
    rendered = message()
    assert rendered["unfurl_links"] is False
    assert rendered["unfurl_media"] is False


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    connector = SlackConnector(url=Secret(value=URL), title="[TEST]")
    rendered = json.loads(connector.prepare(make_notification(), now=now).content)
    assert rendered["blocks"][0]["text"]["text"].startswith("[TEST] Rollback drill overdue")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        (URL, "https://hooks.slack.com/services/[redacted]"),
        (
            "https://hooks.slack-gov.com/workflows/T1/A2/3/abc",
            "https://hooks.slack-gov.com/workflows/[redacted]",
        ),
        ("https://hooks.slack.com/triggers/E1/2/abc", "https://hooks.slack.com/triggers/[redacted]"),
        ("https://chat.example.invalid/hooks/abc", "https://chat.example.invalid/[redacted]"),
    ],
)
def test_shows_only_the_kind_of_its_url(
    make_notification: Callable[..., Notification], now: datetime, url: str, public: str
) -> None:
    request = SlackConnector(url=Secret(value=url)).prepare(make_notification(), now=now)
    assert request.summary().url == public


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "ok", Outcome.DELIVERED),
        (200, "", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (200, '{"ok":false}', Outcome.PERMANENT),
        (204, "", Outcome.PERMANENT),
        (400, "invalid_payload", Outcome.PERMANENT),
        (400, "invalid_blocks", Outcome.PERMANENT),
        (400, "no_text", Outcome.PERMANENT),
        (400, "user_not_found", Outcome.PERMANENT),
        (400, "invalid_token", Outcome.DISABLED),
        (403, "invalid_token", Outcome.DISABLED),
        (403, "action_prohibited", Outcome.DISABLED),
        (403, "posting_to_general_channel_denied", Outcome.DISABLED),
        (404, "channel_not_found", Outcome.DISABLED),
        (404, "no_service", Outcome.DISABLED),
        (404, "no_team", Outcome.DISABLED),
        (410, "channel_is_archived", Outcome.DISABLED),
        (401, "", Outcome.DISABLED),
        (404, "<html>not found</html>", Outcome.PERMANENT),
        (429, "rate_limited", Outcome.RETRY),
        (500, "rollup_error", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    server = answer(status, body, {"retry-after": "30"} if status == 429 else None)
    verdict = send(
        SlackConnector(url=Secret(value=server.url_for("/services/T0123ABCD/B0456EFGH/s3cr3tTokenValue")))
    )
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.retry_after_seconds == (30 if status == 429 else None)
