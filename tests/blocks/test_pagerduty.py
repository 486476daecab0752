"""PagerDuty: events as the vendor documents them and its own client builds them, and who is paged by them."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx2
import jsonschema
import pytest
from pagerduty import EventsApiV2Client
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.pagerduty import PagerDutyConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

KEY = "e93facc04764012d7bfb002500d5d1a6"
TAKEN = '{"status":"success","message":"Event processed","dedup_key":"k"}'

SAMPLE = Sample(
    name="pagerduty",
    make=lambda origin: PagerDutyConnector(routing_key=Secret(value=KEY), api_url=origin),
    taken=Answer(202, TAKEN),
    secrets=(KEY,),
)

# Written from the vendor's pages: its OpenAPI document is in no package registry, and its Python client
# checks no payload. https://developer.pagerduty.com/docs/send-alert-event, .../send-change-event
_TEXT = {"type": "string", "minLength": 1}
_PAYLOAD: dict[str, Any] = {
    "summary": {**_TEXT, "maxLength": 1024},
    "source": _TEXT,
    "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$"},
    "custom_details": {"type": "object"},
}
_LINKS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["href"],
        "properties": {"href": _TEXT, "text": _TEXT},
    },
}
_CHANGE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["routing_key", "payload"],
    "properties": {
        "routing_key": {"type": "string", "pattern": "^[^R].{31}$"},
        "links": _LINKS,
        "payload": {
            "type": "object",
            "additionalProperties": False,
            "required": ["summary"],
            "properties": _PAYLOAD,
        },
    },
}
_ALERT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    # The vendor's OpenAPI forgets that every action but trigger needs a dedup_key; ours always has one.
    "required": ["routing_key", "event_action", "dedup_key"],
    "properties": {
        "routing_key": {"type": "string", "pattern": "^.{32}$"},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {**_TEXT, "maxLength": 255},
        "client": _TEXT,
        "links": _LINKS,
        "payload": {
            "type": "object",
            "additionalProperties": False,
            "required": ["summary", "severity", "source"],
            "properties": {
                **_PAYLOAD,
                "severity": {"enum": ["critical", "warning", "error", "info"]},
                "component": _TEXT,
                "group": _TEXT,
                "class": _TEXT,
            },
        },
    },
}
SCHEMAS = {"change": _CHANGE, "alert": _ALERT}

HOSTILE = '<!channel> @all **x** <script>alert(1)</script> ${jndi} "}],'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "healthy": {"alert_level": "healthy"},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 600_000, "acknowledge": "a" * 90_000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(20_000))},
    "long facts": {"facts": (("l" * 9000, "🧯" * 9000),) * 100},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 3000),) * 11},
    "hostile": {"title": HOSTILE + "\r\n\x00", "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "long cycle": {"cycle_id": "c" * 500},
    "resolved": {"reason": Reason.RESOLVED},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "cycle:0123456789ab"},
    "may repeat": {"may_repeat": True},
}


def connector(event_type: str = "change", **fields: Any) -> PagerDutyConnector:
    return PagerDutyConnector.model_validate(
        {"routing_key": Secret(value=KEY), "event_type": event_type, **fields}
    )


@pytest.fixture
def event(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(event_type: str, **overrides: Any) -> dict[str, Any]:
        request = connector(event_type).prepare(make_notification(**overrides), now=now)
        assert len(request.content) <= 512_000
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


@pytest.mark.parametrize("event_type", ["change", "alert"])
@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_the_event_has_the_documented_shape(
    event: Callable[..., dict[str, Any]], event_type: str, overrides: dict[str, Any]
) -> None:
    jsonschema.validate(event(event_type, **overrides), SCHEMAS[event_type])


@pytest.mark.parametrize(
    ("event_type", "path", "value"),
    [
        ("alert", ("payload", "severity"), "healthy"),
        ("alert", ("payload", "summary"), "x" * 1025),
        ("alert", ("payload", "summary"), None),
        ("alert", ("payload", "timestamp"), 1_763_906_400),
        ("alert", ("payload", "custom_details"), ["x"]),
        ("alert", ("payload", "text"), "x"),
        ("alert", ("dedup_key",), "x" * 256),
        ("alert", ("event_action",), "close"),
        ("alert", ("routing_key",), "short"),
        ("change", ("routing_key",), "R" + KEY[1:]),
        ("change", ("event_action",), "trigger"),
        ("change", ("payload", "severity"), "critical"),
    ],
)
def test_the_schema_refuses_what_is_not_documented(
    event: Callable[..., dict[str, Any]], event_type: str, path: tuple[str, ...], value: Any
) -> None:
    document = event(event_type)
    target = document if len(path) == 1 else document[path[0]]
    target[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMAS[event_type])


def test_a_resolve_without_a_key_is_refused(event: Callable[..., dict[str, Any]]) -> None:
    document = event("alert", reason=Reason.RESOLVED)
    del document["dedup_key"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, _ALERT)


@pytest.fixture
def official() -> tuple[EventsApiV2Client, list[httpx2.Request]]:
    """Return the vendor's own client, which takes https only, and the requests it makes."""
    made: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        made.append(request)
        return httpx2.Response(202, text=TAKEN)

    return EventsApiV2Client(KEY, transport=httpx2.MockTransport(take)), made


