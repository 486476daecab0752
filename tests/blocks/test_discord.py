"""Discord: messages that the types of its API describe, and a first message that is edited in the end."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.discord import DiscordConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

ID = "123456789012345678"
TOKEN = "s3cr3t-Token_Value-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM"
PATH = f"/api/webhooks/{ID}/{TOKEN}"
CALLED = f"/api/v10/webhooks/{ID}/{TOKEN}"
URL = f"https://discord.com{PATH}"
FIRST = "1100000000000000001"
SECOND = "1100000000000000002"
TAKEN = json.dumps({"id": FIRST, "channel_id": "1", "content": "x"})

SAMPLE = Sample(
    name="discord",
    make=lambda origin: DiscordConnector(url=Secret(value=origin + PATH)),
    taken=Answer(200, TAKEN),
    secrets=(TOKEN,),
)

HOSTILE = "@everyone @here <@1> <@&2> [click](https://example.invalid) ``` ** "

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "no acknowledgement": {"acknowledge": ""},
    "long texts": {"title": "t" * 5000, "summary": "s" * 9000, "acknowledge": "a" * 9000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(600))},
    "long facts": {"facts": tuple((f"Fact {number}", "v" * 3000) for number in range(30))},
    "long labels": {"facts": (("l" * 5000, "v"),)},
    "not latin": {"title": "演習" * 2000, "summary": "演" * 5000, "facts": (("期限", "🧯" * 3000),) * 11},
    "links only": {"title": "](" * 5000, "summary": "](" * 9000, "facts": (("](" * 900, "](" * 9000),) * 300},
    "hostile": {"title": HOSTILE, "summary": HOSTILE, "acknowledge": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "long id": {"notification_id": "i" * 900},
    "resolved": {"reason": Reason.RESOLVED},
    "resolved, with the first message": {"reason": Reason.RESOLVED, "earlier_ref": FIRST},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": FIRST},
    "may repeat": {"may_repeat": True},
}


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    path = Path(__file__).parent / "schemas/discord-webhook-message.json"
    return jsonschema.Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture
def message(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        request = DiscordConnector(url=Secret(value=URL)).prepare(make_notification(**overrides), now=now)
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


def validate(message: dict[str, Any], schema: jsonschema.Draft7Validator) -> None:
    """Check the message by types; the limits are told in their comments and in the documents of Discord."""
    schema.validate(message)
    assert len(message["content"]) in range(1, 2001)
    assert len(message["embeds"]) <= 10
    total = 0
    for embed in message["embeds"]:
        fields = embed.get("fields", [])
        assert len(fields) <= 25
        texts = [
            (embed.get("title", "x"), 256),
            (embed.get("description", "x"), 4096),
            (embed["footer"]["text"], 2048),
            *((field["name"], 256) for field in fields),
            *((field["value"], 1024) for field in fields),
        ]
        assert all(len(text) in range(1, longest + 1) for text, longest in texts)
        total += sum(len(text) for text, _ in texts)
    assert total <= 6000
    assert message["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_discord_takes_the_message(
    message: Callable[..., dict[str, Any]], schema: jsonschema.Draft7Validator, overrides: dict[str, Any]
) -> None:
    validate(message(**overrides), schema)


EMBED: dict[str, Any] = {"footer": {"text": "x"}}
GOOD: dict[str, Any] = {"content": "x", "embeds": [EMBED], "allowed_mentions": {"parse": []}}


def test_the_validator_takes_a_small_message(schema: jsonschema.Draft7Validator) -> None:
    validate(GOOD, schema)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"embeds": EMBED}, id="embeds that are no list"),
        pytest.param({"text": "x"}, id="a property of Slack"),
        pytest.param({"embeds": [{**EMBED, "colour": 1}]}, id="unknown property of an embed"),
        pytest.param({"embeds": [{**EMBED, "color": "#ff0000"}]}, id="colour as text"),
        pytest.param({"embeds": [{**EMBED, "fields": [{"name": "x"}]}]}, id="field without value"),
        pytest.param({"embeds": [{"footer": "x"}]}, id="footer as text"),
        pytest.param({"allowed_mentions": {"parse": ["nobody"]}}, id="unknown kind of mention"),
        pytest.param({"allowed_mentions": {"parse": ["everyone"]}}, id="mentions of everyone"),
        pytest.param({"content": "x" * 2001}, id="long content"),
        pytest.param({"content": ""}, id="empty content"),
        pytest.param({"embeds": [EMBED] * 11}, id="eleven embeds"),
        pytest.param({"embeds": [{**EMBED, "description": "x" * 4097}]}, id="long description"),
        pytest.param({"embeds": [{**EMBED, "fields": [{"name": "x", "value": "x"}] * 26}]}, id="26 fields"),
        pytest.param({"embeds": [{**EMBED, "fields": [{"name": "x", "value": ""}]}]}, id="empty field"),
        pytest.param(
            {"embeds": [{**EMBED, "fields": [{"name": "x", "value": "x" * 1025}]}]}, id="long field"
        ),
        pytest.param({"embeds": [{**EMBED, "description": "x" * 3000}] * 2}, id="6002 characters in all"),
    ],
)
def test_the_validator_refuses_what_discord_refuses(
    schema: jsonschema.Draft7Validator, change: dict[str, Any]
) -> None:
    with pytest.raises((jsonschema.ValidationError, AssertionError)):
        validate({**GOOD, **change}, schema)


def test_says_everything(
    message: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    rendered = message()
    (embed,) = rendered["embeds"]
    assert rendered["content"] == f"{notification.title}\n{notification.summary}"
    assert embed["description"].splitlines() == [f"**{name}**: {value}" for name, value in notification.facts]
    assert embed["fields"] == [{"name": "Acknowledge", "value": notification.acknowledge}]
    assert embed["footer"]["text"] == notification.footer


@pytest.mark.parametrize(
    ("overrides", "color"),
    [
        ({"alert_level": "critical"}, 0xC62828),
        ({"alert_level": "warning"}, 0xF9A825),
        ({"alert_level": "healthy"}, 0x2E7D32),
        ({"alert_level": "unheard of"}, 0x757575),
        ({"alert_level": "critical", "reason": Reason.RESOLVED}, 0x2E7D32),
    ],
)
def test_the_color_tells_the_level(
    message: Callable[..., dict[str, Any]], overrides: dict[str, Any], color: int
) -> None:
    assert message(**overrides)["embeds"][0]["color"] == color


def test_shortening_is_told(message: Callable[..., dict[str, Any]]) -> None:
    rendered = message(summary="s" * 9000, acknowledge="a" * 9000, facts=(("Fact", "v" * 9000),))
    (embed,) = rendered["embeds"]
    for text in (rendered["content"], embed["description"], embed["fields"][0]["value"]):
        assert text.endswith("… (shortened)")


@pytest.mark.parametrize("reference", ["", FIRST])
@pytest.mark.parametrize("reason", [Reason.FIRST, Reason.RESOLVED])
def test_user_text_rings_nobody_and_hides_no_link(
    message: Callable[..., dict[str, Any]], reason: Reason, reference: str
) -> None:
    overrides = {"title": HOSTILE, "summary": HOSTILE, "acknowledge": HOSTILE, "facts": ((HOSTILE, HOSTILE),)}
    rendered = message(**overrides, reason=reason, earlier_ref=reference)
    assert rendered["allowed_mentions"] == {"parse": []}
    text = json.dumps(rendered)
    assert "](" not in text
    assert text.count("]\\u200b(https://example.invalid)") == 5


def test_a_title_is_one_line(message: Callable[..., dict[str, Any]]) -> None:
    assert message(title="a\r\nb\x00c", summary="d")["content"] == "a b c\nd"


@pytest.mark.parametrize("text", ["v", "演", "🧯", "](", "@", "&", '"'])
def test_the_largest_digest_keeps_every_row(message: Callable[..., dict[str, Any]], text: str) -> None:
    rows = tuple(
        ((f"{number:03}" + text * 200)[:200], (text * 150)[:149] + "!")
        for number in range(DiscordConnector.most_in_one_message)
    )
    description = message(facts=rows, summary="s" * 400)["embeds"][0]["description"].replace("\u200b", "")
    assert description.splitlines() == [f"**{label}**: {value}" for label, value in rows]


def test_a_digest_may_hold_several() -> None:
    assert DiscordConnector.most_in_one_message > 1


@pytest.mark.parametrize(("may_repeat", "shown"), [(False, "(first)"), (True, "may repeat a message")])
def test_a_message_that_may_be_the_second_says_so(
    message: Callable[..., dict[str, Any]], *, may_repeat: bool, shown: str
) -> None:
    assert shown in message(may_repeat=may_repeat)["embeds"][0]["footer"]["text"]


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    connector = DiscordConnector(url=Secret(value=URL), title="[TEST]")
    rendered = json.loads(connector.prepare(make_notification(), now=now).content)
    assert rendered["content"].startswith("[TEST] Rollback drill overdue")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, TAKEN, Outcome.DELIVERED),
        (200, "{}", Outcome.PERMANENT),
        (200, '{"id":7}', Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (201, TAKEN, Outcome.PERMANENT),
        (204, "", Outcome.ACCEPTED),
        (400, '{"message":"Invalid Form Body","code":50035}', Outcome.PERMANENT),
        (400, '{"message":"Cannot send an empty message","code":50006}', Outcome.PERMANENT),
        (400, '{"message":"The request body contains invalid JSON.","code":50109}', Outcome.PERMANENT),
        (401, '{"message":"Invalid Webhook Token","code":50027}', Outcome.DISABLED),
        (403, '{"message":"Missing Permissions","code":50013}', Outcome.DISABLED),
        (404, '{"message":"Unknown Webhook","code":10015}', Outcome.DISABLED),
        (404, '{"message":"Unknown Channel","code":10003}', Outcome.DISABLED),
        (429, '{"message":"You are being rate limited.","retry_after":0.5,"global":false}', Outcome.RETRY),
        (500, "", Outcome.RETRY),
        (502, "<html>bad gateway</html>", Outcome.RETRY),
        (503, "", Outcome.RETRY),
        (504, "", Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(SAMPLE.make(answer(status, body).url_for("").rstrip("/")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.external_ref == (FIRST if expected is Outcome.DELIVERED else "")


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ("", {}, None),
        ('{"retry_after":64.57}', {}, 64.57),
        ('{"retry_after":64.57}', {"retry-after": "65"}, 65.0),
        ('{"retry_after":64.57}', {"retry-after": "1"}, 64.57),
        ("<html>", {"retry-after": "7"}, 7.0),
        ("", {"x-ratelimit-reset-after": "1.337"}, 1.337),
        ('{"retry_after":90000}', {}, 3600.0),
        ('{"retry_after":"soon"}', {"x-ratelimit-reset-after": "later"}, None),
        ('{"retry_after":NaN}', {}, None),
        ('{"retry_after":-1}', {}, None),
        ('{"retry_after":1' + "0" * 400 + "}", {}, None),
    ],
)
def test_waits_the_longest_time_told_in_seconds(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    body: str,
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    verdict = send(SAMPLE.make(answer(429, body, headers).url_for("").rstrip("/")))
    assert verdict.retry_after_seconds == seconds


def test_the_first_message_is_edited_in_the_end(
    httpserver: HTTPServer, send: Callable[..., Verdict], message: Callable[..., dict[str, Any]]
) -> None:
    httpserver.expect_ordered_request(CALLED, "POST").respond_with_data(TAKEN)
    httpserver.expect_ordered_request(CALLED, "POST").respond_with_json({"id": SECOND})
    httpserver.expect_ordered_request(f"{CALLED}/messages/{FIRST}", "PATCH").respond_with_data(TAKEN)
    connector = SAMPLE.make(httpserver.url_for("").rstrip("/"))
    first = send(connector)
    reminder = send(connector, reason=Reason.REPEAT, earlier_ref=first.external_ref)
    last = send(connector, reason=Reason.RESOLVED, earlier_ref=reminder.external_ref)
    httpserver.check_assertions()
    assert [verdict.outcome for verdict in (first, reminder, last)] == [Outcome.DELIVERED] * 3
    assert [verdict.external_ref for verdict in (first, reminder, last)] == [FIRST] * 3
    assert [request.query_string for request, _ in httpserver.log] == [b"wait=true", b"wait=true", b""]
    closed = httpserver.log[2][0].get_json()
    assert closed == message(reason=Reason.RESOLVED)
    assert "(resolved)" in closed["embeds"][0]["footer"]["text"]


@pytest.mark.parametrize("reference", ["", "thread/../1", "gordmsg-1", "1" * 21])
def test_an_ending_without_a_first_message_is_a_message(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], reference: str
) -> None:
    server = answer(200, TAKEN)
    connector = SAMPLE.make(server.url_for("").rstrip("/"))
    verdict = send(connector, reason=Reason.RESOLVED, earlier_ref=reference)
    assert verdict.external_ref == FIRST
    assert [(request.method, request.path) for request, _ in server.log] == [("POST", CALLED)]


def test_an_ending_whose_first_message_was_deleted_is_a_message(
    httpserver: HTTPServer, send: Callable[..., Verdict]
) -> None:
    gone = {"message": "Unknown Message", "code": 10008}
    httpserver.expect_ordered_request(f"{CALLED}/messages/{FIRST}", "PATCH").respond_with_json(gone, 404)
    httpserver.expect_ordered_request(CALLED, "POST", query_string="wait=true").respond_with_json(
        {"id": SECOND}
    )
    connector = SAMPLE.make(httpserver.url_for("").rstrip("/"))
    verdict = send(connector, reason=Reason.RESOLVED, earlier_ref=FIRST)
    httpserver.check_assertions()
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, SECOND)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(404, 10015, Outcome.DISABLED), (400, 10008, Outcome.PERMANENT), (500, 0, Outcome.RETRY)],
)
def test_an_edit_that_fails_otherwise_posts_nothing(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    status: int,
    code: int,
    expected: Outcome,
) -> None:
    server = answer(status, json.dumps({"message": "x", "code": code}))
    connector = SAMPLE.make(server.url_for("").rstrip("/"))
    verdict = send(connector, reason=Reason.RESOLVED, earlier_ref=FIRST)
    assert (verdict.outcome, verdict.external_ref) == (expected, "")
    assert [request.method for request, _ in server.log] == ["PATCH"]


def test_only_a_repeated_edit_changes_nothing(make_notification: Callable[..., Notification]) -> None:
    connector = DiscordConnector(url=Secret(value=URL))
    assert connector.deduplicates(make_notification(reason=Reason.RESOLVED, earlier_ref=FIRST))
    assert not connector.deduplicates(make_notification(reason=Reason.RESOLVED))
    assert not connector.deduplicates(make_notification(reason=Reason.REPEAT, earlier_ref=FIRST))


@pytest.mark.parametrize(
    ("query", "posted", "edited"),
    [
        ("?thread_id=42", "thread_id=42&wait=true", "thread_id=42"),
        ("?wait=false&thread_id=42", "thread_id=42&wait=true", "thread_id=42"),
        ("?wait=true", "wait=true", ""),
    ],
)
def test_a_thread_stays_in_the_query(
    make_notification: Callable[..., Notification], now: datetime, query: str, posted: str, edited: str
) -> None:
    connector = DiscordConnector(url=Secret(value=URL + query))
    ending = make_notification(reason=Reason.RESOLVED, earlier_ref=FIRST)
    assert connector.prepare(make_notification(), now=now).url.partition("?")[2] == posted
    assert connector.prepare(ending, now=now).url.partition("?")[2] == edited


@pytest.mark.parametrize("version", ["", "/v6", "/v9", "/v10"])
def test_speaks_one_version_of_the_api(
    make_notification: Callable[..., Notification], now: datetime, version: str
) -> None:
    url = f"https://discord.com/api{version}/webhooks/{ID}/{TOKEN}"
    request = DiscordConnector(url=Secret(value=url)).prepare(make_notification(), now=now)
    assert request.url == f"https://discord.com{CALLED}?wait=true"


@pytest.mark.parametrize(
    ("overrides", "path"),
    [({}, ""), ({"reason": Reason.RESOLVED, "earlier_ref": FIRST}, f"/messages/{FIRST}")],
)
def test_shows_the_id_of_the_webhook_and_not_its_token(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], overrides: dict[str, Any], path: str
) -> None:
    server = answer(400, json.dumps({"message": f"bad request to {PATH}", "code": 0}))
    origin = server.url_for("").rstrip("/")
    verdict = send(SAMPLE.make(f"{origin}"), **overrides)
    assert verdict.request is not None
    assert verdict.request.url == f"{origin}/api/v10/webhooks/{ID}/[redacted]{path}"
    assert TOKEN not in repr(verdict)
    assert f"bad request to /api/webhooks/{ID}/[redacted]" in verdict.detail


def test_a_request_names_no_token_in_public(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = DiscordConnector(url=Secret(value=f"{URL}?thread_id=42")).prepare(make_notification(), now=now)
    assert request.public_url == f"https://discord.com/api/v10/webhooks/{ID}/[redacted]"


def test_a_trial_posts_nothing(answer: Callable[..., HTTPServer]) -> None:
    server = answer(200, json.dumps({"id": ID, "type": 1, "token": TOKEN}))
    verdict = SAMPLE.make(server.url_for("").rstrip("/")).check(timeout_seconds=5)
    assert verdict.outcome is Outcome.DELIVERED
    assert [(request.method, request.path) for request, _ in server.log] == [("GET", CALLED)]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"http://discord.com{PATH}", "must be https"),
        (f"https://u:p@discord.com{PATH}", "must be https://discord.com/api/webhooks/ID/TOKEN"),
        (f"https://discord.com/api/webhooks/{ID}", "must be https://discord.com/api/webhooks/ID/TOKEN"),
        (f"https://discord.com{PATH}/slack", "must be https://discord.com/api/webhooks/ID/TOKEN"),
        ("https://discord.com/channels/1/2", "must be https://discord.com/api/webhooks/ID/TOKEN"),
    ],
)
def test_refuses_an_address_that_cannot_work(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        DiscordConnector(url=Secret(value=url))
    assert TOKEN not in str(caught.value)
