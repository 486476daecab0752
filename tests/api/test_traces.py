"""The trace that a caller names in `traceparent` reaches the flow run that its request starts."""

from types import SimpleNamespace
from typing import Any, Self

import pytest
from msgspec import Raw
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from prefect.client.schemas.objects import State
from prefect.states import Completed
from starlette.testclient import TestClient

from rollback_drills_api.flow_runs import Ran, run_deployed
from rollback_drills_api.http.traces import continue_trace
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS, Keys, client_of
from tests.api.played_flows import RUN

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def current() -> str:
    """Return the current trace and span; empty without one."""
    context = get_current_span().get_span_context()
    return (
        f"{format_trace_id(context.trace_id)} {format_span_id(context.span_id)}" if context.is_valid else ""
    )


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        pytest.param(TRACEPARENT, f"{TRACE} {SPAN}", id="of a caller"),
        pytest.param(None, "", id="missing"),
        pytest.param("", "", id="empty"),
        pytest.param("nonsense", "", id="not one"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", "", id="of no trace"),
        pytest.param(TRACEPARENT.upper(), "", id="not in lower case"),
        pytest.param("00-" + "a" * 5000, "", id="long"),
        pytest.param("00-\xff\xfe", "", id="not ASCII"),
    ],
)
def test_a_header_that_names_a_trace_makes_it_the_current_one(header: str | None, seen: str) -> None:
    headers = [] if header is None else [(b"traceparent", header.encode("latin-1"))]

    with continue_trace(headers):
        assert current() == seen
    assert current() == ""


def test_a_request_is_handled_in_the_trace_of_its_caller(
    client: TestClient, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def run(*_: object) -> Ran:
        seen.append(current())
        return Ran(RUN, "done", is_completed=True, result=Raw(b"{}"))

    monkeypatch.setattr("rollback_drills_api.delivery.run_flow", run)
    for header in ({"traceparent": TRACEPARENT}, {}):
        answer = client.post(f"{NOTIFICATIONS}/deliver", headers=keys.header("operateer") | header)
        assert answer.status_code == 200

    assert seen == [f"{TRACE} {SPAN}", ""]


@pytest.mark.parametrize("path", ["/acknowledge/s3cr3t", "/feeds/s3cr3t.ics", "/healthz?token=s3cr3t"])
def test_the_addresses_of_secret_links_are_not_exported(
    path: str, options: ApiOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)

    with client_of(options) as client:
        client.get(path)

    assert exporter.get_finished_spans() == ()


def test_a_deployment_is_run_in_the_trace_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    labels: list[Any] = []
    state: State[Any] = Completed()

    class Client:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read_deployment_by_name(self, _: str) -> SimpleNamespace:
            return SimpleNamespace(id=RUN)

        def create_flow_run_from_deployment(self, *_: object, **given: Any) -> SimpleNamespace:
            labels.append(given["labels"])
            return SimpleNamespace(id=RUN)

        def read_flow_run(self, _: str) -> SimpleNamespace:
            return SimpleNamespace(id=RUN, state=state)

    monkeypatch.setattr("prefect.deployments.flow_runs.get_client", lambda **_: Client())
    with continue_trace([(b"traceparent", TRACEPARENT.encode())]):
        run_deployed("deliver-notifications", {}, timeout_seconds=5)

    assert labels == [{"__OTEL_TRACEPARENT": TRACEPARENT}]
    carrier: dict[str, str] = {}
    inject(carrier)
    assert carrier == {}
