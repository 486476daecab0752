"""Splunk: events as the collector's documents describe them, and answers read by their code."""

import json
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jsonschema
import pytest
import trustme
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.splunk import SplunkConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

TOKEN = "11111111-2222-3333-4444-555555555555"
TAKEN = '{"text":"Success","code":0}'
ORIGIN = "https://splunk.example.invalid:8088"

SAMPLE = Sample(
    name="splunk",
    make=lambda origin: SplunkConnector(collector_url=origin, token=Secret(value=TOKEN)),
    taken=Answer(200, TAKEN),
    secrets=(TOKEN,),
)

# Written from the vendor's page: there is no schema or server of the collector in a package registry.
# https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data/format-events-for-http-event-collector
_TEXT = {"type": "string", "minLength": 1}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["event"],
    "properties": {
        "time": {"type": "number", "minimum": 1_000_000_000, "maximum": 9_999_999_999},
        "host": _TEXT,
        "source": _TEXT,
        "sourcetype": _TEXT,
        "index": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        # code 12 without it, code 13 when it is blank
        "event": {"type": ["object", "string"], "minLength": 1, "minProperties": 1},
        # code 15: "flat", so neither objects nor lists of them
        "fields": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": ["string", "number"]},
                    {"type": "array", "items": {"type": ["string", "number"]}},
                ]
            },
        },
    },
}

HOSTILE = '<!channel> | delete index=* "}\n{"event":"second"} `macro` [search *] \x00\u2028'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 90_000, "acknowledge": "a" * 9000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(600))},
    "long facts": {"facts": tuple((f"Fact {number}", "v" * 3000) for number in range(30))},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 1500),) * 11},
    "hostile": {"title": HOSTILE, "summary": HOSTILE, "acknowledge": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e", "owner": "\ud83e"},
    "resolved": {"reason": Reason.RESOLVED, "acknowledge": "", "alert_level": "healthy"},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "x", "may_repeat": True},
}


def connector(**fields: Any) -> SplunkConnector:
    return SplunkConnector.model_validate(
        {"collector_url": ORIGIN, "token": Secret(value=TOKEN), "index": "drills", **fields}
    )


@pytest.fixture
def envelope(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        content = connector().prepare(make_notification(**overrides), now=now).content
        assert len(content) <= 10_000
        document: dict[str, Any] = json.loads(content)
        return document

    return render


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_the_collector_accepts_the_event(
    envelope: Callable[..., dict[str, Any]], overrides: dict[str, Any]
) -> None:
    jsonschema.validate(envelope(**overrides), SCHEMA)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("fields", {"facts": {"Due": "x"}}, id="nested fields"),
        pytest.param("fields", {"may_repeat": None}, id="a field without a value"),
        pytest.param("event", "", id="a blank event"),
        pytest.param("event", {}, id="an empty event"),
        pytest.param("event", None, id="no event"),
        pytest.param("time", "2026-11-23T14:00:00Z", id="a time as text"),
        pytest.param("time", 1_795_442_400_000, id="a time in milliseconds"),
        pytest.param("index", "Drills!", id="an index that cannot exist"),
        pytest.param("notification", "x", id="a key that is none"),
    ],
)
def test_the_schema_refuses_what_the_collector_refuses(
    envelope: Callable[..., dict[str, Any]], name: str, value: Any
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**envelope(), name: value}, SCHEMA)


def test_says_everything(
    envelope: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification], now: datetime
) -> None:
    facts = (*make_notification().facts, ("Due", "a second fact of this name"))
    notification = make_notification(facts=facts, may_repeat=True, reason=Reason.ESCALATED)
    document = envelope(facts=facts, may_repeat=True, reason=Reason.ESCALATED)
    event, fields = document["event"], document["fields"]
    assert (document["time"], document["index"]) == (now.timestamp(), "drills")
    assert (event["title"], event["summary"], event["acknowledge"]) == (
        notification.title,
        notification.summary,
        notification.acknowledge,
    )
    assert event["facts"] == [f"{label}: {value}" for label, value in facts]
    assert event["notification"] == notification.footer
    assert event["may_repeat"] is True
    assert (fields["notification_id"], fields["reason"]) == (notification.notification_id, "escalated")


def test_a_possible_repeat_says_so(envelope: Callable[..., dict[str, Any]]) -> None:
    assert "may repeat" in envelope(may_repeat=True)["event"]["notification"]
    assert "may repeat" not in envelope()["event"]["notification"]


def test_every_event_of_a_cycle_and_owner_has_one_reference(
    envelope: Callable[..., dict[str, Any]],
) -> None:
    first = envelope()["fields"]["reference"]
    assert envelope(reason=Reason.REPEAT, plan_id="gordn-2")["fields"]["reference"] == first
    assert envelope(owner="somebody-else")["fields"]["reference"] != first