def test_the_vendors_client_triggers_with_the_same_request(
    official: tuple[EventsApiV2Client, list[httpx2.Request]],
    event: Callable[..., dict[str, Any]],
    make_notification: Callable[..., Notification],
    now: datetime,
) -> None:
    client, made = official
    ours = event("alert")
    rest = dict(ours["payload"])
    built_by_client = {name: rest.pop(name) for name in ("summary", "source", "severity", "custom_details")}
    client.trigger(**built_by_client, payload=rest, dedup_key=ours["dedup_key"])
    assert json.loads(made[0].content) == {
        name: value for name, value in ours.items() if name != "client"
    }  # its shorthand has no such parameter
    assert str(made[0].url) == connector("alert").prepare(make_notification(), now=now).url


def test_the_vendors_client_resolves_with_the_same_key(
    official: tuple[EventsApiV2Client, list[httpx2.Request]], event: Callable[..., dict[str, Any]]
) -> None:
    client, made = official
    client.resolve(event("alert")["dedup_key"])
    ours = event("alert", reason=Reason.RESOLVED)
    assert json.loads(made[0].content).items() <= ours.items()


def test_the_vendors_client_sends_changes_with_the_same_request(
    official: tuple[EventsApiV2Client, list[httpx2.Request]],
    event: Callable[..., dict[str, Any]],
    make_notification: Callable[..., Notification],
    now: datetime,
) -> None:
    client, made = official
    ours = event("change")
    client.submit(**ours["payload"])
    assert json.loads(made[0].content) == ours
    assert str(made[0].url) == connector().prepare(make_notification(), now=now).url


def test_pages_nobody_unless_asked_to() -> None:
    assert PagerDutyConnector(routing_key=Secret(value=KEY)).event_type == "change"


@pytest.mark.parametrize(
    ("level", "severity"), [("critical", "critical"), ("warning", "warning"), ("healthy", "info")]
)
def test_the_severity_follows_the_level(
    event: Callable[..., dict[str, Any]], level: str, severity: str
) -> None:
    assert event("alert", alert_level=level)["payload"]["severity"] == severity


@pytest.mark.parametrize("event_type", ["change", "alert"])
def test_says_everything(
    event: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification], event_type: str
) -> None:
    facts = ((*make_notification().facts, ("Due", "a second fact of this name")) * 10)[:40]
    notification = make_notification(facts=facts, may_repeat=True, reason=Reason.ESCALATED)
    payload = event(event_type, facts=facts, may_repeat=True, reason=Reason.ESCALATED)["payload"]
    details = payload["custom_details"]
    assert payload["summary"] == notification.title
    assert details["facts"] == [f"{label}: {value}" for label, value in facts]
    assert details["notification"] == notification.footer
    assert "may repeat" in details["notification"]
    assert (details["notification_id"], details["reason"], details["may_repeat"]) == (
        notification.notification_id,
        "escalated",
        True,
    )


def test_what_is_cut_is_said_to_be_cut(event: Callable[..., dict[str, Any]]) -> None:
    payload = event("alert", title="t" * 5000, summary="s" * 600_000)["payload"]
    assert payload["summary"].endswith("… (shortened)")
    assert payload["custom_details"]["summary"].endswith("… (shortened)")


