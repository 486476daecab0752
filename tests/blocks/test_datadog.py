"""Datadog: events that its own client takes and sends the same way, and that notify nobody by mistake."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiTypeError, ApiValueError
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v1.api.events_api import EventsApi
from datadog_api_client.v1.model.event_alert_type import EventAlertType
from datadog_api_client.v1.model.event_create_request import EventCreateRequest
from datadog_api_client.v1.model.event_priority import EventPriority
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.datadog import DatadogConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

KEY = "9775a026f1ca7d1c6c5af9d94d9595a4"
TAKEN = '{"status":"ok","event":{"id":6509751066204996294,"title":"x","url":"https://example.invalid/event"}}'

SAMPLE = Sample(
    name="datadog",
    make=lambda origin: DatadogConnector(api_key=Secret(value=KEY), api_url=origin),
    taken=Answer(202, TAKEN),
    secrets=(KEY,),
)

HOSTILE = '%%% \n@all @slack-ops <b>x</b> [pay](https://example.invalid) %%%%%% "}'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "healthy": {"alert_level": "healthy"},
    "warning": {"alert_level": "warning"},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 90_000, "acknowledge": "a" * 90_000},
    "a little too long": {"summary": "s" * 3850},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(6000))},
    "long facts": {"facts": (("l" * 9000, "🧯" * 9000),) * 100},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 3000),) * 11},
    "mentions only": {"title": "@" * 5000, "summary": "@" * 9000, "facts": (("@" * 900, "%" * 9000),) * 300},
    "hostile": {"title": HOSTILE + "\r\n\x00", "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "long ids": {"cycle_id": "c" * 900, "schedule_id": "x" * 900, "owner": "o" * 900},
    "resolved": {"reason": Reason.RESOLVED},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "6509751066204996294"},
    "may repeat": {"may_repeat": True},
}


def validate(document: dict[str, Any]) -> None:
    """Let the vendor's model check the event, and add what it does not check.

    It takes any property and any alert_type; the limits of title and tags stand in the documents alone.
    """
    EventCreateRequest(**document)
    assert set(document) <= set(EventCreateRequest.attribute_map)
    assert document["alert_type"] in EventAlertType.allowed_values
    assert document["priority"] in EventPriority.allowed_values
    assert len(document["title"]) in range(1, 501)
    assert len(document["tags"]) <= 100
    assert all(len(tag) <= 200 for tag in document["tags"])


@pytest.fixture
def event(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        request = DatadogConnector(api_key=Secret(value=KEY)).prepare(make_notification(**overrides), now=now)
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_the_vendors_model_takes_the_event(
    event: Callable[..., dict[str, Any]], overrides: dict[str, Any]
) -> None:
    validate(event(**overrides))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "x" * 4001),
        ("text", 5),
        ("title", "x" * 501),
        ("title", ""),
        ("title", 5),
        ("aggregation_key", "x" * 101),
        ("alert_type", "critical"),
        ("priority", "urgent"),
        ("tags", "a:b"),
        ("tags", ["x"] * 101),
        ("tags", ["x" * 201]),
        ("date_happened", "1763906400"),
        ("severity", "unknown to the vendor"),
    ],
)
def test_the_validator_refuses_what_the_vendor_refuses(
    event: Callable[..., dict[str, Any]], name: str, value: Any
) -> None:
    document = {**event(), name: value}
    with pytest.raises((AssertionError, ApiTypeError, ApiValueError)):
        validate(document)


def test_the_vendors_client_makes_the_same_requests(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(202, TAKEN, content_type="application/json")
    ours = SAMPLE.make(server.url_for("").rstrip("/"))
    send(ours)
    ours.check(timeout_seconds=5)
    document = server.log[0][0].get_json()
    configuration = Configuration(host=server.url_for("").rstrip("/"), api_key={"apiKeyAuth": KEY})  # type: ignore[no-untyped-call]
    with ApiClient(configuration) as client:
        EventsApi(client).create_event(  # type: ignore[no-untyped-call]
            body=EventCreateRequest(**document)
        )
        AuthenticationApi(client).validate()  # type: ignore[no-untyped-call]
    seen = [
        (request.method, request.path, request.headers["DD-API-KEY"], request.get_json(silent=True))
        for request, _ in server.log
    ]
    assert seen[:2] == seen[2:]


@pytest.mark.parametrize(
    ("overrides", "alert_type", "priority"),
    [
        ({"alert_level": "critical"}, "error", "normal"),
        ({"alert_level": "warning"}, "warning", "normal"),
        ({"alert_level": "healthy"}, "info", "low"),
        ({"reason": Reason.RESOLVED}, "success", "low"),
    ],
)
def test_the_type_follows_the_level(
    event: Callable[..., dict[str, Any]], overrides: dict[str, Any], alert_type: str, priority: str
) -> None:
    document = event(**overrides)
    assert (document["alert_type"], document["priority"]) == (alert_type, priority)


def test_says_everything(
    event: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification], now: datetime
) -> None:
    facts = ((*make_notification().facts, ("Due", "a second fact of this name")) * 10)[:40]
    notification = make_notification(facts=facts, may_repeat=True, reason=Reason.ESCALATED)
    document = event(facts=facts, may_repeat=True, reason=Reason.ESCALATED)
    assert document["title"] == notification.title
    assert "may repeat" in notification.footer
    for part in (notification.summary, notification.acknowledge, notification.footer):
        assert part in document["text"]
    for label, value in facts:
        assert f"{label}: {value}\n" in document["text"]
    assert document["tags"] == [
        f"schedule:{notification.schedule_id}",
        f"owner:{notification.owner}",
        f"cycle:{notification.cycle_id}",
        f"notification_id:{notification.notification_id}",
        "reason:escalated",
        "may_repeat:true",
    ]
    assert document["date_happened"] == int(now.timestamp())


def test_what_is_cut_is_said_to_be_cut(event: Callable[..., dict[str, Any]]) -> None:
    document = event(title="t" * 600, summary="s" * 9000)
    assert document["title"].endswith("… (shortened)")
    assert "s… (shortened)\n" in document["text"]
    assert "Notification gordmsg-0123456789abcdef (first)" in document["text"]


def test_user_text_notifies_nobody_and_is_no_markdown(event: Callable[..., dict[str, Any]]) -> None:
    document = event(title=HOSTILE, summary=HOSTILE, facts=((HOSTILE, HOSTILE),), acknowledge=HOSTILE)
    for text in (document["title"], document["text"]):
        assert "@\u200ball @\u200bslack-ops" in text
        assert "@a" not in text
        assert "%%%" not in text


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (202, TAKEN, Outcome.ACCEPTED),
        (200, TAKEN, Outcome.ACCEPTED),
        (202, '{"status":"ok"}', Outcome.ACCEPTED),
        (202, "", Outcome.PERMANENT),
        (202, '{"status":"error"}', Outcome.PERMANENT),
        (201, TAKEN, Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (400, '{"errors":["Payload is not valid"]}', Outcome.PERMANENT),
        (401, '{"errors":["Unauthorized"]}', Outcome.DISABLED),
        (403, '{"errors":["Forbidden"]}', Outcome.DISABLED),
        (404, "", Outcome.PERMANENT),
        (408, "", Outcome.RETRY),
        (413, '{"errors":["Payload too large"]}', Outcome.PERMANENT),
        (429, '{"errors":["Too many requests"]}', Outcome.RETRY),
        (500, "", Outcome.RETRY),
        (502, "<html>bad gateway</html>", Outcome.RETRY),
        (503, '{"errors":"x"}', Outcome.RETRY),
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
        ({"x-ratelimit-reset": "17"}, 17.0),
        ({"x-ratelimit-reset": "86400"}, 3600.0),
        ({"x-ratelimit-reset": "2026-11-23T14:00Z"}, None),
        ({"x-ratelimit-reset": "17", "retry-after": "5"}, 5.0),
    ],
)
def test_the_reset_header_holds_the_seconds_left(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    verdict = send(SAMPLE.make(answer(429, "", headers).url_for("").rstrip("/")))
    assert verdict.retry_after_seconds == seconds


def test_a_403_names_both_causes_and_not_the_key(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    body = json.dumps({"errors": [f"Forbidden {KEY}"]})
    detail = send(SAMPLE.make(answer(403, body).url_for("").rstrip("/"))).detail
    assert detail.startswith("answered 403: Forbidden [redacted] (a wrong key, or a key of another site)")


def test_reminders_and_the_end_join_the_first_event(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(202, TAKEN)
    connector = SAMPLE.make(server.url_for("").rstrip("/"))
    first = send(connector)
    send(connector, reason=Reason.REPEAT, earlier_ref=first.external_ref)
    send(connector, reason=Reason.RESOLVED, earlier_ref=first.external_ref)
    sent = [request.get_json() for request, _ in server.log]
    assert first.external_ref == "6509751066204996294"
    assert [request.path for request, _ in server.log] == ["/api/v1/events"] * 3
    assert len({document["aggregation_key"] for document in sent}) == 1
    assert [document["alert_type"] for document in sent] == ["error", "error", "success"]
    assert [document["tags"][4] for document in sent] == ["reason:first", "reason:repeat", "reason:resolved"]


def test_events_of_other_owners_are_kept_apart(event: Callable[..., dict[str, Any]]) -> None:
    assert event(owner="a")["aggregation_key"] != event(owner="b")["aggregation_key"]


def test_a_repeated_event_is_a_second_event(make_notification: Callable[..., Notification]) -> None:
    assert not DatadogConnector(api_key=Secret(value=KEY)).deduplicates(make_notification())


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"valid":true}', Outcome.DELIVERED),
        (200, '{"valid":false}', Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (403, '{"errors":["Forbidden"]}', Outcome.DISABLED),
        (429, "", Outcome.RETRY),
    ],
)
def test_a_trial_only_asks_about_the_key(
    answer: Callable[..., HTTPServer], status: int, body: str, expected: Outcome
) -> None:
    server = answer(status, body)
    assert SAMPLE.make(server.url_for("").rstrip("/")).check(timeout_seconds=5).outcome is expected
    assert [(request.method, request.path) for request, _ in server.log] == [("GET", "/api/v1/validate")]


def test_an_unanswered_trial_may_be_repeated(now: datetime) -> None:
    assert DatadogConnector(api_key=Secret(value=KEY)).prepare_trial(now=now).only_reads


SITES = get_args(DatadogConnector.model_fields["site"].annotation)


@pytest.mark.parametrize("site", SITES)
def test_sends_to_its_site(make_notification: Callable[..., Notification], now: datetime, site: str) -> None:
    connector = DatadogConnector.model_validate({"api_key": Secret(value=KEY), "site": site})
    assert connector.prepare(make_notification(), now=now).url == f"https://api.{site}/api/v1/events"


def test_the_sites_are_those_of_the_vendors_client() -> None:
    (server, *_) = Configuration().get_host_settings()  # type: ignore[no-untyped-call]
    assert set(SITES) == set(server["variables"]["site"]["enum_values"])


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"site": "datadoghq.co"}, "'datadoghq.com'"),
        ({"api_url": "http://api.datadoghq.com"}, "must be https"),
        ({"api_url": "https://example.invalid/?api_key=x"}, "stored in clear text"),
    ],
)
def test_refuses_settings_that_cannot_work(fields: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        DatadogConnector.model_validate({"api_key": Secret(value=KEY), **fields})


def test_the_key_is_in_one_header_alone(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = DatadogConnector(api_key=Secret(value=KEY)).prepare(make_notification(), now=now)
    assert request.headers["dd-api-key"] == KEY
    assert request.public_url == request.url == "https://api.datadoghq.com/api/v1/events"
    assert KEY not in request.url + request.content.decode() + repr(request) + repr(request.summary())


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    connector = DatadogConnector(api_key=Secret(value=KEY), title="[DRILL]")
    request = connector.prepare(make_notification(), now=now)
    assert json.loads(request.content)["title"].startswith("[DRILL] Rollback drill overdue")