def test_an_ending_is_an_event_that_says_finished(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(200, TAKEN)
    splunk = SAMPLE.make(server.url_for(""))
    send(splunk)
    send(splunk, reason=Reason.REPEAT)
    send(splunk, reason=Reason.RESOLVED)
    requests = [request for request, _ in server.log]
    assert [request.path for request in requests] == ["/services/collector/event"] * 3
    assert {request.headers["authorization"] for request in requests} == {f"Splunk {TOKEN}"}
    sent = [request.get_json() for request in requests]
    assert [document["event"]["action"] for document in sent] == ["started", "started", "finished"]
    assert len({document["fields"]["reference"] for document in sent}) == 1


def test_user_text_stays_in_its_field(envelope: Callable[..., dict[str, Any]]) -> None:
    document = envelope(**EXTREMES["hostile"])
    assert document["event"]["summary"] == HOSTILE
    assert document.keys() == envelope().keys()
    assert document["event"].keys() == envelope()["event"].keys()


def test_what_is_cut_is_said_to_be_cut(envelope: Callable[..., dict[str, Any]]) -> None:
    event = envelope(**EXTREMES["long texts"], facts=EXTREMES["many facts"]["facts"])["event"]
    assert event["title"].endswith("… (shortened)")
    assert event["summary"].endswith("… (shortened)")
    assert "more facts … (shortened)" in event["facts"][-1]


def test_names_no_index_when_the_token_is_to_choose(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = connector(index="").prepare(make_notification(), now=now)
    assert "index" not in json.loads(request.content)


def code(number: int, text: str = "x") -> str:
    return json.dumps({"text": text, "code": number})


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, TAKEN, Outcome.ACCEPTED),
        (200, '{"text":"Success","code":0,"ackId":0}', Outcome.ACCEPTED),
        (200, "", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (200, '{"text":"Success","code":false}', Outcome.PERMANENT),
        (200, code(17, "HEC is healthy"), Outcome.PERMANENT),
        (204, "", Outcome.PERMANENT),
        (200, code(9), Outcome.RETRY),
        (200, code(4), Outcome.DISABLED),
        (200, code(6), Outcome.PERMANENT),
        *((400, code(number), Outcome.PERMANENT) for number in (5, 6, 7, 10, 11, 12, 13, 14, 15, 16)),
        (400, '{"text":"Incorrect index","code":7,"invalid-event-number":1}', Outcome.PERMANENT),
        (401, code(2), Outcome.DISABLED),
        (401, code(3), Outcome.DISABLED),
        (403, code(1), Outcome.DISABLED),
        (403, code(4), Outcome.DISABLED),
        (401, "", Outcome.DISABLED),
        (403, "<html>firewall</html>", Outcome.PERMANENT),
        (404, "", Outcome.PERMANENT),
        (413, "", Outcome.PERMANENT),
        (429, "", Outcome.RETRY),
        (500, code(8), Outcome.RETRY),
        (500, code(6), Outcome.PERMANENT),
        *((503, code(number), Outcome.RETRY) for number in (9, 18, 19, 20, 23)),
        (400, code(9), Outcome.RETRY),
        (503, code(99), Outcome.RETRY),
        (503, "<html>load balancer</html>", Outcome.RETRY),
        (302, "", Outcome.PERMANENT),
    ],
)
def test_the_code_decides(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(SAMPLE.make(answer(status, body).url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize("body", ["", code(9)])
@pytest.mark.parametrize(("headers", "seconds"), [({}, None), ({"retry-after": "45"}, 45.0)])
def test_waits_as_long_as_it_is_asked_to(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    body: str,
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    verdict = send(SAMPLE.make(answer(503, body, headers).url_for("")))
    assert verdict.retry_after_seconds == seconds


def test_tells_what_is_wrong_without_the_token(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    verdict = send(SAMPLE.make(answer(403, code(4, f"Invalid token {TOKEN}")).url_for("")))
    assert verdict.detail.startswith("answered 403: Invalid token [redacted] (code 4)")


def test_the_token_is_in_a_header_alone(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = connector().prepare(make_notification(), now=now)
    assert request.public_url == request.url == f"{ORIGIN}/services/collector/event"
    assert TOKEN not in repr(request) + repr(request.summary()) + request.content.decode()


def test_a_trial_is_an_event_of_a_type_of_its_own(answer: Callable[..., HTTPServer]) -> None:
    server = answer(200, TAKEN)
    assert SAMPLE.make(server.url_for("")).check(timeout_seconds=5).outcome is Outcome.ACCEPTED
    assert server.log[0][0].get_json()["event"]["event_type"].endswith(".test")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://splunk.example.invalid:8088", "must be https"),
        ("https://x:token@splunk.example.invalid", "stored in clear text"),
        (f"https://splunk.example.invalid?token={TOKEN}", "stored in clear text"),
    ],
)
def test_refuses_addresses_that_hold_a_token_or_lack_tls(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as refusal:
        connector(collector_url=url)
    assert TOKEN not in str(refusal.value)


def test_a_certificate_of_an_unknown_authority_is_refused(send: Callable[..., Verdict]) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        server.expect_request("/services/collector/event").respond_with_data(TAKEN)
        splunk = SAMPLE.make(server.url_for(""))
        assert send(splunk).outcome is Outcome.PERMANENT
        with pytest.MonkeyPatch.context() as patch, authority.cert_pem.tempfile() as trusted:
            patch.setenv("SSL_CERT_FILE", trusted)
            assert send(splunk).outcome is Outcome.ACCEPTED
