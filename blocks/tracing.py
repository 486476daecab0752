"""One span of OpenTelemetry for each attempt to deliver. Without a configured SDK it costs microseconds.

The attributes are those of HTTP client spans:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client
Addresses are shown as in the evidence.
"""

from collections.abc import Awaitable
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_tracer

from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import RequestSummary, Verdict

_PORTS: Final = {"http": 80, "https": 443}
_FIRST_ERROR: Final = 400

tracer = get_tracer("rollback_drills")


async def trace_attempt(provider: str, notification: Notification, attempt: Awaitable[Verdict]) -> Verdict:
    """Wait for an attempt, as a span of the current trace."""
    with tracer.start_as_current_span(
        f"deliver {provider}",
        kind=SpanKind.CLIENT,
        attributes={
            "rollback_drills.provider": provider,
            "rollback_drills.notification.id": notification.notification_id,
        },
        record_exception=False,  # its text may hold a secret
        set_status_on_exception=False,
    ) as span:
        try:
            verdict = await attempt
        except Exception as error:
            _note_failure(span, type(error).__qualname__)
            raise
        if span.is_recording():
            _describe(span, provider, verdict)
    return verdict


def _describe(span: Span, provider: str, verdict: Verdict) -> None:
    span.set_attribute("rollback_drills.outcome", verdict.outcome.value)
    status = verdict.status_code
    if verdict.request is not None:
        # The provider stands where the path would: paths of webhooks are secrets.
        span.update_name(f"{verdict.request.method} {provider}")
        _describe_request(span, verdict.request)
        if status is not None:
            span.set_attribute("http.response.status_code", status)
    if not verdict.succeeded:
        _note_failure(span, str(status) if status and status >= _FIRST_ERROR else verdict.outcome.value)


def _describe_request(span: Span, request: RequestSummary) -> None:
    span.set_attributes({"http.request.method": request.method, "url.full": request.url})
    try:
        address = urlsplit(request.url)
        host, port = address.hostname, address.port or _PORTS.get(address.scheme)
    except ValueError:  # a part of the host is redacted
        return
    if host and port:
        span.set_attributes({"server.address": host, "server.port": port})


def _note_failure(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
