"""Slack bot: requests that Slack's own SDK could have made, answers by their body, threads and edits."""

import inspect
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from slack_sdk import WebClient
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.metadata import Metadata

from blocks.slack_bot import SlackBotConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

TOKEN = "xoxb-0123456789-abcdefGHIJKL"
REF = "C0123ABCD:1700000000.000100"
REPLY = "1700000099.000200"
TAKEN = json.dumps({"ok": True, "channel": "C0123ABCD", "ts": "1700000000.000100"})


def make(origin: str = "https://slack.com/api", **overrides: Any) -> SlackBotConnector:
    fields: dict[str, Any] = {"token": Secret(value=TOKEN), "channel": "C0123ABCD", "api_url": origin}
    return SlackBotConnector(**fields | overrides)


SAMPLE = Sample(name="slack-bot", make=make, taken=Answer(200, TAKEN), secrets=(TOKEN,))

METHODS: Mapping[str, Callable[..., Any]] = {
    "chat.postMessage": WebClient.chat_postMessage,
    "chat.update": WebClient.chat_update,
}


def validate(method: str, body: dict[str, Any]) -> None:
    """Let the SDK say which arguments there are, check every block, and add what it does not check."""
    parameters = {
        name
        for name, parameter in inspect.signature(METHODS[method]).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert set(body) <= parameters
    required = {"channel", "text", "blocks", *(["ts"] if method == "chat.update" else [])}
    assert required <= set(body)
    assert [block.to_dict() for block in Block.parse_all(body["blocks"])] == body["blocks"]
    headers = [block for block in body["blocks"] if block["type"] == "header"]
    assert all(header["text"]["type"] == "plain_text" for header in headers)
    assert len(body["blocks"]) <= 50
    assert len(json.dumps(body, ensure_ascii=False)) <= 13_000
    assert Metadata(**body["metadata"]).to_dict() == body["metadata"]


def rendered(
    notification: Notification, now: datetime, connector: SlackBotConnector | None = None
) -> tuple[str, dict[str, Any]]:
    request = (connector or make()).prepare(notification, now=now)
    return request.url.rpartition("/")[2], json.loads(request.content)


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param({}, id="usual"),
        pytest.param({"facts": ()}, id="no facts"),
        pytest.param(
            {"title": "t" * 5000, "summary": "s" * 9000, "acknowledge": "a" * 9000}, id="long texts"
        ),
        pytest.param({"facts": tuple((f"Fact {n}", "v" * 100) for n in range(600))}, id="many facts"),
        pytest.param({"title": "演習" * 200, "facts": (("期限", "🧯" * 1500),) * 11}, id="not latin"),
        pytest.param({"title": "<!channel>&" * 99, "facts": (("<@U1>", "&" * 2000),) * 12}, id="hostile"),
        pytest.param({"reason": Reason.RESOLVED, "acknowledge": ""}, id="resolved without a message"),
        pytest.param({"reason": Reason.RESOLVED, "acknowledge": "", "earlier_ref": REF}, id="resolved"),
        pytest.param({"reason": Reason.REPEAT, "earlier_ref": REF, "may_repeat": True}, id="repeat"),
    ],
)
def test_slack_accepts_the_request(
    make_notification: Callable[..., Notification], now: datetime, overrides: dict[str, Any]
) -> None:
    validate(*rendered(make_notification(**overrides), now))


@pytest.mark.parametrize(
    ("method", "change"),
    [
        pytest.param("chat.postMessage", {"thread": "1.0"}, id="unknown argument"),
        pytest.param("chat.update", {"ts": "1.0", "thread_ts": "1.0"}, id="argument of the other method"),
        pytest.param("chat.update", {}, id="edit of nothing"),
        pytest.param("chat.postMessage", {"blocks": [{"type": "section"}]}, id="empty section"),
        pytest.param("chat.postMessage", {"metadata": {"event_type": "x"}}, id="metadata without payload"),
        pytest.param("chat.postMessage", {"text": "x" * 13_000}, id="too long in all"),
    ],
)
def test_the_validator_refuses_what_slack_refuses(
    make_notification: Callable[..., Notification], now: datetime, method: str, change: dict[str, Any]
) -> None:
    body = rendered(make_notification(), now)[1]
    del body["unfurl_links"], body["unfurl_media"]
    validate(method, body | {"ts": "1.0"} if method == "chat.update" else body)
    with pytest.raises((SlackObjectFormationError, AssertionError, TypeError)):
        validate(method, body | change)


