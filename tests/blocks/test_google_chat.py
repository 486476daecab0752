"""Google Chat: messages that Google's own description accepts, one thread for each cycle and owner."""

import json
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import Any

import httpx
import jsonschema
import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.google_chat import GoogleChatConnector
from blocks.text import reference
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

KEY = "AIzaSyD-0123456789abcdefghijklmnopqrst"
TOKEN = "a1B2c3D4e5F6_g7H8-i9J0kLmNoPqRsTuVwXyZ="
PATH = "/v1/spaces/AAAAB3NzaC1/messages"
QUERY = f"key={KEY}&token={TOKEN[:-1]}%3D"
URL = f"https://chat.googleapis.com{PATH}?{QUERY}"
NAME = "spaces/AAAAB3NzaC1/messages/Xy_z.Xy_z"
TAKEN = json.dumps({"name": NAME, "thread": {"name": "spaces/AAAAB3NzaC1/threads/Xy_z"}})

SAMPLE = Sample(
    name="google-chat",
    make=lambda origin: GoogleChatConnector(url=Secret(value=f"{origin}{PATH}?{QUERY}")),
    taken=Answer(200, TAKEN),
    secrets=(KEY, TOKEN),
)

HOSTILE = (
    "<users/all> <users/1> <https://example.invalid|pay> <a href='https://example.invalid'>x</a> & &lt;b&gt;"
)

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "no acknowledgement": {"acknowledge": ""},
    "long texts": {"title": "t" * 20_000, "summary": "s" * 90_000, "acknowledge": "a" * 90_000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(600))},
    "long facts": {"facts": tuple((f"Fact {number}", "v" * 3000) for number in range(30))},
    "a little too long": {"facts": (("Fact", "v" * 3950),) * 8},
    "long labels": {"facts": (("l" * 5000, "v"),)},
    "not latin": {"title": "演習" * 2000, "summary": "演" * 9000, "facts": (("期限", "🧯" * 3000),) * 11},
    "markup only": {"title": "<" * 9000, "summary": "&" * 20_000, "facts": (("&" * 900, "<" * 9000),) * 300},
    "hostile": {"title": HOSTILE, "summary": HOSTILE, "acknowledge": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "long cycle": {"cycle_id": "c" * 9000},
    "resolved": {"reason": Reason.RESOLVED, "earlier_ref": NAME},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": NAME},
    "may repeat": {"may_repeat": True},
}


def as_json_schema(described: dict[str, Any]) -> dict[str, Any]:
    """Turn Google's description of a type into JSON Schema, draft 4, without what only an answer may hold."""
    if "$ref" in described:
        return {"$ref": f"#/definitions/{described['$ref']}"}
    schema: dict[str, Any] = {key: described[key] for key in ("type", "enum") if key in described}
    if "items" in described:
        schema["items"] = as_json_schema(described["items"])
    if described.get("type") == "object":
        schema["properties"] = {
            name: as_json_schema(inner)
            for name, inner in described.get("properties", {}).items()
            if not inner.get("readOnly")
        }
        more = described.get("additionalProperties")
        schema["additionalProperties"] = as_json_schema(more) if more else False
    return {} if schema.get("type") == "any" else schema


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft4Validator:
    documents = files("googleapiclient").joinpath("discovery_cache/documents")
    described = json.loads(documents.joinpath("chat.v1.json").read_text(encoding="utf-8"))["schemas"]
    definitions = {name: as_json_schema(inner) for name, inner in described.items()}
    return jsonschema.Draft4Validator({"$ref": "#/definitions/Message", "definitions": definitions})


@pytest.fixture
def message(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        request = GoogleChatConnector(url=Secret(value=URL)).prepare(make_notification(**overrides), now=now)
        document: dict[str, Any] = json.loads(request.content)
        assert len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()) == len(
            request.content
        )
        return document

    return render


def paragraphs(message: dict[str, Any]) -> list[str]:
    (card,) = message["cardsV2"]
    (section,) = card["card"]["sections"]
    return [widget["textParagraph"]["text"] for widget in section["widgets"]]


def validate(message: dict[str, Any], schema: jsonschema.Draft4Validator) -> None:
    """Check the message by Google's description, and by the limits that are told in its comments only."""
    schema.validate(message)
    assert len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()) <= 32_000
    assert len(message["text"]) in range(1, 4097)
    assert len(message["thread"]["threadKey"]) in range(1, 4001)
    texts = paragraphs(message)
    assert len(texts) <= 100
    assert all(texts)


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_google_takes_the_message(
    message: Callable[..., dict[str, Any]], schema: jsonschema.Draft4Validator, overrides: dict[str, Any]
) -> None:
    validate(message(**overrides), schema)


def card(*widgets: dict[str, Any], **properties: Any) -> list[dict[str, Any]]:
    return [{"cardId": "x", "card": {"sections": [{"widgets": list(widgets)}], **properties}}]


PARAGRAPH: dict[str, Any] = {"textParagraph": {"text": "x"}}
GOOD: dict[str, Any] = {"text": "x", "thread": {"threadKey": "x"}, "cardsV2": card(PARAGRAPH)}


