"""What Prometheus reads, and the examples of what may be made of it."""

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update
from starlette.testclient import TestClient

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS, Keys, client_of
from tests.checkout import ROOT

EXAMPLES = ROOT / "deployments" / "monitoring"
PAGE = ROOT / "docs" / "how-to" / "monitor-with-prometheus.md"


def scrape(client: TestClient) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the metrics by name and the values of labels, which are in the order of their names."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(answer.text)
    }


def test_the_metrics_are_those_of_documents_evidence_and_outbox(client: TestClient, tmp_path: Path) -> None:
    schedule = json.loads((tmp_path / "schedule.json").read_text())
    due_at = datetime.fromisoformat(schedule["next_due_at"]).timestamp()  # a day before the fleet was made
    found = scrape(client)

    assert found["rollback_drills_schedule_state"] == {("production", "payments", "needs_attention"): 1}
    assert found["rollback_drills_schedules"] == {("needs_attention",): 1}
    due = found["rollback_drills_next_due_seconds"]["production", "payments"]
    assert due == pytest.approx(due_at - time.time(), abs=30)
    assert found["rollback_drills_deliveries"] == {("delivered", "slack"): 2, ("delivered", "teams"): 2}
    assert found["rollback_drills_open_cycles"] == {("notified",): 1}
    assert found["rollback_drills_outstanding_acknowledgements"] == {(): 4}
    assert found["rollback_drills_breached_acknowledgements"] == {(): 4}
    assert found["rollback_drills_outbox_oldest_waiting_seconds"] == {(): 0}
    assert found["rollback_drills_last_check_timestamp_seconds"][()] == pytest.approx(
        due_at + 86400 - 5400, abs=30
    )


def test_what_waits_and_what_fails_shows(options: ApiOptions, keys: Keys) -> None:
    database = Database.open(options.database_url)
    with database.write() as connection:
        failed = update(OUTBOX).where(OUTBOX.c.provider == "slack")
        connection.execute(failed.values(state="retry", queued_at=time.time() - 500))
    database.engine.dispose()

    with client_of(options) as client:
        client.headers |= keys.header("reader")
        found = scrape(client)

    assert found["rollback_drills_outbox_oldest_waiting_seconds"][()] == pytest.approx(500, abs=60)
    assert found["rollback_drills_connector_failing"] == {("slack",): 1}
    assert found["rollback_drills_deliveries"]["retry", "slack"] == 2


@pytest.mark.parametrize(
    ("change", "damaged"),
    [
        ("state = 'x'", 1),
        ("state = x'ff'", 1),
        ("state = 'retry', queued_at = 'soon'", 1),
        ("state = 'permanent', completed_at = 'soon'", 1),
        ("state = 'permanent', completed_at = 1e300", 1),
        ("state = 'retry', provider = x'ff'", 1),
        ("schedule_id = x'ff'", 0),
    ],
)
def test_a_row_that_somebody_changed_is_counted_and_hides_nothing(
    options: ApiOptions, keys: Keys, change: str, damaged: int
) -> None:
    database = Database.open(options.database_url)
    with database.write() as connection:
        connection.execute(text(f"UPDATE outbox SET {change} WHERE sequence = 1"))
    database.engine.dispose()

    with client_of(options) as client:
        client.headers |= keys.header("reader")
        found = scrape(client)
        dashboard = client.get(f"{NOTIFICATIONS}/dashboard")
        page = client.get("/console/undelivered").text

    assert found["rollback_drills_outbox_damaged"] == {(): damaged}
    assert sum(found["rollback_drills_deliveries"].values()) >= 3
    assert dashboard.status_code == 200
    assert page.count("the row of a notification in the outbox cannot be read") == damaged


def test_without_evidence_there_are_metrics_too(options: ApiOptions, keys: Keys, tmp_path: Path) -> None:
    Path(options.database_url.removeprefix("sqlite:///")).unlink()

    with client_of(options) as client:
        client.headers |= keys.header("reader")
        found = scrape(client)

    assert found["rollback_drills_schedules"] == {("needs_attention",): 1}
    assert found["rollback_drills_deliveries"] == {}
    assert "rollback_drills_last_check_timestamp_seconds" not in found
    assert not Path(options.database_url.removeprefix("sqlite:///")).exists()


def names_in(text: str) -> set[str]:
    return set(re.findall(r"rollback_drills_\w+", text))


def test_rules_dashboard_and_page_name_only_metrics_that_exist(client: TestClient) -> None:
    families = text_string_to_metric_families(client.get("/metrics").text)
    known = {family.name: family for family in families}
    rules = msgspec.yaml.decode((EXAMPLES / "alerts.yml").read_bytes())
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    dashboard = json.loads((EXAMPLES / "dashboard.json").read_text())
    panels: list[dict[str, Any]] = dashboard["panels"]

    asked = [rule["expr"] for rule in alerts]
    asked += [target["expr"] for panel in panels for target in panel["targets"]]
    assert names_in(" ".join(asked)) <= set(known)
    assert names_in(PAGE.read_text()) == set(known)
    assert len({panel["id"] for panel in panels}) == len(panels) > 5
    for rule in alerts:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        labels = {label for sample in known[min(names_in(rule["expr"]))].samples for label in sample.labels}
        texts = " ".join(rule["annotations"].values())
        used = set(re.findall(r"\$labels\.(\w+)", texts))
        assert not labels or used <= labels
