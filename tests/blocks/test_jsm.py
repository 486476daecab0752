"""Jira Service Management Operations: alerts that Opsgenie's own SDK models, one per cycle and owner."""

import json
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import opsgenie_sdk  # type: ignore[import-untyped]
import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.jsm import JsmConnector
from blocks.text import reference
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

KEY = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
TAKEN = (
    '{"result":"Request will be processed","took":0.107,"requestId":"43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}'
)

SAMPLE = Sample(
    name="jsm",
    make=lambda origin: JsmConnector(api_key=Secret(value=KEY), api_url=f"{origin}/jsm/ops/integration"),
    taken=Answer(202, TAKEN),
    secrets=(KEY,),
)

HOSTILE = '<a href="https://example.invalid">pay</a> <script>alert(1)</script> &lt;b&gt; @all "}'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 90_000, "acknowledge": "a" * 90_000},
    "a little too long": {"facts": (("Fact", "v" * 3000),) * 5},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(6000))},
    "long facts": {"facts": (("l" * 9000, "🧯" * 9000),) * 100},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 3000),) * 11},
    "markup only": {"title": "<" * 5000, "summary": "<" * 9000, "facts": (("<" * 900, "<" * 9000),) * 300},
    "hostile": {"title": HOSTILE + "\r\n\x00", "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "long ids": {"cycle_id": "c" * 900, "schedule_id": "x" * 900},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "cycle:0123456789ab"},
    "may repeat": {"may_repeat": True},
}


def validate(document: dict[str, Any], model: str) -> None:
    """Let the SDK read and write the document; it drops what it does not know and turns what it does.

    Its models know no lengths; those come from https://docs.opsgenie.com/docs/alert-api.
    """
    client = opsgenie_sdk.ApiClient()
    read = client.deserialize(SimpleNamespace(data=json.dumps(document)), model)
    assert client.sanitize_for_serialization(read) == document
    assert len(document.get("message", "x")) in range(1, 131)
    assert len(document.get("alias", "")) <= 512
    assert len(document.get("description", "")) <= 15_000
    assert len(document.get("entity", "")) <= 512
    assert len(document.get("note", "")) <= 25_000
    assert len(document.get("source", "")) <= 100
    assert len(document.get("user", "")) <= 100
    assert len(document.get("tags", ())) <= 20
    assert all(len(tag) <= 50 for tag in document.get("tags", ()))
    assert sum(len(key + value) for key, value in document.get("details", {}).items()) <= 8000


@pytest.fixture
def alert(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        request = JsmConnector(api_key=Secret(value=KEY)).prepare(make_notification(**overrides), now=now)
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_the_sdk_knows_the_alert(alert: Callable[..., dict[str, Any]], overrides: dict[str, Any]) -> None:
    validate(alert(**overrides), "CreateAlertPayload")


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_the_sdk_knows_the_closing(alert: Callable[..., dict[str, Any]], overrides: dict[str, Any]) -> None:
    validate(alert(**{**overrides, "reason": Reason.RESOLVED}), "CloseAlertPayload")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("message", None),
        ("message", "x" * 131),
        ("message", ""),
        ("alias", "x" * 513),
        ("description", "x" * 15_001),
        ("priority", "P6"),
        ("tags", "one"),
        ("tags", ["x" * 51]),
        ("tags", ["x"] * 21),
        ("details", {"may_repeat": True}),
        ("details", {"text": "x" * 8001}),
        ("text", "unknown to the vendor"),
    ],
)
def test_the_validator_refuses_what_the_vendor_refuses(
    alert: Callable[..., dict[str, Any]], name: str, value: Any
) -> None:
    document = {**alert(), name: value}
    with pytest.raises((AssertionError, ValueError, TypeError)):
        validate(document, "CreateAlertPayload")


def test_the_sdk_makes_the_same_requests(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], alert: Callable[..., dict[str, Any]]
) -> None:
    server = answer(202, TAKEN, content_type="application/json")
    ours = SAMPLE.make(server.url_for("").rstrip("/"))
    send(ours)
    send(ours, reason=Reason.RESOLVED)
    configuration = opsgenie_sdk.Configuration()
    configuration.host = server.url_for("/jsm/ops/integration")
    configuration.api_key["Authorization"] = KEY
    api = opsgenie_sdk.AlertApi(opsgenie_sdk.ApiClient(configuration))
    created, closed = alert(), alert(reason=Reason.RESOLVED)
    api.create_alert(create_alert_payload=opsgenie_sdk.CreateAlertPayload(**created))
    api.close_alert(
        identifier=created["alias"],
        identifier_type="alias",
        close_alert_payload=opsgenie_sdk.CloseAlertPayload(**closed),
    )
    seen = [
        (request.method, request.environ["REQUEST_URI"], request.headers["Authorization"], request.get_json())
        for request, _ in server.log
    ]
    assert seen[:2] == seen[2:]