def test_the_validator_takes_a_small_message(schema: jsonschema.Draft4Validator) -> None:
    validate(GOOD, schema)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"cardsV2": card(PARAGRAPH, sections={"widgets": [PARAGRAPH]})}, id="sections as object"
        ),
        pytest.param({"cardsV2": card({"paragraph": {"text": "x"}})}, id="unknown widget"),
        pytest.param({"cardsV2": card({"textParagraph": "x"})}, id="paragraph as text"),
        pytest.param(
            {"cardsV2": card({"textParagraph": {"text": "x", "textSyntax": "RST"}})}, id="unknown syntax"
        ),
        pytest.param({"cardsV2": card(PARAGRAPH)[0]}, id="cards that are no list"),
        pytest.param({"blocks": []}, id="a property of Slack"),
        pytest.param({"createdBy": "x"}, id="unknown property"),
        pytest.param({"argumentText": "x"}, id="what only an answer holds"),
        pytest.param({"thread": "x"}, id="thread as text"),
        pytest.param({"thread": {"threadKey": "x" * 4001}}, id="long thread key"),
        pytest.param({"text": 7}, id="text as number"),
        pytest.param({"text": "x" * 4097}, id="long text"),
        pytest.param({"cardsV2": card(*[PARAGRAPH] * 101)}, id="101 widgets"),
        pytest.param(
            {"cardsV2": card({"textParagraph": {"text": "x" * 32_000}})}, id="more than 32 000 bytes"
        ),
        pytest.param(
            {"cardsV2": card({"textParagraph": {"text": "演" * 11_000}})}, id="33 000 bytes of 11 000"
        ),
    ],
)
def test_the_validator_refuses_what_google_refuses(
    schema: jsonschema.Draft4Validator, change: dict[str, Any]
) -> None:
    with pytest.raises((jsonschema.ValidationError, AssertionError, TypeError)):
        validate({**GOOD, **change}, schema)


