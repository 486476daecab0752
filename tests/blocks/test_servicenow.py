"""ServiceNow: records with everything in them, and answers that are records, errors or pages."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.servicenow import ServiceNowConnector
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.notification import Notification

PASSWORD = "t0ken-Abcdef123456"
BASIC = "Basic " + b64encode(f"robot:{PASSWORD}".encode()).decode()
TABLE = "/api/now/table/incident"


def connector(site_url: str = "https://dev.service-now.com", **settings: Any) -> ServiceNowConnector:
    return ServiceNowConnector(
        **{"site_url": site_url, "user": "robot", "credential": Secret(value=PASSWORD), **settings}
    )


@pytest.fixture
def record(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(settings: dict[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
        request = connector(**(settings or {})).prepare(make_notification(**overrides), now=now)
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


def test_a_record_says_everything(record: Callable[..., dict[str, Any]]) -> None:
    document = record({"extra_fields": {"assignment_group": "sre", "urgency": "2"}, "title": "[TEST]"})
    correlation = document.pop("correlation_id")
    assert correlation.startswith("payments-prod-2026-11-20T09:00:00Z:")
    assert document == {
        "short_description": "[TEST] Rollback drill overdue: payments (production)",
        "description": (
            "The last accepted drill is 95 days old. Perform a drill and record it.\n\n"
            "Schedule: payments-prod\nDue: 2026-11-20 09:00 UTC\nOwner: release-governance\n\n"
            "Run `drills ack payments-prod --provider slack` or use the dashboard.\n\n"
            "Notification gordmsg-0123456789abcdef"
        ),
        "correlation_display": "rollback-drills",
        "urgency": "2",
        "impact": "3",
        "assignment_group": "sre",
    }


def test_a_long_record_keeps_its_end(record: Callable[..., dict[str, Any]]) -> None:
    document = record(title="t" * 900, summary="s" * 9000, facts=(("Fact", "v" * 9000),) * 20)
    assert len(document["short_description"]) <= 160
    assert len(document["description"]) <= 4000
    assert "(shortened)" in document["description"]
    assert document["description"].endswith("Notification gordmsg-0123456789abcdef")


def test_the_correlation_cannot_change_a_query(record: Callable[..., dict[str, Any]]) -> None:
    correlation = record(cycle_id="a^ORactive=true&b " * 20)["correlation_id"]
    assert len(correlation) <= 100
    assert not set(correlation) & set("^=& ")


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        pytest.param({}, "Authorization", BASIC, id="basic"),
        pytest.param({"authentication": "bearer"}, "Authorization", f"Bearer {PASSWORD}", id="bearer"),
        pytest.param({"authentication": "api-key"}, "x-sn-apikey", PASSWORD, id="api key"),
    ],
)
def test_creates_a_record(
    httpserver: HTTPServer, send: Callable[..., Verdict], settings: dict[str, Any], header: str, value: str
) -> None:
    httpserver.expect_request(TABLE, method="POST", headers={header: value}).respond_with_json(
        {"result": {"sys_id": "0123456789abcdef0123456789abcdef", "number": "INC0010001"}}, status=201
    )
    verdict = send(connector(httpserver.url_for("/"), **settings))
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, "INC0010001")
    assert verdict.request is not None
    assert verdict.request.headers[header.lower()] == "[redacted]"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, '{"result":{"sys_id":"0123456789abcdef0123456789abcdef"}}', Outcome.DELIVERED),
        (201, "{}", Outcome.PERMANENT),
        (201, '{"result":[]}', Outcome.PERMANENT),
        (200, "<html>Your instance is hibernating</html>", Outcome.PERMANENT),
        (201, "<!DOCTYPE html>", Outcome.PERMANENT),
        (400, "", Outcome.PERMANENT),
        (401, '{"error":{"message":"User Not Authenticated"}}', Outcome.DISABLE),
        (403, '{"error":{"message":"Operation Failed","detail":"ACL"}}', Outcome.PERMANENT),
        (404, '{"error":"text"}', Outcome.PERMANENT),
        (405, "", Outcome.PERMANENT),
        (406, "", Outcome.PERMANENT),
        (415, "", Outcome.PERMANENT),
        (429, '{"error":{"message":"Rate limit exceeded"}}', Outcome.RETRY),
        (500, "<html>", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    server = answer(status, body, None, "application/json")
    verdict = send(connector(server.url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


def test_shows_why_a_record_was_refused(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    body = '{"error":{"message":"Operation Failed","detail":"Data policy: close_code"},"status":"failure"}'
    server = answer(403, body, None, "application/json")
    assert (
        send(connector(server.url_for(""))).detail
        == "answered 403: Operation Failed; Data policy: close_code"
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Retry-After": "120"}, 120, id="seconds"),
        pytest.param({"X-RateLimit-Reset": "{soon}"}, 600, id="epoch"),
        pytest.param({"Retry-After": "0", "X-RateLimit-Reset": "{soon}"}, 0, id="seconds before epoch"),
        pytest.param({"X-RateLimit-Reset": "never"}, None, id="junk"),
    ],
)
def test_waits_as_long_as_it_is_asked(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    headers: dict[str, str],
    expected: float | None,
) -> None:
    soon = str(int(time.time()) + 600)
    server = answer(429, "", {name: value.format(soon=soon) for name, value in headers.items()})
    assert send(connector(server.url_for(""))).retry_after_seconds == pytest.approx(expected, abs=10)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"result":[]}', Outcome.DELIVERED),
        (200, '{"result":[{"sys_id":"1"}]}', Outcome.DELIVERED),
        (200, "{}", Outcome.PERMANENT),
        (200, "<html>", Outcome.PERMANENT),
        (401, "", Outcome.DISABLE),
        (403, "", Outcome.PERMANENT),
        (500, "", Outcome.RETRY),
    ],
)
def test_the_check_reads_one_row(httpserver: HTTPServer, status: int, body: str, expected: Outcome) -> None:
    httpserver.expect_oneshot_request(
        TABLE, method="GET", query_string={"sysparm_limit": "1", "sysparm_fields": "sys_id"}
    ).respond_with_data(body, status=status)
    verdict = asyncio.run(connector(httpserver.url_for("")).check(timeout_seconds=5))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"user": ""}, "needs the user"),
        ({"table": "incident?x"}, "pattern"),
        ({"authentication": "ntlm"}, "basic"),
        ({"site_url": "http://dev.service-now.com"}, "must be https"),
    ],
)
def test_refuses_unusable_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        connector(**settings)