def test_says_everything(
    alert: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    facts = ((*make_notification().facts, ("Due", "a second fact of this name")) * 10)[:40]
    notification = make_notification(facts=facts, may_repeat=True, reason=Reason.ESCALATED)
    document = alert(facts=facts, may_repeat=True, reason=Reason.ESCALATED)
    assert document["message"] == notification.title
    assert "may repeat" in notification.footer
    for part in (notification.summary, notification.acknowledge, notification.footer):
        assert part in document["description"]
    for label, value in facts:
        assert f"{label}: {value}\n" in document["description"]
    assert document["details"] == {
        "notification_id": notification.notification_id,
        "reason": "escalated",
        "may_repeat": "true",
        "alert_level": notification.alert_level,
        "cycle_id": notification.cycle_id,
        "plan_id": notification.plan_id,
    }


def test_what_is_cut_is_said_to_be_cut(alert: Callable[..., dict[str, Any]]) -> None:
    document = alert(title="t" * 500, summary="s" * 90_000)
    assert document["message"].endswith("… (shortened)")
    assert "s… (shortened)\n" in document["description"]
    assert "Notification gordmsg-0123456789abcdef (first)" in document["description"]


@pytest.mark.parametrize("reason", [Reason.FIRST, Reason.RESOLVED])
def test_user_text_opens_no_tag(alert: Callable[..., dict[str, Any]], reason: Reason) -> None:
    document = alert(title=HOSTILE, summary=HOSTILE, facts=((HOSTILE, HOSTILE),), reason=reason)
    texts = [document[name] for name in ("message", "description", "note") if name in document]
    assert texts
    for text in texts:
        assert "<\u200ba href" in text
        assert "<a" not in text
        assert "</" not in text


def test_the_message_is_one_line(alert: Callable[..., dict[str, Any]]) -> None:
    assert alert(title="a\r\nb\x00c")["message"] == "a b c"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (202, TAKEN, Outcome.ACCEPTED),
        (202, '{"result":"Request will be processed"}', Outcome.PERMANENT),
        (202, "", Outcome.PERMANENT),
        (200, TAKEN, Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (400, '{"message":"Request body is not processable."}', Outcome.PERMANENT),
        (401, '{"message":"Could not authenticate"}', Outcome.DISABLED),
        (402, '{"message":"Payment Required"}', Outcome.DISABLED),
        (403, '{"message":"You are not authorized","code":40301}', Outcome.DISABLED),
        (403, '{"message":"Your plan does not allow this","code":40302}', Outcome.DISABLED),
        (404, '{"message":"Not found"}', Outcome.PERMANENT),
        (422, '{"message":"Request body is not processable.","code":42200}', Outcome.PERMANENT),
        (429, '{"message":"You are making too many requests!"}', Outcome.RETRY),
        (500, "", Outcome.RETRY),
        (502, "<html>bad gateway</html>", Outcome.RETRY),
        (503, '{"message":"x"}', Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(SAMPLE.make(answer(status, body).url_for("").rstrip("/")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-state": "THROTTLED", "x-ratelimit-period-in-sec": "60"}, 60.0),
        ({"x-ratelimit-period-in-sec": "86400"}, 3600.0),
        ({"x-ratelimit-period-in-sec": "soon"}, None),
        ({"x-ratelimit-period-in-sec": "60", "retry-after": "7"}, 7.0),
    ],
)
def test_waits_as_many_seconds_as_it_is_throttled(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    verdict = send(SAMPLE.make(answer(429, "", headers).url_for("").rstrip("/")))
    assert verdict.retry_after_seconds == seconds


def test_tells_what_is_wrong_without_the_key(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    body = json.dumps({"message": f"Could not authenticate {KEY}", "took": 0.0})
    verdict = send(SAMPLE.make(answer(422, body).url_for("").rstrip("/")))
    assert verdict.detail == "answered 422: Could not authenticate [redacted]"


def test_an_alert_is_opened_counted_and_closed_under_one_alias(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], alert: Callable[..., dict[str, Any]]
) -> None:
    server = answer(202, TAKEN)
    connector = SAMPLE.make(server.url_for("").rstrip("/"))
    first = send(connector)
    send(connector, reason=Reason.REPEAT, earlier_ref=first.external_ref)
    last = send(connector, reason=Reason.RESOLVED, earlier_ref=first.external_ref)
    opened, repeated, closed = (request for request, _ in server.log)
    assert opened.path == repeated.path == "/jsm/ops/integration/v2/alerts"
    assert opened.get_json()["alias"] == repeated.get_json()["alias"] == first.external_ref
    assert repeated.get_json()["details"]["reason"] == "repeat"
    assert closed.environ["REQUEST_URI"] == (
        "/jsm/ops/integration/v2/alerts/"
        + first.external_ref.replace(":", "%3A")
        + "/close?identifierType=alias"
    )
    assert closed.get_json() == alert(reason=Reason.RESOLVED)
    assert "gordmsg-0123456789abcdef (resolved)" in closed.get_json()["note"]
    assert last.external_ref == first.external_ref


def test_each_owner_has_an_alert_of_his_own(alert: Callable[..., dict[str, Any]]) -> None:
    assert alert(owner="a")["alias"] != alert(owner="b")["alias"]


def test_an_item_that_was_not_taken_has_no_name(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    assert send(SAMPLE.make(answer(500, "").url_for("").rstrip("/"))).external_ref == ""


def test_a_second_request_joins_the_first(make_notification: Callable[..., Notification]) -> None:
    assert JsmConnector(api_key=Secret(value=KEY)).deduplicates(make_notification())


def test_a_trial_opens_no_alert(answer: Callable[..., HTTPServer]) -> None:
    server = answer(202, TAKEN)
    verdict = SAMPLE.make(server.url_for("").rstrip("/")).check(timeout_seconds=5)
    assert verdict.outcome is Outcome.ACCEPTED
    assert [request.path.rpartition("/")[2] for request, _ in server.log] == ["close"]


@pytest.mark.parametrize("priority", ["P1", "P5"])
def test_the_priority_is_the_configured_one(
    make_notification: Callable[..., Notification], now: datetime, priority: str
) -> None:
    connector = JsmConnector.model_validate({"api_key": Secret(value=KEY), "priority": priority})
    assert json.loads(connector.prepare(make_notification(), now=now).content)["priority"] == priority


def test_nobody_is_woken_unless_asked_for(alert: Callable[..., dict[str, Any]]) -> None:
    assert alert()["priority"] == "P5"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"api_url": "http://api.opsgenie.com"}, "must be https"),
        ({"api_url": "https://u:p@example.invalid"}, "stored in clear text"),
        ({"priority": "high"}, "'P1'"),
    ],
)
def test_refuses_settings_that_cannot_work(fields: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        JsmConnector.model_validate({"api_key": Secret(value=KEY), **fields})


@pytest.mark.parametrize("reason", [Reason.FIRST, Reason.RESOLVED])
def test_the_key_is_in_one_header_alone(
    make_notification: Callable[..., Notification], now: datetime, reason: Reason
) -> None:
    notification = make_notification(reason=reason)
    request = JsmConnector(api_key=Secret(value=KEY)).prepare(notification, now=now)
    assert request.headers["authorization"] == f"GenieKey {KEY}"
    assert request.public_url == request.url
    assert request.url.startswith("https://api.atlassian.com/jsm/ops/integration/v2/alerts")
    assert KEY not in request.url + request.content.decode() + repr(request) + repr(request.summary())


def test_the_closing_shows_its_alias(make_notification: Callable[..., Notification], now: datetime) -> None:
    notification = make_notification(reason=Reason.RESOLVED)
    shown = JsmConnector(api_key=Secret(value=KEY)).prepare(notification, now=now).summary().url
    assert reference(notification, 512).replace(":", "%3A") in shown


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    connector = JsmConnector(api_key=Secret(value=KEY), title="[DRILL]")
    request = connector.prepare(make_notification(), now=now)
    assert json.loads(request.content)["message"].startswith("[DRILL] Rollback drill overdue")
