"""Sentinel: the request that Microsoft's own client makes, rows that a table takes, and the access token."""

import gzip
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

import httpx
import jsonschema
import pytest
from azure.core.credentials import AccessToken
from azure.monitor.ingestion import LogsIngestionClient
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request
from werkzeug import Response as Answered

from blocks.http.exchange import PreparedRequest, Response
from blocks.sentinel import SentinelConnector
from blocks.sentinel.access_token import AccessToken as _AccessToken
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

SECRET = "cl1ent~Secret.value-0123456789"
RULE = "dcr-00000000000000000000000000000000"
STREAM = "Custom-RollbackDrills_CL"
UPLOAD = f"/dataCollectionRules/{RULE}/streams/{STREAM}"
TOKEN_PATH = "/contoso.example.invalid/oauth2/v2.0/token"
FIRST, SECOND = "opaque-access-token-1", "opaque-access-token-2"


def token_answer(value: str, seconds: int = 3599) -> str:
    return json.dumps({"token_type": "Bearer", "expires_in": seconds, "access_token": value})


def connector(origin: str = "https://example.ingest.monitor.azure.com", **fields: Any) -> SentinelConnector:
    return SentinelConnector.model_validate(
        {
            "tenant": "contoso.example.invalid",
            "client_id": "00000000-0000-0000-0000-000000000000",
            "client_secret": Secret(value=SECRET),
            "endpoint_url": origin,
            "rule_id": RULE,
            **fields,
        }
    )


def local(origin: str) -> SentinelConnector:
    return connector(origin, login_url=origin)


def signed_in(origin: str) -> SentinelConnector:
    """Have a token at hand: the request for one is answered otherwise than the one that writes the row."""
    sentinel = local(origin)
    sentinel._token = _AccessToken(FIRST, datetime.max.replace(tzinfo=UTC))
    sentinel._known_tokens = (FIRST,)
    return sentinel


SAMPLE = Sample(name="sentinel", make=signed_in, taken=Answer(204), secrets=(SECRET, FIRST))

# Written from the vendor's pages: the client checks no rows, and only the rule knows the columns.
# https://learn.microsoft.com/azure/azure-monitor/logs/create-custom-table
_TEXTS = (
    "NotificationId",
    "Reference",
    "EventType",
    "Action",
    "Reason",
    "AlertLevel",
    "Subject",
    "Summary",
    "Acknowledge",
    "Footer",
    "Owner",
    "ScheduleId",
    "CycleId",
    "PlanId",
)
_COLUMNS: dict[str, Any] = {
    **{name: {"type": "string"} for name in _TEXTS},
    "TimeGenerated": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
    "MayRepeat": {"type": "boolean"},
    "Facts": {"type": "array", "items": {"type": "string"}},
}
SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": list(_COLUMNS),
        "properties": _COLUMNS,
        "propertyNames": {
            "pattern": "^[A-Za-z][A-Za-z0-9_]{0,44}$",
            "not": {
                "enum": [
                    "id",
                    "BilledSize",
                    "IsBillable",
                    "InvalidTimeGenerated",
                    "TenantId",
                    "Title",
                    "Type",
                ]
            },
        },
    },
}

HOSTILE = 'union * | take 1 //"}]\n[{"Action":"finished"}] <script> \x00\u2028'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 90_000, "acknowledge": "a" * 90_000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 1000) for number in range(600))},
    "long facts": {"facts": tuple((f"Fact {number}", "v" * 30_000) for number in range(30))},
    "not latin": {"title": "演習" * 20_000, "facts": (("期限", "🧯" * 9000),) * 11},
    "hostile": {"title": HOSTILE, "summary": HOSTILE, "acknowledge": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e", "owner": "\ud83e"},
    "resolved": {"reason": Reason.RESOLVED, "acknowledge": "", "alert_level": "healthy"},
    "repeat": {"reason": Reason.REPEAT, "earlier_ref": "x", "may_repeat": True},
}


@pytest.fixture
def rows(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., Any]:
    def render(**overrides: Any) -> Any:
        content = connector().prepare(make_notification(**overrides), now=now).content
        assert len(content) <= 64_000  # one field may have 64 KB, a call 1 MB
        return json.loads(content)

    return render


