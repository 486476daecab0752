"""A run that the API has asked for in a trace delivers as a part of this trace."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_trace_id
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.telemetry.run_telemetry import LABELS_TRACEPARENT_KEY
from prefect.types import KeyValueLabels
from pytest_httpserver import HTTPServer

from blocks import tracing
from flows.drill_check import drill_check
from tests.samples.builders import SCHEDULE

pytestmark = pytest.mark.usefixtures("prefect_server")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_delivery_is_part_of_the_trace_that_the_labels_of_its_run_name(
    url: str, receiver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    document: dict[str, Any] = {
        **SCHEDULE,
        "owners": ["payments-team"],
        "notification_providers": ["webhook"],
    }
    document |= {"owner_routes": {}, "maintenance_windows": [], "owner_calendars": {}}
    (tmp_path / "schedule.json").write_text(json.dumps(document))
    receiver.expect_request("/webhook").respond_with_data("taken")
    labels: KeyValueLabels = {LABELS_TRACEPARENT_KEY: f"00-{TRACE}-b7ad6b7169203331-01"}
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(drill_check)
        client.update_flow_run_labels(run.id, labels)
        run = client.read_flow_run(run.id)

    given = {"schedule": str(tmp_path / "schedule.json"), "as_of": datetime(2026, 12, 1, 9, tzinfo=UTC)}
    run_flow(drill_check, flow_run=run, parameters=given, return_type="state")

    (span,) = exporter.get_finished_spans()
    assert span.context is not None
    assert format_trace_id(span.context.trace_id) == TRACE
    assert span.name == "POST webhook"
