"""The generic webhook: the event as it is, signed so that the reference verifier accepts it."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook, WebhookVerificationError

from blocks.webhook import WebhookConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

URL = "https://example.invalid/hooks/s3cr3t-key-01"
SIGNING = "whsec_" + b64encode(bytes(range(32))).decode()
NEXT_SIGNING = "whsec_" + b64encode(bytes(range(32, 64))).decode()


def connector(url: str = URL, **settings: Any) -> WebhookConnector:
    secret = {"authorization", "api_key", "headers", "signing_secret"}
    opened = {key: Secret(value=value) if key in secret else value for key, value in settings.items()}
    return WebhookConnector(url=Secret(value=url), **opened)


SAMPLE = Sample(
    name="webhook",
    make=lambda origin: connector(
        f"{origin}/hooks/s3cr3t-key-01", authorization="t0ken-Abcdef123456", signing_secret=SIGNING
    ),
    taken=Answer(204),
    secrets=("s3cr3t-key-01", "t0ken-Abcdef123456", SIGNING),
)

HOSTILE = '<!channel> {{x}} ${jndi} \r\nX-Evil: 1 "}'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "empty event": {"event": {}},
    "long texts": {"event": {"title": "t" * 100_000}},
    "not latin": {"event": {"title": "演習🧯" * 500}},
    "hostile": {"event": {"title": HOSTILE, HOSTILE: [HOSTILE]}},
    "half a surrogate pair": {"event": {"title": "\ud83e cut"}},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "anything"},
    "resolved": {"reason": Reason.RESOLVED},
    "may repeat": {"may_repeat": True},
}


def test_sends_the_event_itself(
    httpserver: HTTPServer, send: Callable[..., Verdict], make_notification: Callable[..., Notification]
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("", status=204)
    verdict = send(connector(httpserver.url_for("/hook"), authorization="t0ken"))
    assert verdict.outcome is Outcome.DELIVERED
    (request, _) = httpserver.log[0]
    added = {"notification_id": "gordmsg-0123456789abcdef", "reason": "first"}
    assert request.get_json() == {**make_notification().event, **added}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.headers["Idempotency-Key"] == request.headers["webhook-id"] == "gordmsg-0123456789abcdef"
    assert abs(int(request.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize(
    ("reason", "may_repeat", "added"),
    [
        (Reason.FIRST, False, {"reason": "first"}),
        (Reason.REPEAT, True, {"reason": "repeat", "may_repeat": True}),
        (Reason.RESOLVED, False, {"reason": "resolved"}),
    ],
)
def test_says_which_message_it_is_and_leaves_the_event_alone(
    make_notification: Callable[..., Notification],
    now: datetime,
    reason: Reason,
    added: dict[str, Any],
    *,
    may_repeat: bool,
) -> None:
    notification = make_notification(reason=reason, may_repeat=may_repeat)
    event = dict(notification.event)
    document = json.loads(connector().prepare(notification, now=now).content)
    assert document == {**event, "notification_id": notification.notification_id, **added}
    assert list(document)[: len(event)] == list(event)
    assert notification.event == event


def test_the_end_is_an_event_of_the_same_cycle(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(204)
    for reason in (Reason.FIRST, Reason.REPEAT, Reason.RESOLVED):
        assert send(SAMPLE.make(server.url_for("").rstrip("/")), reason=reason).outcome is Outcome.DELIVERED
    assert [request.get_json()["reason"] for request, _ in server.log] == ["first", "repeat", "resolved"]
    assert len({request.get_json()["schedule_id"] for request, _ in server.log}) == 1


def test_every_attempt_has_the_same_id_and_its_own_timestamp(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    hook = connector(signing_secret=SIGNING)
    first, second = (
        hook.prepare(make_notification(), now=now + timedelta(minutes=minutes)) for minutes in (0, 1)
    )
    assert first.content == second.content
    changed = {name for name in first.headers if first.headers[name] != second.headers[name]}
    assert changed == {"webhook-timestamp", "webhook-signature"}


def test_nobody_is_trusted_to_drop_repeats(make_notification: Callable[..., Notification]) -> None:
    assert not connector().deduplicates(make_notification())
    assert not connector().can_find


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_uses_the_configured_method(
    httpserver: HTTPServer, send: Callable[..., Verdict], method: str
) -> None:
    httpserver.expect_request("/hook", method=method).respond_with_data("")
    assert send(connector(httpserver.url_for("/hook"), method=method)).outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("settings", "header", "expected"),
    [
        pytest.param({"authorization": "t0ken"}, "authorization", "Bearer t0ken", id="bearer"),
        pytest.param(
            {"authorization": "t0ken", "authorization_scheme": "Splunk"},
            "authorization",
            "Splunk t0ken",
            id="scheme",
        ),
        pytest.param({"authorization": "Basic dTpw"}, "authorization", "Basic dTpw", id="whole header"),
        pytest.param(
            {"authorization": "t0ken", "authorization_scheme": ""}, "authorization", "t0ken", id="no scheme"
        ),
        pytest.param({"api_key": "k3y-value"}, "x-api-key", "k3y-value", id="api key"),
        pytest.param(
            {"api_key": "k3y-value", "api_key_header": "X-Own"}, "x-own", "k3y-value", id="own key header"
        ),
        pytest.param({"headers": '{"X-Team": "a"}'}, "x-team", "a", id="own header"),
    ],
)
def test_authenticates_as_configured(
    make_notification: Callable[..., Notification],
    now: datetime,
    settings: dict[str, Any],
    header: str,
    expected: str,
) -> None:
    request = connector(**settings).prepare(make_notification(), now=now)
    assert request.headers[header] == expected
    assert request.summary().headers[header] == "[redacted]"


def test_a_header_without_its_secret_is_free(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    own = {"Authorization": "Basic dTpw", "X-Api-Key": "a", "Content-Type": "application/cloudevents+json"}
    request = connector(headers=json.dumps(own), api_key_header="Authorization").prepare(
        make_notification(), now=now
    )
    assert {name.lower(): value for name, value in own.items()}.items() <= request.headers.items()


def test_own_headers_cannot_replace_the_idempotency_key(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    headers = json.dumps({"Webhook-Id": "x", "Idempotency-Key": "x"})
    request = connector(headers=headers).prepare(make_notification(), now=now)
    assert request.headers["webhook-id"] == request.headers["idempotency-key"] == "gordmsg-0123456789abcdef"


def test_shows_only_the_host_of_its_url(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = connector().prepare(make_notification(), now=now)
    assert request.public_url == "https://example.invalid/[redacted]"


class TestSignature:
    @pytest.fixture
    def signed(self, make_notification: Callable[..., Notification]) -> tuple[bytes, dict[str, str]]:
        both = connector(signing_secret=f"{SIGNING} {NEXT_SIGNING}")
        request = both.prepare(make_notification(title="Ü"), now=datetime.now(UTC))
        return request.content, dict(request.headers)

    @pytest.mark.parametrize("secret", [SIGNING, NEXT_SIGNING], ids=["current", "next"])
    def test_is_accepted_by_the_reference_verifier(
        self, signed: tuple[bytes, dict[str, str]], secret: str
    ) -> None:
        content, headers = signed
        assert Webhook(secret).verify(content, headers) == json.loads(content)

    @pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
    def test_is_accepted_whatever_the_event_holds(
        self, make_notification: Callable[..., Notification], overrides: dict[str, Any]
    ) -> None:
        hook = connector(signing_secret=SIGNING)
        request = hook.prepare(make_notification(**overrides), now=datetime.now(UTC))
        event = Webhook(SIGNING).verify(request.content, dict(request.headers))
        assert event["notification_id"] == "gordmsg-0123456789abcdef"
        assert "." not in request.headers["webhook-id"], "the spec forbids it"

    def test_arrives_as_it_was_signed(
        self, answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
    ) -> None:
        server = answer(204)
        send(connector(server.url_for("/hook"), signing_secret=f"{SIGNING} {NEXT_SIGNING}"))
        (request, _) = server.log[0]
        for secret in (SIGNING, NEXT_SIGNING):
            assert Webhook(secret).verify(request.get_data(), dict(request.headers))

    def test_is_refused_when_it_is_old(self, make_notification: Callable[..., Notification]) -> None:
        then = datetime.now(UTC) - timedelta(minutes=10)
        request = connector(signing_secret=SIGNING).prepare(make_notification(), now=then)
        with pytest.raises(WebhookVerificationError):
            Webhook(SIGNING).verify(request.content, dict(request.headers))

    def test_is_refused_when_the_body_is_written_anew(self, signed: tuple[bytes, dict[str, str]]) -> None:
        content, headers = signed
        with pytest.raises(WebhookVerificationError):
            Webhook(SIGNING).verify(json.dumps(json.loads(content)).encode(), headers)

    def test_is_refused_with_another_secret(self, signed: tuple[bytes, dict[str, str]]) -> None:
        other = "whsec_" + b64encode(b"x" * 32).decode()
        with pytest.raises(WebhookVerificationError):
            Webhook(other).verify(*signed)

    def test_is_refused_for_another_body(self, signed: tuple[bytes, dict[str, str]]) -> None:
        content, headers = signed
        with pytest.raises(WebhookVerificationError):
            Webhook(SIGNING).verify(content.replace(b"payments", b"ledgers!"), headers)

    def test_is_refused_for_another_id(self, signed: tuple[bytes, dict[str, str]]) -> None:
        content, headers = signed
        with pytest.raises(WebhookVerificationError):
            Webhook(SIGNING).verify(content, {**headers, "webhook-id": "gordmsg-ffffffffffffffff"})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Outcome.DELIVERED) for status in (200, 201, 202, 204)),
        *((status, Outcome.PERMANENT) for status in (301, 307, 400, 405, 413, 415, 422, 501)),
        *((status, Outcome.DISABLED) for status in (401, 403, 404, 410)),
        *((status, Outcome.RETRY) for status in (408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_judges_a_status(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, expected: Outcome
) -> None:
    server = answer(status, "why", {"retry-after": "7"})
    verdict = send(connector(server.url_for("/hook")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.retry_after_seconds == (7 if expected is Outcome.RETRY else None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param("{soon}", 600, id="date"),
        pytest.param("999999", 3600, id="far"),
        pytest.param("Mon, 01 Jan 2024 00:00:00 GMT", 0, id="past"),
        pytest.param("soon", None, id="junk"),
    ],
)
def test_waits_as_long_as_it_is_asked(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], value: str, expected: float | None
) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    server = answer(503, "", {"retry-after": value.format(soon=soon)})
    verdict = send(connector(server.url_for("/hook")))
    assert verdict.retry_after_seconds == pytest.approx(expected, abs=10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"headers": "not json"}, "JSON object of texts"),
        ({"headers": '["X-A"]'}, "JSON object of texts"),
        ({"headers": '{"X-A": 1}'}, "JSON object of texts"),
        ({"signing_secret": "whsec_not-base64!"}, "whsec_ and base64"),
        ({"headers": '{"X A": "1"}'}, "has an impossible name"),
        ({"headers": '{"X-A\\r\\nX-B": "1"}'}, "has an impossible name"),
        ({"headers": '{"": "1"}'}, "has an impossible name"),
        ({"headers": '{"X-A": "1", "x-a": "2"}'}, "the header x-a of the webhook is there twice"),
        ({"headers": '{"X-A": "1", "X-A": "1"}'}, "the header x-a of the webhook is there twice"),
        ({"headers": "[" * 100_000}, "JSON object of texts"),
        (
            {"headers": '{"Authorization": "x"}', "authorization": "t0ken"},
            "the header authorization is among the further headers too",
        ),
        (
            {"headers": '{"X-Api-Key": "x"}', "api_key": "k3y-value"},
            "the header x-api-key of the api key has another value too",
        ),
        (
            {"api_key": "k3y-value", "api_key_header": "Authorization", "authorization": "t0ken"},
            "the header authorization of the api key has another value too",
        ),
        ({"api_key": "k3y-value", "api_key_header": "Webhook-Id"}, "every request has a header webhook-id"),
        (
            {"api_key": "k3y-value", "api_key_header": "idempotency-key"},
            "every request has a header idempotency",
        ),
        ({"api_key": "k3y-value", "api_key_header": "Content-Type"}, "has a header content-type"),
        (
            {"api_key": "k3y-value", "api_key_header": "webhook-signature", "signing_secret": SIGNING},
            "every request has a header webhook-signature",
        ),
        ({"signing_secret": " "}, "is empty; enter the secret"),
        ({"signing_secret": "whsec_"}, "24 to 64 bytes"),
        ({"signing_secret": "whsec_" + b64encode(b"x" * 23).decode()}, "24 to 64 bytes"),
        ({"signing_secret": "whsec_" + b64encode(b"x" * 65).decode()}, "24 to 64 bytes"),
        ({"api_key_header": "no header"}, "pattern"),
        ({"method": "GET"}, "POST"),
    ],
)
def test_refuses_unusable_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        connector(**settings)
