"""Teams: cards that Microsoft's schema accepts, and answers that promise little."""

import copy
import json
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.teams import TeamsConnector
from blocks.text import one_line
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

ENVIRONMENT = "default0f1e2d3c4b5a69788796a5b4c3d2e1"
PATH = "/powerautomate/automations/direct/workflows/0123456789abcdef/triggers/manual/paths/invoke"
QUERY = "?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=Ab3_xYz-0123456789"
URL = f"https://{ENVIRONMENT}.12.environment.api.powerplatform.com:443{PATH}{QUERY}"

SAMPLE = Sample(
    name="teams",
    make=lambda origin: TeamsConnector(url=Secret(value=origin + PATH + QUERY)),
    taken=Answer(202),
    secrets=("0123456789abcdef", "Ab3_xYz-0123456789", PATH),
)

HOSTILE = '[click](https://example.invalid) <at>everyone</at> **b** <script>alert(1)</script> "}'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 9000, "summary": "s" * 9000, "acknowledge": "a" * 9000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(600))},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 3000),) * 11},
    "hostile": {"title": HOSTILE + "\r\n\x00", "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "anything"},
    "resolved": {"reason": Reason.RESOLVED, "acknowledge": ""},
    "may repeat": {"may_repeat": True},
}


@pytest.fixture
def message(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        request = TeamsConnector(url=Secret(value=URL)).prepare(make_notification(**overrides), now=now)
        assert len(request.content) <= 20_000
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft6Validator:
    text = files("adaptive_cards").joinpath("schemas/schema-1.4.json").read_text(encoding="utf-8-sig")
    return jsonschema.Draft6Validator(json.loads(text))


def card_of(message: dict[str, Any]) -> dict[str, Any]:
    """Take the card out of a message, without the one property that Teams adds to the schema."""
    assert message["type"] == "message"
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card: dict[str, Any] = copy.deepcopy(attachment["content"])
    assert card.pop("msteams") == {"width": "Full"}
    return card


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_microsoft_accepts_the_card(
    message: Callable[..., dict[str, Any]], schema: jsonschema.Draft6Validator, overrides: dict[str, Any]
) -> None:
    card = card_of(message(**overrides))
    schema.validate(card)
    assert card["version"] == "1.4"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"body": [{"type": "TextBlock", "text": "x", "style": "heading"}]}, id="property of 1.5"
        ),
        pytest.param({"body": [{"type": "FactSet", "facts": [{"title": "x"}]}]}, id="fact without value"),
        pytest.param({"body": [{"type": "Banner", "text": "x"}]}, id="unknown element"),
        pytest.param({"body": [{"type": "TextBlock", "text": "x", "weight": "Heavy"}]}, id="unknown weight"),
    ],
)
def test_the_schema_refuses_what_teams_cannot_show(
    message: Callable[..., dict[str, Any]], schema: jsonschema.Draft6Validator, change: dict[str, Any]
) -> None:
    assert not schema.is_valid({**card_of(message()), **change})


