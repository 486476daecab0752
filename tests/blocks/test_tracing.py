"""The span of an attempt to deliver, as an exporter of OpenTelemetry gets it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, use_span
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer

from blocks import tracing
from blocks.apprise.connector import AppriseConnector
from blocks.webhook import WebhookConnector
from rollback_drills.notifications.outcome import Outcome, Verdict
from tests.blocks.conftest import NOTIFICATION
from tests.blocks.samples import Sample
from tests.blocks.test_every_connector import every_connector

UNREACHABLE = "http://127.0.0.1:9"
SENT = replace(NOTIFICATION, notification_id="gordmsg-fedcba9876543210")  # no secret of a sample is in it


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[ReadableSpan, ...]]]:
    """Return what is exported so far."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    yield exporter.get_finished_spans
    provider.shutdown()


@every_connector
@pytest.mark.parametrize("kind", ["taken", "refused", "unreachable"])
def test_every_connector_makes_one_span_without_a_secret(
    kind: str,
    sample: Sample,
    answer: Callable[..., HTTPServer],
    spans: Callable[[], tuple[ReadableSpan, ...]],
) -> None:
    taken = sample.taken
    if kind == "taken":
        server = answer(taken.status, taken.body, taken.headers, taken.content_type)
    else:
        server = answer(500, "broken")
    origin = UNREACHABLE if kind == "unreachable" else server.url_for("").rstrip("/")
    connector, parts = sample.make(origin), urlsplit(origin)

    verdict = asyncio.run(connector.send_async(SENT, timeout_seconds=5))

    (span,) = spans()
    found = dict(span.attributes or {})
    shown = span.to_json()
    assert not [secret for secret in sample.secrets if secret in shown]
    assert span.kind is SpanKind.CLIENT
    assert verdict.request is not None
    assert span.name == f"{verdict.request.method} {connector.name}"
    assert found["url.full"] == verdict.request.url
    assert found["http.request.method"] == verdict.request.method
    assert (found["server.address"], found["server.port"]) == (parts.hostname, parts.port)
    assert found.get("http.response.status_code") == verdict.status_code
    assert found["rollback_drills.notification.id"] == SENT.notification_id
    assert found["rollback_drills.outcome"] == verdict.outcome
    assert (span.status.status_code is StatusCode.ERROR) == (kind != "taken") == ("error.type" in found)
    assert span.events == ()


def trace(verdict: Verdict) -> None:
    """Trace an attempt that ends with a verdict."""

    async def attempt() -> Verdict:
        return verdict

    asyncio.run(tracing.trace_attempt("slack", SENT, attempt()))


@pytest.mark.parametrize(
    ("outcome", "status", "error"),
    [
        (Outcome.DELIVERED, 200, None),
        (Outcome.ACCEPTED, 202, None),
        (Outcome.PERMANENT, 404, "404"),
        (Outcome.RETRY, 503, "503"),
        (Outcome.PERMANENT, 200, "permanent"),
        (Outcome.AMBIGUOUS, None, "ambiguous"),
    ],
)
def test_the_type_of_an_error_is_its_status_or_else_its_outcome(
    outcome: Outcome, status: int | None, error: str | None, spans: Callable[[], tuple[ReadableSpan, ...]]
) -> None:
    trace(Verdict(outcome, "why", status))

    (span,) = spans()
    assert (span.attributes or {}).get("error.type") == error
    assert (span.status.status_code is StatusCode.ERROR) == (error is not None)
    assert span.status.description is None


def test_what_a_defect_says_is_not_exported(spans: Callable[[], tuple[ReadableSpan, ...]]) -> None:
    async def attempt() -> Verdict:
        raise LookupError("s3cr3t")

    with pytest.raises(LookupError):
        asyncio.run(tracing.trace_attempt("slack", SENT, attempt()))

    (span,) = spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "LookupError"
    assert "s3cr3t" not in span.to_json()


def test_a_connector_without_http_makes_a_span_too(
    spans: Callable[[], tuple[ReadableSpan, ...]],
    secret: Callable[[str], "Secret[Any]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AppriseConnector, "send", lambda *_, **__: Verdict(Outcome.ACCEPTED))
    connector = AppriseConnector(url=secret("json://127.0.0.1:9"))

    asyncio.run(connector.send_async(SENT))

    (span,) = spans()
    assert span.name == f"deliver {connector.name}"
    assert not [name for name in span.attributes or () if name.startswith(("http.", "url.", "server."))]


def test_the_span_is_part_of_the_trace_of_its_caller(
    spans: Callable[[], tuple[ReadableSpan, ...]],
) -> None:
    caller = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, TraceFlags(1))

    with use_span(NonRecordingSpan(caller)):
        trace(Verdict(Outcome.DELIVERED))

    (span,) = spans()
    assert span.context is not None
    assert span.context.trace_id == caller.trace_id
    assert span.parent is not None
    assert span.parent.span_id == caller.span_id


def test_nothing_goes_to_the_provider_that_names_the_trace(
    answer: Callable[..., HTTPServer], secret: Callable[[str], "Secret[Any]"], spans: object
) -> None:
    server = answer(200)
    connector = WebhookConnector(url=secret(server.url_for("/hook")))

    asyncio.run(connector.send_async(SENT))

    ((request, _),) = server.log
    assert not {"traceparent", "tracestate", "baggage"} & {name.lower() for name, _ in request.headers}


def test_without_an_sdk_nothing_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_describe", pytest.fail)

    trace(Verdict(Outcome.DELIVERED))