@pytest.mark.parametrize("character", ["x", "演"])
def test_the_largest_digest_keeps_every_row(
    make_notification: Callable[..., Notification], now: datetime, character: str
) -> None:
    count = SlackBotConnector.most_in_one_message
    assert count > 1
    rows = tuple((f"{n}{character * 199}", f"{n}{character * 149}") for n in range(count))
    method, body = rendered(make_notification(facts=rows), now)
    validate(method, body)
    text = json.dumps(body, ensure_ascii=False)
    assert "shortened" not in text
    for label, value in rows:
        assert f"*{label}*\\n{value}" in text


def test_user_text_can_ring_nobody(make_notification: Callable[..., Notification], now: datetime) -> None:
    bell = "<!channel> <@U1> &"
    notification = make_notification(title=bell, summary=bell, acknowledge=bell, facts=((bell, bell),))
    text = json.dumps(rendered(notification, now)[1])
    assert "<!channel>" not in text
    assert "<@U1>" not in text
    assert "&lt;!channel&gt;" in text


def test_a_machine_can_read_which_notification_it_is(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    body = rendered(make_notification(may_repeat=True, reason=Reason.WORSE), now)[1]
    assert body["metadata"] == {
        "event_type": "rollback_drill_notification",
        "event_payload": {
            "notification_id": "gordmsg-0123456789abcdef",
            "reason": "worse",
            "may_repeat": True,
        },
    }
    assert "it may repeat a message" in json.dumps(body["blocks"])
    assert "it may repeat" not in json.dumps(rendered(make_notification(), now)[1])


def answering(server: HTTPServer, method: str, answer: Mapping[str, Any]) -> None:
    server.expect_oneshot_request(f"/{method}", method="POST").respond_with_json(answer)


def asked(server: HTTPServer) -> list[tuple[str, dict[str, Any]]]:
    return [(request.path, json.loads(request.data)) for request, _ in server.log]


def test_the_first_message_is_posted_and_its_place_is_kept(
    httpserver: HTTPServer, send: Callable[..., Verdict]
) -> None:
    answering(httpserver, "chat.postMessage", json.loads(TAKEN))
    verdict = send(make(httpserver.url_for("")))
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, REF)
    ((path, body),) = asked(httpserver)
    assert (path, body["channel"]) == ("/chat.postMessage", "C0123ABCD")
    assert "thread_ts" not in body
    assert httpserver.log[0][0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_reminder_answers_in_the_thread_where_the_channel_sees_it(
    httpserver: HTTPServer, send: Callable[..., Verdict]
) -> None:
    answering(httpserver, "chat.postMessage", {"ok": True, "channel": "C0123ABCD", "ts": REPLY})
    verdict = send(make(httpserver.url_for(""), channel="C0OTHER"), reason=Reason.REPEAT, earlier_ref=REF)
    ((_, body),) = asked(httpserver)
    assert (body["channel"], body["thread_ts"]) == ("C0123ABCD", "1700000000.000100")
    assert body["reply_broadcast"] is True
    assert verdict.external_ref == REF, "the first message stays the one to come back to"


def test_an_ending_edits_the_first_message(httpserver: HTTPServer, send: Callable[..., Verdict]) -> None:
    answering(httpserver, "chat.update", json.loads(TAKEN))
    verdict = send(
        make(httpserver.url_for("")),
        reason=Reason.RESOLVED,
        earlier_ref=REF,
        title="Rollback drill performed: payments",
    )
    ((path, body),) = asked(httpserver)
    assert (path, body["channel"], body["ts"]) == ("/chat.update", "C0123ABCD", "1700000000.000100")
    assert body["blocks"][0]["text"]["text"] == "Rollback drill performed: payments"
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, REF)


@pytest.mark.parametrize("earlier_ref", ["", "OPS-1", "C0123ABCD:", f"{REF}\n"])
def test_an_ending_without_an_earlier_message_is_a_message(
    httpserver: HTTPServer, send: Callable[..., Verdict], earlier_ref: str
) -> None:
    answering(httpserver, "chat.postMessage", json.loads(TAKEN))
    send(make(httpserver.url_for("")), reason=Reason.RESOLVED, earlier_ref=earlier_ref)
    assert [path for path, _ in asked(httpserver)] == ["/chat.postMessage"]