def test_says_everything(
    message: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    rendered = message()
    assert rendered["text"] == f"{notification.title}\n{notification.summary}"
    assert paragraphs(rendered) == [
        "<br>".join(f"<b>{label}</b>: {value}" for label, value in notification.facts),
        notification.acknowledge,
        notification.footer,
    ]


def test_shortening_is_told(message: Callable[..., dict[str, Any]]) -> None:
    rendered = message(summary="s" * 90_000, acknowledge="a" * 90_000, facts=(("Fact", "v" * 90_000),))
    for text in (rendered["text"], *paragraphs(rendered)[:2]):
        assert text.endswith("… (shortened)")


def test_user_text_rings_nobody_and_hides_no_link(message: Callable[..., dict[str, Any]]) -> None:
    rendered = message(title=HOSTILE, summary=HOSTILE, acknowledge=HOSTILE, facts=((HOSTILE, HOSTILE),))
    assert "<" not in rendered["text"]
    assert rendered["text"].count("＜users/all> ＜users/1> ＜https://example.invalid|pay> ＜a href=") == 2
    facts, acknowledge, _ = paragraphs(rendered)
    assert acknowledge.startswith(
        "&lt;users/all&gt; &lt;users/1&gt; &lt;https://example.invalid|pay&gt; &lt;a"
    )
    assert acknowledge.endswith("&lt;/a&gt; &amp; &amp;lt;b&amp;gt;")
    assert facts == f"<b>{acknowledge}</b>: {acknowledge}"


def test_a_title_is_one_line(message: Callable[..., dict[str, Any]]) -> None:
    assert message(title="a\r\nb\x00c", summary="d")["text"] == "a b c\nd"


def test_lines_stay_lines_in_the_card(message: Callable[..., dict[str, Any]]) -> None:
    assert paragraphs(message(acknowledge="a\nb"))[1] == "a<br>b"


@pytest.mark.parametrize("text", ["v", "演", "🧯", "&", "<", '"'])
def test_the_largest_digest_keeps_every_row(message: Callable[..., dict[str, Any]], text: str) -> None:
    rows = tuple(
        ((f"{number:03}" + text * 200)[:200], (text * 150)[:149] + "!")
        for number in range(GoogleChatConnector.most_in_one_message)
    )
    facts = paragraphs(message(facts=rows, summary="s" * 400))[0]
    for escaped, plain in (("<b>", ""), ("</b>", ""), ("<br>", "\n"), ("&lt;", "<"), ("&amp;", "&")):
        facts = facts.replace(escaped, plain)
    assert facts.splitlines() == [f"{label}: {value}" for label, value in rows]


def test_a_digest_may_hold_several() -> None:
    assert GoogleChatConnector.most_in_one_message > 1


@pytest.mark.parametrize(("may_repeat", "shown"), [(False, "(first)"), (True, "may repeat a message")])
def test_a_message_that_may_be_the_second_says_so(
    message: Callable[..., dict[str, Any]], *, may_repeat: bool, shown: str
) -> None:
    assert shown in paragraphs(message(may_repeat=may_repeat))[-1]


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    connector = GoogleChatConnector(url=Secret(value=URL), title="[TEST]")
    rendered = json.loads(connector.prepare(make_notification(), now=now).content)
    assert rendered["text"].startswith("[TEST] Rollback drill overdue")


def error(code: int, status: str) -> str:
    return json.dumps({"error": {"code": code, "message": "It failed.", "status": status, "details": []}})


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, TAKEN, Outcome.DELIVERED),
        (200, "{}", Outcome.PERMANENT),
        (200, '{"name":""}', Outcome.PERMANENT),
        (200, '{"name":7}', Outcome.PERMANENT),
        (200, "[]", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (204, "", Outcome.PERMANENT),
        (400, error(400, "INVALID_ARGUMENT"), Outcome.PERMANENT),
        (401, error(401, "UNAUTHENTICATED"), Outcome.DISABLED),
        (403, error(403, "PERMISSION_DENIED"), Outcome.DISABLED),
        (404, error(404, "NOT_FOUND"), Outcome.DISABLED),
        (429, error(429, "RESOURCE_EXHAUSTED"), Outcome.RETRY),
        (500, error(500, "INTERNAL"), Outcome.RETRY),
        (503, error(503, "UNAVAILABLE"), Outcome.RETRY),
        (504, '{"error":"DEADLINE_EXCEEDED"}', Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(SAMPLE.make(answer(status, body).url_for("").rstrip("/")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.external_ref == (NAME if expected is Outcome.DELIVERED else "")


@pytest.mark.parametrize(
    ("header", "seconds"), [("30", 30.0), ("90000", 3600.0), ("soon", None), (None, None)]
)
def test_waits_as_many_seconds_as_it_is_told(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    header: str | None,
    seconds: float | None,
) -> None:
    server = answer(429, error(429, "RESOURCE_EXHAUSTED"), {"retry-after": header} if header else None)
    assert send(SAMPLE.make(server.url_for("").rstrip("/"))).retry_after_seconds == seconds


def test_reminder_and_ending_are_replies_in_one_thread(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    make_notification: Callable[..., Notification],
) -> None:
    server = answer(200, TAKEN)
    connector = SAMPLE.make(server.url_for("").rstrip("/"))
    first = send(connector)
    send(connector, reason=Reason.REPEAT, earlier_ref=first.external_ref)
    send(connector, reason=Reason.RESOLVED, earlier_ref=first.external_ref)
    key = reference(make_notification(), 200)
    for (request, _), reason in zip(server.log, ("first", "repeat", "resolved"), strict=True):
        assert (request.method, request.path) == ("POST", PATH)
        assert request.args.to_dict() == {
            "key": KEY,
            "token": TOKEN,
            "messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        }
        assert request.get_json()["thread"] == {"threadKey": key}
        assert f"({reason})" in paragraphs(request.get_json())[-1]


@pytest.mark.parametrize("change", [{"owner": "somebody-else"}, {"cycle_id": "another cycle"}])
def test_each_cycle_and_owner_has_a_thread(
    message: Callable[..., dict[str, Any]], change: dict[str, str]
) -> None:
    assert message(**change)["thread"] != message()["thread"]


def test_an_option_in_the_url_does_not_keep_messages_out_of_their_thread(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    connector = GoogleChatConnector(url=Secret(value=f"{URL}&messageReplyOption=REPLY_MESSAGE_OR_FAIL"))
    url = connector.prepare(make_notification(), now=now).url
    assert httpx.URL(url).params.get_list("messageReplyOption") == ["REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"]


def test_promises_no_deduplication(make_notification: Callable[..., Notification]) -> None:
    assert not GoogleChatConnector(url=Secret(value=URL)).deduplicates(make_notification())


@pytest.mark.parametrize("shown", [KEY, TOKEN, f"{TOKEN[:-1]}%3D"])
def test_shows_the_space_and_neither_key_nor_token(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], shown: str
) -> None:
    server = answer(
        400, json.dumps({"error": {"status": "INVALID_ARGUMENT", "message": f"at {PATH} {shown}"}})
    )
    origin = server.url_for("").rstrip("/")
    verdict = send(SAMPLE.make(origin))
    assert verdict.request is not None
    assert verdict.request.url == f"{origin}{PATH}?[redacted]"
    assert verdict.detail == f"answered 400: INVALID_ARGUMENT: at {PATH} [redacted]"


@pytest.mark.parametrize(
    "url",
    [
        f"http://chat.googleapis.com{PATH}?{QUERY}",
        f"https://u:p@chat.googleapis.com{PATH}?{QUERY}",
        f"https://chat.googleapis.com{PATH}?key={KEY}",
        f"https://chat.googleapis.com{PATH}?token={TOKEN}",
        f"https://chat.googleapis.com/v1/spaces/AAAA?{QUERY}",
        f"https://chat.googleapis.com/v1/spaces/AAAA/messages/BBBB?{QUERY}",
    ],
)
def test_refuses_an_address_that_cannot_work(url: str) -> None:
    with pytest.raises(ValidationError, match="must be https") as caught:
        GoogleChatConnector(url=Secret(value=url))
    assert KEY not in str(caught.value)
    assert TOKEN not in str(caught.value)
