"""Mattermost: attachments that Slack's SDK models, as Mattermost takes them, and errors told by their id.

No package knows Mattermost's own limits; those come from its documents and its source.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.attachments import Attachment, AttachmentField

from blocks.mattermost import MattermostConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

KEY = "xo3crt7k8bgg5fjr9mz4wq1ydh"
URL = f"https://chat.example.invalid/hooks/{KEY}"

SAMPLE = Sample(
    name="mattermost",
    make=lambda origin: MattermostConnector(url=Secret(value=f"{origin}/hooks/{KEY}")),
    taken=Answer(200, "ok", content_type="text/plain"),
    secrets=(KEY,),
)

HOSTILE = (
    "@channel @all,@here (@HERE) <!channel> <!all> <@u1> <https://example.invalid|a> [b](https://x.invalid)"
)

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "no acknowledgement": {"acknowledge": ""},
    "long texts": {"title": "t" * 20_000, "summary": "s" * 90_000, "acknowledge": "a" * 90_000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(600))},
    "long facts": {"facts": tuple((f"Fact {number}", "v" * 3000) for number in range(30))},
    "long labels": {"facts": (("l" * 5000, "v"),)},
    "not latin": {"title": "演習" * 2000, "summary": "演" * 9000, "facts": (("期限", "🧯" * 3000),) * 11},
    "mentions only": {
        "title": "@" * 9000,
        "summary": "@" * 20_000,
        "facts": (("@" * 900, "@" * 9000),) * 300,
    },
    "hostile": {"title": HOSTILE, "summary": HOSTILE, "acknowledge": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "long id": {"notification_id": "i" * 900},
    "resolved": {"reason": Reason.RESOLVED},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "anything"},
    "may repeat": {"may_repeat": True},
}


@pytest.fixture
def message(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        request = MattermostConnector(url=Secret(value=URL)).prepare(make_notification(**overrides), now=now)
        assert len(request.content) <= 40_000
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


def validate(message: dict[str, Any]) -> None:
    """Let the SDK read and write each attachment; it drops what it does not know."""
    assert message.keys() == {"text", "attachments"}
    assert len(message["text"]) in range(1, 16_384)
    for attachment in message["attachments"]:
        fields = [AttachmentField(**field) for field in attachment.get("fields", [])]
        read = Attachment(**{"text": "", **attachment, "fields": fields})
        read.validate_json()
        # Slack needs a text, which Mattermost does not.
        expected = {"text": "", "fields": [], **attachment}
        assert json.loads(json.dumps({"text": "", "fields": [], **read.to_dict()})) == expected
        assert attachment["fallback"]
        assert len(attachment["footer"]) <= 300


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_mattermost_takes_the_message(
    message: Callable[..., dict[str, Any]], overrides: dict[str, Any]
) -> None:
    validate(message(**overrides))


ATTACHMENT: dict[str, Any] = {"fallback": "x", "footer": "x"}


def test_the_validator_takes_a_small_message() -> None:
    validate({"text": "x", "attachments": [ATTACHMENT]})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"text": ""}, id="no text"),
        pytest.param({"text": "x" * 16_384}, id="text that would be split"),
        pytest.param({"blocks": []}, id="blocks, which Mattermost does not know"),
        pytest.param({"attachments": [{**ATTACHMENT, "footer": "x" * 301}]}, id="long footer"),
        pytest.param({"attachments": [{**ATTACHMENT, "fallback": ""}]}, id="no fallback"),
        pytest.param({"attachments": [{**ATTACHMENT, "description": "x"}]}, id="unknown property"),
        pytest.param({"attachments": [{**ATTACHMENT, "fields": [{"name": "x", "value": "x"}]}]}, id="name"),
        pytest.param({"attachments": [{**ATTACHMENT, "fields": "x"}]}, id="fields that are no list"),
        pytest.param({"attachments": [{**ATTACHMENT, "color": "red"}]}, id="color by name"),
    ],
)
def test_the_validator_refuses_what_cannot_be_shown(change: dict[str, Any]) -> None:
    with pytest.raises((SlackObjectFormationError, AssertionError, TypeError)):
        validate({"text": "x", "attachments": [ATTACHMENT], **change})


def test_says_everything(
    message: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    rendered = message()
    (attachment,) = rendered["attachments"]
    assert rendered["text"] == f"#### {notification.title}\n{notification.summary}"
    assert attachment["fallback"] == f"{notification.title}: {notification.summary}"
    assert [(field["title"], field["value"]) for field in attachment["fields"]] == list(notification.facts)
    assert attachment["text"] == notification.acknowledge
    assert attachment["footer"] == notification.footer


@pytest.mark.parametrize(
    ("overrides", "color"),
    [
        ({"alert_level": "critical"}, "#c62828"),
        ({"alert_level": "warning"}, "#f9a825"),
        ({"alert_level": "healthy"}, "#2e7d32"),
        ({"alert_level": "unheard of"}, "#757575"),
        ({"alert_level": "critical", "reason": Reason.RESOLVED}, "#2e7d32"),
    ],
)
def test_the_color_tells_the_level(
    message: Callable[..., dict[str, Any]], overrides: dict[str, Any], color: str
) -> None:
    assert message(**overrides)["attachments"][0]["color"] == color


def test_shortening_is_told(message: Callable[..., dict[str, Any]]) -> None:
    rendered = message(summary="s" * 90_000, acknowledge="a" * 90_000, facts=(("Fact", "v" * 90_000),))
    (attachment,) = rendered["attachments"]
    for text in (rendered["text"], attachment["text"], attachment["fields"][0]["value"]):
        assert text.endswith("… (shortened)")


def test_user_text_rings_nobody_and_hides_no_link(message: Callable[..., dict[str, Any]]) -> None:
    rendered = message(title=HOSTILE, summary=HOSTILE, acknowledge=HOSTILE, facts=((HOSTILE, HOSTILE),))
    text = json.dumps(rendered, ensure_ascii=False)
    # The title and the summary are in the text and in its fallback.
    assert text.count("@\u200bchannel @\u200ball,@\u200bhere (@\u200bHERE)") == 7
    assert text.count("＜!channel> ＜!all> ＜@\u200bu1> ＜https://example.invalid|a>") == 7
    assert text.count("[b]\u200b(https://x.invalid)") == 7
    assert "<" not in text
    assert "@" not in text.replace("@\u200b", "")


def test_a_title_is_one_line(message: Callable[..., dict[str, Any]]) -> None:
    assert message(title="a\r\nb\x00c", summary="d")["text"] == "#### a b c\nd"


@pytest.mark.parametrize("text", ["v", "演", "🧯", "@", "<", "](", '"'])
def test_the_largest_digest_keeps_every_row(message: Callable[..., dict[str, Any]], text: str) -> None:
    rows = tuple(
        ((f"{number:03}" + text * 200)[:200], (text * 150)[:149] + "!")
        for number in range(MattermostConnector.most_in_one_message)
    )
    (attachment,) = message(facts=rows, summary="s" * 400)["attachments"]
    shown = json.dumps(attachment["fields"], ensure_ascii=False).replace("\u200b", "").replace("＜", "<")
    assert [(field["title"], field["value"]) for field in json.loads(shown)] == list(rows)


def test_a_digest_may_hold_several() -> None:
    assert MattermostConnector.most_in_one_message > 1


@pytest.mark.parametrize(("may_repeat", "shown"), [(False, "(first)"), (True, "may repeat a message")])
def test_a_message_that_may_be_the_second_says_so(
    message: Callable[..., dict[str, Any]], *, may_repeat: bool, shown: str
) -> None:
    assert shown in message(may_repeat=may_repeat)["attachments"][0]["footer"]


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    connector = MattermostConnector(url=Secret(value=URL), title="[TEST]")
    rendered = json.loads(connector.prepare(make_notification(), now=now).content)
    assert rendered["text"].startswith("#### [TEST] Rollback drill overdue")


def error(name: str, status: int) -> str:
    return json.dumps({"id": name, "message": "It failed.", "request_id": "r", "status_code": status})


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "ok", Outcome.DELIVERED),
        (200, "ok\n", Outcome.DELIVERED),
        (200, "", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (201, "ok", Outcome.PERMANENT),
        (400, error("web.incoming_webhook.parse.app_error", 400), Outcome.PERMANENT),
        (400, error("web.incoming_webhook.text.app_error", 400), Outcome.PERMANENT),
        (400, error("web.incoming_webhook.user.app_error", 400), Outcome.PERMANENT),
        (400, error("web.incoming_webhook.split_props_length.app_error", 400), Outcome.PERMANENT),
        (400, error("web.incoming_webhook.invalid.app_error", 400), Outcome.DISABLED),
        (401, "", Outcome.DISABLED),
        (403, error("web.incoming_webhook.channel_locked.app_error", 403), Outcome.DISABLED),
        (403, error("web.incoming_webhook.permissions.app_error", 403), Outcome.DISABLED),
        (404, error("web.incoming_webhook.channel.app_error", 404), Outcome.DISABLED),
        (413, "", Outcome.PERMANENT),
        (429, "limit exceeded", Outcome.RETRY),
        (500, error("api.post.create_webhook_post.creating.app_error", 500), Outcome.RETRY),
        (501, error("web.incoming_webhook.disabled.app_error", 501), Outcome.PERMANENT),
        (502, "<html>bad gateway</html>", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_status_and_error_id(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(SAMPLE.make(answer(status, body).url_for("").rstrip("/")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(
    ("header", "seconds"), [("30", 30.0), ("90000", 3600.0), ("soon", None), (None, None)]
)
def test_waits_as_many_seconds_as_it_is_told(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    header: str | None,
    seconds: float | None,
) -> None:
    server = answer(429, "limit exceeded", {"retry-after": header} if header else None)
    assert send(SAMPLE.make(server.url_for("").rstrip("/"))).retry_after_seconds == seconds


def test_tells_the_error_and_not_the_key(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    body = json.dumps({"id": "web.x.app_error", "message": f"No {KEY} here.", "detailed_error": "not shown"})
    verdict = send(SAMPLE.make(answer(400, body).url_for("").rstrip("/")))
    assert verdict.detail == "answered 400: web.x.app_error: No [redacted] here."


def test_reminder_and_ending_are_posts_of_their_own(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], message: Callable[..., dict[str, Any]]
) -> None:
    server = answer(200, "ok")
    connector = SAMPLE.make(server.url_for("").rstrip("/"))
    reasons = (Reason.FIRST, Reason.REPEAT, Reason.RESOLVED)
    verdicts = [send(connector, reason=reason) for reason in reasons]
    assert [verdict.external_ref for verdict in verdicts] == ["", "", ""]
    assert [(request.method, request.path) for request, _ in server.log] == [("POST", f"/hooks/{KEY}")] * 3
    assert [request.get_json() for request, _ in server.log] == [message(reason=reason) for reason in reasons]
    for reason, (request, _) in zip(reasons, server.log, strict=True):
        assert f"({reason})" in request.get_json()["attachments"][0]["footer"]


def test_promises_no_deduplication(make_notification: Callable[..., Notification]) -> None:
    assert not MattermostConnector(url=Secret(value=URL)).deduplicates(make_notification())


@pytest.mark.parametrize(
    ("url", "public"),
    [
        (URL, "https://chat.example.invalid/hooks/[redacted]"),
        (
            f"https://example.invalid:8065/chat/hooks/{KEY}/",
            "https://example.invalid:8065/chat/hooks/[redacted]",
        ),
        (f"https://u:p@example.invalid/hooks/{KEY}?x=y", "https://example.invalid/hooks/[redacted]"),
    ],
)
def test_shows_all_of_its_url_but_the_key(
    make_notification: Callable[..., Notification], now: datetime, url: str, public: str
) -> None:
    request = MattermostConnector(url=Secret(value=url)).prepare(make_notification(), now=now)
    assert request.url == url
    assert request.summary().url == public


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"http://chat.example.invalid/hooks/{KEY}", "must be https"),
        ("https://chat.example.invalid/hooks/", "must end with /hooks/KEY"),
        (f"https://chat.example.invalid/hooks/commands/{KEY}", "must end with /hooks/KEY"),
        (f"https://chat.example.invalid/{KEY}", "must end with /hooks/KEY"),
    ],
)
def test_refuses_an_address_that_cannot_work(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        MattermostConnector(url=Secret(value=url))
    assert KEY not in str(caught.value)