def test_user_text_stays_in_its_field(event: Callable[..., dict[str, Any]]) -> None:
    payload = event("alert", title=f"{HOSTILE}\nsecond", summary=HOSTILE)["payload"]
    assert payload["summary"] == f"{HOSTILE} second"
    assert payload["custom_details"]["summary"] == HOSTILE


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (202, TAKEN, Outcome.ACCEPTED),
        (202, '{"message":"Change event processed","status":"success"}', Outcome.ACCEPTED),
        (202, '{"status":"throttled"}', Outcome.PERMANENT),
        (202, "", Outcome.PERMANENT),
        (200, TAKEN, Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (
            400,
            '{"status":"invalid event","message":"Event object is invalid","errors":["x"]}',
            Outcome.PERMANENT,
        ),
        (401, "", Outcome.DISABLED),
        (403, "", Outcome.PERMANENT),
        (404, "", Outcome.PERMANENT),
        (413, "", Outcome.PERMANENT),
        (429, "", Outcome.RETRY),
        (408, "", Outcome.RETRY),
        (500, '{"status":"error","message":"x"}', Outcome.RETRY),
        (501, "", Outcome.PERMANENT),
        (502, "<html>bad gateway</html>", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(SAMPLE.make(answer(status, body).url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(("headers", "seconds"), [({}, 120.0), ({"retry-after": "45"}, 45.0)])
def test_waits_minutes_where_no_header_says_how_long(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    headers: dict[str, str],
    seconds: float,
) -> None:
    verdict = send(SAMPLE.make(answer(429, "", headers).url_for("")))
    assert verdict.retry_after_seconds == seconds


def test_tells_what_is_wrong_without_the_key(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    body = json.dumps(
        {"status": "invalid event", "message": "Event object is invalid", "errors": [f"{KEY} x"]}
    )
    verdict = send(SAMPLE.make(answer(400, body).url_for("")))
    assert verdict.detail == "answered 400: Event object is invalid; [redacted] x"


def test_an_alert_is_triggered_again_and_resolved_under_one_key(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(202, TAKEN)
    alerts = connector("alert", api_url=server.url_for("/"))
    first = send(alerts)
    send(alerts, reason=Reason.REPEAT, earlier_ref=first.external_ref)
    last = send(alerts, reason=Reason.RESOLVED, earlier_ref=first.external_ref)
    sent = [request.get_json() for request, _ in server.log]
    assert [request.path for request, _ in server.log] == ["/v2/enqueue"] * 3
    assert [document["event_action"] for document in sent] == ["trigger", "trigger", "resolve"]
    assert {document["dedup_key"] for document in sent} == {first.external_ref} == {last.external_ref}


def test_each_owner_has_an_alert_of_his_own(event: Callable[..., dict[str, Any]]) -> None:
    assert event("alert", owner="a")["dedup_key"] != event("alert", owner="b")["dedup_key"]


def test_a_resolved_change_is_a_further_change(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(202, TAKEN)
    changes = connector("change", api_url=server.url_for("/"))
    assert send(changes).external_ref == ""
    send(changes, reason=Reason.RESOLVED)
    assert [request.path for request, _ in server.log] == ["/v2/change/enqueue"] * 2
    assert server.log[1][0].get_json()["payload"]["custom_details"]["reason"] == "resolved"


def test_only_alerts_are_deduplicated(make_notification: Callable[..., Notification]) -> None:
    assert connector("alert").deduplicates(make_notification())
    assert not connector("change").deduplicates(make_notification())


@pytest.mark.parametrize(("event_type", "action"), [("alert", "resolve"), ("change", None)])
def test_a_trial_pages_nobody(answer: Callable[..., HTTPServer], event_type: str, action: str | None) -> None:
    server = answer(202, TAKEN)
    verdict = connector(event_type, api_url=server.url_for("/")).check(timeout_seconds=5)
    assert verdict.outcome is Outcome.ACCEPTED
    assert server.log[0][0].get_json().get("event_action") == action


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"routing_key": "R" + KEY[1:]}, "keys that start with R"),
        ({"api_url": "http://events.pagerduty.com"}, "must be https"),
        ({"api_url": "https://u:p@example.invalid"}, "stored in clear text"),
        ({"event_type": "incident"}, "'change' or 'alert'"),
    ],
)
def test_refuses_settings_that_cannot_work(fields: dict[str, str], problem: str) -> None:
    key = fields.get("routing_key", KEY)
    with pytest.raises(ValidationError, match=problem) as refusal:
        PagerDutyConnector.model_validate({**fields, "routing_key": Secret(value=key)})
    assert key not in str(refusal.value)


def test_alerts_may_go_to_keys_of_rulesets() -> None:
    assert connector("alert", routing_key=Secret(value="R" + KEY[1:])).event_type == "alert"


def test_the_key_is_in_the_body_alone(make_notification: Callable[..., Notification], now: datetime) -> None:
    request = connector("alert").prepare(make_notification(), now=now)
    assert request.public_url == "https://events.pagerduty.com/v2/enqueue"
    assert KEY in request.content.decode()
    assert KEY not in repr(request) + repr(request.summary())


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = connector(title="[DRILL]").prepare(make_notification(), now=now)
    assert json.loads(request.content)["payload"]["summary"].startswith("[DRILL] Rollback drill overdue")
