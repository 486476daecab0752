"""The generic webhook: the event as it is, signed so that the reference verifier accepts it."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook, WebhookVerificationError

from blocks.webhook import WebhookConnector
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.notification import Notification

URL = "https://example.invalid/hooks/s3cr3t-key-01"
SIGNING = "whsec_" + b64encode(bytes(range(32))).decode()
NEXT_SIGNING = "whsec_" + b64encode(bytes(range(32, 64))).decode()


def connector(url: str = URL, **settings: Any) -> WebhookConnector:
    secret = {"authorization", "api_key", "headers", "signing_secret"}
    opened = {key: Secret(value=value) if key in secret else value for key, value in settings.items()}
    return WebhookConnector(url=Secret(value=url), **opened)


def test_sends_the_event_itself(
    httpserver: HTTPServer, send: Callable[..., Verdict], make_notification: Callable[..., Notification]
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("", status=204)
    verdict = send(connector(httpserver.url_for("/hook"), authorization="t0ken"))
    assert verdict.outcome is Outcome.DELIVERED
    (request, _) = httpserver.log[0]
    assert request.get_json() == make_notification().event
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.headers["Idempotency-Key"] == request.headers["webhook-id"] == "gordmsg-0123456789abcdef"
    assert abs(int(request.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert "webhook-signature" not in request.headers


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
        *((status, Outcome.PERMANENT) for status in (400, 405, 413, 415, 422, 501)),
        *((status, Outcome.DISABLE) for status in (401, 403, 404, 410)),
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
    ("settings", "message"),
    [
        ({"headers": "not json"}, "JSON object of texts"),
        ({"headers": '["X-A"]'}, "JSON object of texts"),
        ({"headers": '{"X-A": 1}'}, "JSON object of texts"),
        ({"signing_secret": "whsec_not-base64!"}, "whsec_ and base64"),
        ({"api_key_header": "no header"}, "pattern"),
        ({"method": "GET"}, "POST"),
    ],
)
def test_refuses_unusable_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        connector(**settings)