@pytest.mark.parametrize(
    ("reason", "method", "error"),
    [
        (Reason.RESOLVED, "chat.update", "message_not_found"),
        (Reason.RESOLVED, "chat.update", "edit_window_closed"),
        (Reason.RESOLVED, "chat.update", "cant_update_message"),
        (Reason.REPEAT, "chat.postMessage", "thread_not_found"),
        (Reason.REPEAT, "chat.postMessage", "cannot_reply_to_message"),
    ],
)
def test_if_the_earlier_message_is_gone_a_new_one_is_posted(
    httpserver: HTTPServer, send: Callable[..., Verdict], reason: Reason, method: str, error: str
) -> None:
    answering(httpserver, method, {"ok": False, "error": error})
    answering(httpserver, "chat.postMessage", {"ok": True, "channel": "C0123ABCD", "ts": REPLY})
    verdict = send(make(httpserver.url_for("")), reason=reason, earlier_ref=REF)
    requests = asked(httpserver)
    assert [path for path, _ in requests] == [f"/{method}", "/chat.postMessage"]
    assert "thread_ts" not in requests[1][1]
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, f"C0123ABCD:{REPLY}")


def test_only_an_edit_may_be_repeated_without_harm(make_notification: Callable[..., Notification]) -> None:
    bot = make()
    assert bot.deduplicates(make_notification(reason=Reason.RESOLVED, earlier_ref=REF))
    assert not bot.deduplicates(make_notification(reason=Reason.RESOLVED))
    assert not bot.deduplicates(make_notification(reason=Reason.REPEAT, earlier_ref=REF))


@pytest.mark.parametrize(
    ("status", "answered", "expected"),
    [
        (200, '{"ok":true}', Outcome.DELIVERED),
        (200, '{"ok":"true"}', Outcome.PERMANENT),
        (200, "ok", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (200, '["ok"]', Outcome.PERMANENT),
        (200, "rate_limited", Outcome.PERMANENT),
        (429, "ratelimited", Outcome.RETRY),
        (401, "invalid_auth", Outcome.DISABLED),
        (404, "", Outcome.PERMANENT),
        (500, "", Outcome.RETRY),
        (500, "internal_error", Outcome.AMBIGUOUS),
        (503, "service_unavailable", Outcome.RETRY),
        *((200, error, Outcome.RETRY) for error in ("ratelimited", "service_unavailable", "request_timeout")),
        *((200, error, Outcome.AMBIGUOUS) for error in ("internal_error", "fatal_error")),
        *(
            (200, error, Outcome.DISABLED)
            for error in (
                *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"),
                *("missing_scope", "channel_not_found", "not_in_channel", "is_archived"),
                *("restricted_action", "restricted_action_read_only_channel"),
            )
        ),
        *(
            (200, error, Outcome.PERMANENT)
            for error in (
                *("invalid_blocks", "msg_too_long", "msg_blocks_too_long", "no_text", "invalid_arguments"),
                *("ekm_access_denied", "team_added_to_org", "org_login_required", "something_new"),
            )
        ),
    ],
)
def test_judges_status_and_error(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    status: int,
    answered: str,
    expected: Outcome,
) -> None:
    is_error = answered.replace("_", "").isalpha() and answered != "ok"
    if answered == "rate_limited":
        answered, expected = '{"ok":false,"error":"rate_limited"}', Outcome.RETRY
    elif is_error:
        answered = json.dumps({"ok": False, "error": answered})
    server = answer(status, answered, {"retry-after": "30"})
    verdict = send(make(server.url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.retry_after_seconds == (30 if expected is Outcome.RETRY else None)


def test_is_tried_out_without_a_message(httpserver: HTTPServer) -> None:
    answering(httpserver, "auth.test", {"ok": True, "team": "T1", "user": "robot"})
    assert make(httpserver.url_for("")).check().outcome is Outcome.DELIVERED
    answering(httpserver, "auth.test", {"ok": False, "error": "invalid_auth"})
    assert make(httpserver.url_for("")).check().outcome is Outcome.DISABLED


def test_the_address_shows_no_secret(make_notification: Callable[..., Notification], now: datetime) -> None:
    request = make().prepare(make_notification(), now=now)
    assert request.summary().url == "https://slack.com/api/chat.postMessage"
    assert TOKEN not in str(request.summary()) + repr(request)


@pytest.mark.parametrize("channel", ["#ops", "ops", "C\n01", "", "U0123ABCD"])
def test_a_channel_that_is_no_id_is_refused(channel: str) -> None:
    with pytest.raises(ValidationError):
        make(channel=channel)