def test_says_everything(
    message: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    card = card_of(message())
    texts = [block["text"] for block in card["body"] if block["type"] == "TextBlock"]
    assert texts == [
        notification.title,
        notification.summary,
        notification.acknowledge,
        f"Notification {notification.notification_id} (first)",
    ]
    (facts,) = (block["facts"] for block in card["body"] if block["type"] == "FactSet")
    assert [(fact["title"], fact["value"]) for fact in facts] == list(notification.facts)
    assert notification.title in card["fallbackText"]


def test_user_text_makes_no_link_and_no_mention(message: Callable[..., dict[str, Any]]) -> None:
    hostile = {"title": HOSTILE, "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),), "acknowledge": HOSTILE}
    rendered = message(**hostile)
    text = json.dumps(rendered)
    assert text.count("[click] (https://example.invalid)") == 7, (
        "in every text, and in the one for readers without cards"
    )
    assert "](" not in text
    assert "<at>" not in text
    assert "entities" not in rendered["attachments"][0]["content"]["msteams"]


def test_the_end_is_a_second_card(answer: Callable[..., HTTPServer], send: Callable[..., Verdict]) -> None:
    server = answer(202)
    connector = SAMPLE.make(server.url_for("").rstrip("/"))
    assert [
        send(connector, reason=reason).outcome for reason in (Reason.FIRST, Reason.REPEAT, Reason.RESOLVED)
    ] == [Outcome.ACCEPTED] * 3
    for (request, _), reason in zip(server.log, ("first", "repeat", "resolved"), strict=True):
        footer = card_of(request.get_json())["body"][-1]
        assert footer["text"] == f"Notification gordmsg-0123456789abcdef ({reason})"


def test_a_card_without_an_acknowledgement_has_no_empty_text(message: Callable[..., dict[str, Any]]) -> None:
    body = card_of(message(acknowledge="", facts=()))["body"]
    assert len(body) == 3
    assert all(block["text"] for block in body)


def test_shows_that_it_may_repeat(message: Callable[..., dict[str, Any]]) -> None:
    notice = "it may repeat a message that was sent before"
    assert notice not in json.dumps(message())
    assert notice in card_of(message(may_repeat=True))["body"][-1]["text"]


@pytest.mark.parametrize("letter", ["x", "演", "🧯", '"', "\\", "](", "\x01"])
def test_the_longest_digest_keeps_every_row_whole(
    make_notification: Callable[..., Notification], now: datetime, letter: str
) -> None:
    most = TeamsConnector.most_in_one_message
    assert most > 1
    rows = tuple(
        (f"{number:02}" + (letter * 198)[:198], f"{number:02}" + (letter * 148)[:148])
        for number in range(most)
    )
    digest = make_notification(
        title=f"{most} rollback drills need attention",
        summary="o" * 200 + f" owns {most} schedules that need attention or are due soon.",
        facts=rows,
        acknowledge="Acknowledge each: drills ack --cycle CYCLE --owner " + "o" * 200,
    )
    connector = TeamsConnector(url=Secret(value=URL), title="🧯" * 60)
    request = connector.prepare(digest, now=now)
    assert len(request.content) <= 20_000
    (facts,) = (
        block["facts"] for block in card_of(json.loads(request.content))["body"] if block["type"] == "FactSet"
    )
    shown = [(fact["title"], fact["value"]) for fact in facts]
    assert shown == [
        tuple(text.replace("](", "] (") for text in (one_line(label), value)) for label, value in rows
    ]
    assert "(shortened)" not in request.content.decode()


def test_sends_to_the_url_as_it_was_given(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    assert TeamsConnector(url=Secret(value=URL)).prepare(make_notification(), now=now).url == URL


def test_the_signed_query_arrives_unchanged(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(202)
    assert send(TeamsConnector(url=Secret(value=server.url_for("/x") + QUERY))).outcome is Outcome.ACCEPTED
    (request, _) = server.log[0]
    assert request.query_string == QUERY[1:].encode()


def test_shows_only_the_shape_of_its_url(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = TeamsConnector(url=Secret(value=URL)).prepare(make_notification(), now=now)
    assert request.summary().url == (
        "https://[redacted].environment.api.powerplatform.com/powerautomate/automations/direct/workflows/[redacted]"
        "/triggers/manual/paths/invoke?[redacted]"
    )


def test_the_environment_is_redacted_too() -> None:
    redactor = TeamsConnector(url=Secret(value=URL)).redactor()
    assert ENVIRONMENT not in redactor.text(f"{ENVIRONMENT}.12.environment.api.powerplatform.com is down")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://a.webhook.office.com/webhookb2/x@y/IncomingWebhook/z", "retired"),
        ("https://outlook.office.com/webhook/x@y/IncomingWebhook/z", "retired"),
        ("https://prod-01.westeurope.logic.azure.com:443/workflows/x?sig=abcdef", "stopped working"),
        ("http://example.invalid/x", "must be https"),
    ],
)
def test_refuses_an_address_that_cannot_work(url: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        TeamsConnector(url=Secret(value=url))
    assert "x@y" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Outcome.ACCEPTED) for status in (200, 202)),
        *((status, Outcome.PERMANENT) for status in (400, 413)),
        *((status, Outcome.DISABLED) for status in (401, 403, 404, 410)),
        *((status, Outcome.RETRY) for status in (408, 429, 500, 502, 503)),
    ],
)
def test_judges_a_status(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, expected: Outcome
) -> None:
    server = answer(status, "", {"retry-after": "5"})
    verdict = send(TeamsConnector(url=Secret(value=server.url_for("/x"))))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.retry_after_seconds == (5 if expected is Outcome.RETRY else None)