@pytest.fixture
def azure(httpserver: HTTPServer) -> Callable[..., HTTPServer]:
    """Hand out tokens in turn, and answer the uploads in turn; the last answers stay."""

    def serve(
        *uploads: tuple[int, str], tokens: tuple[str, ...] = (token_answer(FIRST), token_answer(SECOND))
    ) -> HTTPServer:
        answers: dict[str, Iterator[tuple[int, str]]] = {
            TOKEN_PATH: iter([(200, token) for token in tokens]),
            UPLOAD: iter(uploads or [(204, "")]),
        }
        last: dict[str, tuple[int, str]] = {}

        def respond(request: Request) -> Answered:
            last[request.path] = next(answers[request.path], last.get(request.path, (500, "")))
            status, body = last[request.path]
            return Answered(body, status, content_type="application/json")

        httpserver.expect_request(re.compile(".*")).respond_with_handler(respond)
        return httpserver

    return serve


def paths(server: HTTPServer) -> list[str]:
    return [request.path for request, _ in server.log]


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_the_table_takes_the_row(rows: Callable[..., Any], overrides: dict[str, Any]) -> None:
    jsonschema.validate(rows(**overrides), SCHEMA)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Title", "x", id="a reserved column"),
        pytest.param("Due date", "x", id="a column with a blank"),
        pytest.param("x" * 46, "x", id="a long column"),
        pytest.param("TimeGenerated", 1_795_442_400, id="a time as a number"),
        pytest.param("TimeGenerated", "2026-11-23 14:00", id="a time of another form"),
        pytest.param("MayRepeat", "true", id="a text for a boolean"),
        pytest.param("Reason", None, id="no reason"),
    ],
)
def test_the_schema_refuses_what_a_table_would_drop(rows: Callable[..., Any], name: str, value: Any) -> None:
    document = rows()
    document[0][name] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_the_schema_refuses_a_row_that_is_not_in_a_list(rows: Callable[..., Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(rows()[0], SCHEMA)


class StaticCredential:
    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(FIRST, int(time.time()) + 3600)


@pytest.mark.parametrize("is_stream", [True, False])
def test_microsofts_client_makes_the_same_request(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict], is_stream: bool
) -> None:
    server = azure()
    assert send(local(server.url_for(""))).outcome is Outcome.ACCEPTED
    ours = server.log[-1][0]
    credential = StaticCredential()
    with LogsIngestionClient(server.url_for(""), credential) as client:
        logs = BytesIO(ours.get_data()) if is_stream else ours.get_json()
        client.upload(RULE, STREAM, logs, enforce_https=False)
    theirs = server.log[-1][0]
    body = theirs.get_data()
    assert ours is not theirs
    assert (ours.method, ours.path, ours.query_string) == (theirs.method, theirs.path, theirs.query_string)
    for header in ("authorization", "accept", "content-type"):
        assert ours.headers[header] == theirs.headers[header]
    assert json.loads(body if is_stream else gzip.decompress(body)) == ours.get_json()
    form = parse_qs(server.log[0][0].get_data(as_text=True))
    assert form["scope"] == credential.scopes[:1]


def test_asks_for_the_token_as_entra_documents_it(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = azure()
    send(local(server.url_for("")))
    request = server.log[0][0]
    assert (request.method, request.path) == ("POST", TOKEN_PATH)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.get_data(as_text=True), strict_parsing=True) == {
        "grant_type": ["client_credentials"],
        "client_id": ["00000000-0000-0000-0000-000000000000"],
        "client_secret": [SECRET],
        "scope": ["https://monitor.azure.com/.default"],
    }


def test_one_token_serves_many_rows_and_an_ending_is_a_further_row(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = azure()
    sentinel = local(server.url_for(""))
    send(sentinel)
    send(sentinel, reason=Reason.REPEAT)
    send(sentinel, reason=Reason.RESOLVED)
    assert paths(server) == [TOKEN_PATH, UPLOAD, UPLOAD, UPLOAD]
    written = [request.get_json()[0] for request, _ in server.log[1:]]
    assert [row["Action"] for row in written] == ["started", "started", "finished"]
    assert len({row["Reference"] for row in written}) == 1


def test_a_refused_token_is_renewed_once(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = azure((401, "{}"), (204, ""))
    assert send(local(server.url_for(""))).outcome is Outcome.ACCEPTED
    assert paths(server) == [TOKEN_PATH, UPLOAD, TOKEN_PATH, UPLOAD]
    used = [request.headers["authorization"] for request, _ in server.log if request.path == UPLOAD]
    assert used == [f"Bearer {FIRST}", f"Bearer {SECOND}"]


def test_a_renewed_token_that_is_refused_too_disables(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = azure((401, "{}"))
    assert send(local(server.url_for(""))).outcome is Outcome.DISABLED
    assert paths(server) == [TOKEN_PATH, UPLOAD, TOKEN_PATH, UPLOAD]


def held(sentinel: SentinelConnector, notification: Notification, now: datetime) -> list[str]:
    """Hold a conversation at a moment of the test's choice; tell what it asked for."""
    conversation = sentinel.converse(notification, now=now)
    asked: list[str] = []
    request: PreparedRequest | None = next(conversation)
    while request:
        asked.append("token" if request.only_reads else "upload")
        body = token_answer(FIRST).encode() if request.only_reads else b""
        response = Response(200 if request.only_reads else 204, httpx.Headers(), body, now)
        try:
            request = conversation.send(response)
        except StopIteration:
            request = None
    return asked


def test_a_token_is_kept_until_shortly_before_it_expires(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    sentinel, notification = connector(), make_notification()
    assert held(sentinel, notification, now) == ["token", "upload"]
    assert held(sentinel, notification, now + timedelta(minutes=54)) == ["upload"]
    assert held(sentinel, notification, now + timedelta(minutes=55)) == ["token", "upload"]


@pytest.mark.parametrize("lifetime", [None, "3599", True, -1])
def test_a_token_of_unknown_lifetime_serves_once(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict], lifetime: Any
) -> None:
    token = json.dumps({"access_token": FIRST, "expires_in": lifetime})
    server = azure(tokens=(token,))
    sentinel = local(server.url_for(""))
    assert send(sentinel).outcome is send(sentinel).outcome is Outcome.ACCEPTED
    assert paths(server) == [TOKEN_PATH, UPLOAD] * 2


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (200, '{"access_token":1}', Outcome.PERMANENT),
        (400, '{"error":"unauthorized_client","error_description":"AADSTS700016: x"}', Outcome.DISABLED),
        (400, '{"error":"invalid_request","error_description":"AADSTS90002: x"}', Outcome.DISABLED),
        (400, '{"error":"temporarily_unavailable"}', Outcome.RETRY),
        (401, '{"error":"invalid_client","error_description":"AADSTS7000222: x"}', Outcome.DISABLED),
        (403, "<html>proxy</html>", Outcome.PERMANENT),
        (404, "", Outcome.PERMANENT),
        (429, "", Outcome.RETRY),
        (500, "", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_without_a_token_nothing_is_written(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    server = answer(status, body, {"retry-after": "7"} if expected is Outcome.RETRY else None)
    verdict = send(local(server.url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.detail.startswith("no access token: answered")
    assert verdict.retry_after_seconds == (7 if expected is Outcome.RETRY else None)
    assert paths(server) == [TOKEN_PATH]


def hang_up(connection: socket.socket) -> None:
    connection.recv(65_536)


def test_an_unanswered_token_request_may_be_repeated(
    raw_server: Callable[[Callable[[socket.socket], None]], int], send: Callable[..., Verdict]
) -> None:
    port = raw_server(hang_up)
    assert send(local(f"http://127.0.0.1:{port}")).outcome is Outcome.RETRY
    assert send(signed_in(f"http://127.0.0.1:{port}")).outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (204, "", Outcome.ACCEPTED),
        (200, "", Outcome.PERMANENT),
        (202, "{}", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (400, '{"error":{"code":"InvalidPayload","message":"x"}}', Outcome.PERMANENT),
        (401, "", Outcome.DISABLED),
        (403, '{"error":{"code":"OperationFailed","message":"x"}}', Outcome.PERMANENT),
        (404, '{"error":{"code":"NotFound","message":"x"}}', Outcome.PERMANENT),
        (413, "", Outcome.PERMANENT),
        (408, "", Outcome.RETRY),
        (429, "", Outcome.RETRY),
        (500, "", Outcome.RETRY),
        (501, "", Outcome.PERMANENT),
        (502, "<html>bad gateway</html>", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_the_status(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(local(azure((status, body)).url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


def test_a_refusal_says_what_azure_says_and_what_to_do(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    body = json.dumps({"error": {"code": "OperationFailed", "message": "no permission"}})
    verdict = send(local(azure((403, body)).url_for("")))
    assert verdict.detail.startswith("answered 403: OperationFailed: no permission (give the app the role")


@pytest.mark.parametrize(
    ("header", "seconds"), [("30", 30.0), ("99999", 3600.0), ("Mon, 01 Jan 2024 00:00:00 GMT", 0.0)]
)
def test_waits_the_seconds_that_azure_asks_for(header: str, seconds: float) -> None:
    response = Response(429, httpx.Headers({"retry-after": header}), b"", datetime.now(UTC))
    assert connector().judge(response).retry_after_seconds == seconds


def test_the_tokens_are_redacted_like_the_secret(
    azure: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    echo = json.dumps({"error": {"code": "x", "message": f"{FIRST} {SECOND} {SECRET}"}})
    sentinel = local(azure((401, echo)).url_for(""))
    sentinel.redactor()  # made before there is a token
    verdict = send(sentinel)
    assert "[redacted] [redacted] [redacted]" in verdict.detail
    assert not [value for value in (FIRST, SECOND, SECRET) if value in repr(verdict)]


def test_an_echo_of_the_secret_by_entra_is_redacted(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    body = json.dumps({"error": "invalid_client", "error_description": f"AADSTS7000215: {SECRET}\r\nTrace"})
    verdict = send(local(answer(401, body).url_for("")))
    assert "invalid_client: AADSTS7000215: [redacted] Trace" in verdict.detail


def test_shows_its_addresses_and_no_secret(
    azure: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    make_notification: Callable[..., Notification],
    now: datetime,
) -> None:
    request = connector().prepare(make_notification(), now=now)
    assert request.public_url == request.url
    assert request.url == f"https://example.ingest.monitor.azure.com{UPLOAD}?api-version=2023-01-01"
    sentinel = local(azure().url_for(""))
    shown = repr(send(sentinel)) + repr(sentinel) + repr(sentinel.prepare(make_notification(), now=now))
    assert FIRST not in shown
    assert SECRET not in shown


def test_the_row_says_everything(
    rows: Callable[..., Any], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification(may_repeat=True, reason=Reason.ESCALATED)
    (row,) = rows(may_repeat=True, reason=Reason.ESCALATED)
    assert row["TimeGenerated"] == "2026-11-23T14:00:00.000Z"
    assert (row["Subject"], row["Summary"], row["Acknowledge"]) == (
        notification.title,
        notification.summary,
        notification.acknowledge,
    )
    assert row["Facts"] == [f"{label}: {value}" for label, value in notification.facts]
    assert (row["NotificationId"], row["Reason"], row["MayRepeat"], row["Footer"]) == (
        notification.notification_id,
        "escalated",
        True,
        notification.footer,
    )
    assert "may repeat" in row["Footer"]
    assert "may repeat" not in rows()[0]["Footer"]


def test_user_text_stays_in_its_column(rows: Callable[..., Any]) -> None:
    (row,) = rows(**EXTREMES["hostile"])
    assert (row["Summary"], row["Action"]) == (HOSTILE, "started")
    assert row.keys() == rows()[0].keys()


def test_what_is_cut_is_said_to_be_cut(rows: Callable[..., Any]) -> None:
    (row,) = rows(**EXTREMES["long texts"], facts=EXTREMES["many facts"]["facts"])
    assert row["Summary"].endswith("… (shortened)")
    assert "more facts … (shortened)" in row["Facts"][-1]


def test_a_trial_writes_a_row_that_is_a_test(azure: Callable[..., HTTPServer]) -> None:
    server = azure()
    assert local(server.url_for("")).check(timeout_seconds=5).outcome is Outcome.ACCEPTED
    assert server.log[-1][0].get_json()[0]["EventType"].endswith(".test")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"endpoint_url": "http://example.ingest.monitor.azure.com"}, "endpoint_url of sentinel uses http"),
        ({"login_url": "https://u:p@example.invalid"}, "login_url of sentinel must have no"),
        ({"tenant": "x/../y"}, "tenant"),
        ({"rule_id": "my-rule"}, "rule_id"),
        ({"stream": "Custom-a/b"}, "stream"),
    ],
)
def test_refuses_settings_that_cannot_work(fields: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as refusal:
        connector(**fields)
    assert SECRET not in str(refusal.value)
