"""What the API does not take, and how it says so."""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from rollback_drills.access.api_token import ApiToken
from rollback_drills.redaction.redactor import remember_secrets
from rollback_drills_api.app import build_app
from rollback_drills_api.http.limits import LARGEST_BODY
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import DRILLS, NOTIFICATIONS, WRITES, Keys, client_of

JSON = {"content-type": "application/json"}


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    """Check that an answer is a problem document of this status, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    ("who", "status", "error"),
    [
        (None, 401, 'Bearer realm="rollback-drills"'),
        ("stranger", 401, "invalid_token"),
        ("bygone", 401, "invalid_token"),
        ("reader", 403, 'insufficient_scope", scope="'),
    ],
)
def test_a_write_needs_a_token_that_may_write(
    options: ApiOptions, keys: Keys, path: str, who: str | None, status: int, error: str
) -> None:
    keys.secrets["stranger"] = "drills_nobody-gave-me-this"
    with client_of(options, is_public_to_read=True) as client:
        answer = client.post(path, headers=keys.header(who) if who else {}, json={})

    problem = check_problem(answer, status)
    assert error in answer.headers["www-authenticate"]
    assert all(secret not in json.dumps(problem) for secret in keys.secrets.values())


def test_nothing_is_read_without_a_token(options: ApiOptions) -> None:
    app = build_app(options)
    described = [path for path, ways in app.openapi()["paths"].items() if "get" in ways]
    assert len(described) == 17
    pages = ("/console", "/console/trends", "/console/nothing", "/console/style.css")
    with client_of(options) as client:
        for path in (*described, *pages, "/openapi.json", "/docs"):
            answer = client.get(path.replace("{schedule_id}", "payments"))
            assert answer.status_code == (200 if path in ("/healthz", "/readyz") else 401), path


def test_an_exception_needs_more_than_to_operate(options: ApiOptions, keys: Keys) -> None:
    with client_of(options) as client:
        answer = client.post(WRITES[3], headers=keys.header("operateer"), json={})

    detail = check_problem(answer, 403)["detail"]
    assert detail == "this needs a token of the scope admin; that of operateer is operate"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer  ", "Basic dXNlcjpwYXNz", "bearer\u00a0x", "Token abc"]
)
def test_an_authorization_that_is_no_bearer_token_is_refused(options: ApiOptions, header: str) -> None:
    with client_of(options, is_public_to_read=True) as client:
        answer = client.get(DRILLS, headers={b"authorization": header.encode("latin-1")})

    check_problem(answer, 401)


def test_a_token_that_is_revoked_ends_and_without_news_nobody_gets_in(
    options: ApiOptions, keys: Keys
) -> None:
    with client_of(options) as client:
        header = keys.header("reader")
        book = client.app.state.service.book  # type: ignore[attr-defined]  # it is a FastAPI
        assert client.get("/metrics", headers=header).status_code == 200
        keys.kept.clear()
        book.reload(now=book._loaded_at)
        check_problem(client.get("/metrics", headers=header), 401)
        book._loaded_at -= 301
        answer = client.get("/metrics", headers=header)

    check_problem(answer, 503)
    assert answer.headers["retry-after"] == "15"


@pytest.mark.parametrize(
    ("content", "headers", "status", "detail"),
    [
        (b"{", JSON, 400, "line 1"),
        (b"\xff{}", JSON, 400, "UTF-8"),
        (b"[" * 100_000, JSON, 422, "nested too deeply"),
        (b'{"routing_policy":' + b'{"a":' * 60 + b"1" + b"}" * 61, JSON, 422, "nested more than 50"),
        (b"x" * (LARGEST_BODY + 1), JSON, 413, "larger than"),
        (b"{}", {"content-type": "text/plain"}, 415, "must be JSON"),
        (b"{}", {}, 415, "must be JSON"),
        (b"{}", {**JSON, "content-encoding": "gzip"}, 415, "a compressed body is not read here"),
        (b"\xef\xbb\xbf{}", JSON, 400, "the body begins with a byte order mark"),
        (b'{"generated_by": ""}', JSON, 422, "$.generated_by: must be one line without blanks around it"),
        (b'{"provider": "a\\tb"}', JSON, 422, "$.provider: must be one line without control characters"),
        (b'{"provider":"slack","provider":"teams"}', JSON, 422, "$.provider stands there twice"),
        (b'{"retries": NaN}', JSON, 422, "$.retries"),
        (b'{"retries": 1e400}', JSON, 422, "$.retries"),
        (b'{"retry": 1}', JSON, 422, "$.retry: is unknown"),
        (b'{"retries": "2"}', JSON, 422, "$.retries: "),
        (b'{"retries": 11}', JSON, 422, "$.retries: "),
        (b'{"retries": -1}', JSON, 422, "$.retries: "),
        (b'{"timeout_seconds": 0}', JSON, 422, "$.timeout_seconds: "),
        (b'{"timeout_seconds": 1e-320}', JSON, 422, "$.timeout_seconds: must be at least 0.1"),
        (b'{"timeout_seconds": 0.099}', JSON, 422, "$.timeout_seconds: must be at least 0.1"),
        (b'{"force": 1}', JSON, 422, "$.force: "),
        (b'{"routing_policy": "/etc/passwd"}', JSON, 422, "$.routing_policy: must be a JSON object"),
        (b'{"routing_policy": {"owner_route": {}}}', JSON, 422, "$.owner_route is an unknown key"),
        (b'{"generated_by": "me@example.com"}', JSON, 422, "must not name"),
        (b"[]", JSON, 422, "$: "),
        (b"null", JSON, 422, "$: "),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_with_its_place(
    options: ApiOptions, keys: Keys, content: bytes, headers: Mapping[str, str], status: int, detail: str
) -> None:
    with client_of(options) as client:
        answer = client.post(
            f"{NOTIFICATIONS}/deliver", content=content, headers={**keys.header("operateer"), **headers}
        )

    assert detail in check_problem(answer, status)["detail"]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (f"{NOTIFICATIONS}?offset=1000001", "query offset: must be at most 1,000,000"),
        (f"{NOTIFICATIONS}?from=yesterday", "query from must be a day, 2026-06-20, or a time"),
        (
            f"{NOTIFICATIONS}?from=2026-12-01T09:00:00+01:00",
            "query from has a blank before the offset",
        ),
        (f"{NOTIFICATIONS}/explanation?at=9999-12-31", "query at is not in the years 1900 to 9900"),
        (
            "/runtime/go-pilot/rollback-drill-schedule/upcoming?from=1999-01-01",
            "query from is more than 10 years from now",
        ),
    ],
)
def test_a_parameter_is_named_as_one_of_the_query(client: TestClient, path: str, detail: str) -> None:
    assert check_problem(client.get(path), 422)["detail"].startswith(detail)


def test_a_body_without_a_length_is_read_no_further_than_its_limit(options: ApiOptions, keys: Keys) -> None:
    sent = []

    def stream() -> Iterator[bytes]:
        for number in range(64):
            sent.append(number)
            yield b" " * 65536

    with client_of(options) as client:
        answer = client.post(
            f"{NOTIFICATIONS}/deliver", content=stream(), headers={**keys.header("operateer"), **JSON}
        )

    check_problem(answer, 413)


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=-1", "limit=1001", "limit=x", "limit=1e3", "offset=-1", "offset=1000001"),
        *("offset=99999999999999999999", "owner=", "ownr=team-a", "action=drop", "category=none"),
        *("from=yesterday", "from=2026-01-01T00:00:00.5Z", "from=2026-02-01&to=2026-01-01", "to=9999-12-32"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(client: TestClient, query: str) -> None:
    check_problem(client.get(f"{NOTIFICATIONS}/routes?{query}"), 422)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", path, 404) for path in ("/nope", "/runtime/", "/docs/", "/redoc", "/nothing", "/%00")),
        ("GET", "/runtime/go-pilot/rollback-drills/", 404),
        *(
            ("GET", f"/badges/{name}.svg", 404)
            for name in ("nope", "..%2f..%2fschedule", "%22%3E%3Cscript%3E")
        ),
        ("POST", "/healthz", 405),
        ("DELETE", f"{NOTIFICATIONS}/deliver", 405),
        ("GET", f"{NOTIFICATIONS}/deliver", 405),
        ("TRACE", "/healthz", 405),
    ],
)
def test_an_unknown_path_or_method_is_a_problem_too(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)

    problem = check_problem(answer, status)
    assert "<script>" not in json.dumps(problem)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "name", ["nope", "..%2fpayments", "%27%20OR%201=1", "%3Cb%3E", "a%2Fb", "%F0%9F%98%80"]
)
def test_a_schedule_that_is_not_known_cannot_be_acknowledged(
    options: ApiOptions, keys: Keys, name: str
) -> None:
    with client_of(options) as client:
        path = f"{NOTIFICATIONS}/{name}/acknowledgements"
        answer = client.post(path, headers=keys.header("operateer"), json={"provider": "slack"})

    check_problem(answer, 404)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"provider": "nagios"}, 'has no route of provider "nagios"; it has '),
        ({"notes": "see https://intra.example.com/x"}, "$.notes holds a URL"),
        ({"external_ref": "10.0.0.1"}, "$.external_ref holds"),
        ({"notes": "  "}, "$.notes has nothing that people can read; write some words"),
        ({"external_ref": "\u200b"}, "$.external_ref: holds an invisible character"),
        ({"acknowledged_by": "   "}, "$.acknowledged_by"),
        ({"acknowledged_for_days": 31}, "$.acknowledged_for_days"),
        ({"acknowledgement_state": "done"}, "$.acknowledgement_state"),
        ({"plan_id": "gordn-0000000000000000"}, "is not in the evidence"),
    ],
)
def test_what_cannot_be_acknowledged_is_refused_before_a_run_is_started(
    options: ApiOptions, keys: Keys, body: Mapping[str, Any], detail: str
) -> None:
    with client_of(options) as client:
        path = f"{NOTIFICATIONS}/payments/acknowledgements"
        answer = client.post(path, headers=keys.header("operateer"), json=body)

    assert detail in check_problem(answer, 422)["detail"]


@pytest.mark.parametrize("provider", ["", " ", ",,,"])
def test_to_deliver_through_nobody_is_refused_before_a_run_is_started(
    options: ApiOptions, keys: Keys, provider: str
) -> None:
    with client_of(options) as client:
        answer = client.post(WRITES[0], headers=keys.header("operateer"), json={"provider": provider})

    assert check_problem(answer, 422)["detail"].startswith("$.provider")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"exception": "forget"}, "$.exception"),
        ({"until": "tomorrow"}, '$.until is "tomorrow"; write an ISO 8601 timestamp'),
        ({"until": "2020-01-01T00:00:00Z"}, "$.until 2020-01-01T00:00:00+00:00 is past"),
        ({"until": "2099-01-01T00:00:00Z"}, "the limit of this cycle"),
        ({"exception": "waive", "until": "2099-01-01T00:00:00Z"}, "more than 366 days away"),
        ({"reason": "  "}, "$.reason is empty"),
        ({"reason": "see https://intra.example.com/x"}, "$.reason holds a URL"),
        ({"approver": "board at 10.0.0.1"}, "which evidence must not name"),
        ({"cycle_id": "x"}, "is unknown"),
    ],
)
def test_what_cannot_be_granted_is_refused_before_a_run_is_started(
    options: ApiOptions, keys: Keys, changes: Mapping[str, Any], detail: str
) -> None:
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    body = {"exception": "postpone", "until": until, "reason": "a freeze", **changes}
    with client_of(options) as client:
        answer = client.post(WRITES[3], headers=keys.header("adminer"), json=body)

    assert detail in json.dumps(check_problem(answer, 422), ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize("name", ["nope", "..%2fpayments", "%3Cb%3E"])
def test_a_schedule_that_is_not_known_gets_no_exception(options: ApiOptions, keys: Keys, name: str) -> None:
    body = {"exception": "skip", "until": "2099-01-01T00:00:00Z", "reason": "a freeze"}
    with client_of(options) as client:
        answer = client.post(f"{NOTIFICATIONS}/{name}/exceptions", headers=keys.header("adminer"), json=body)

    check_problem(answer, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", path) for path in WRITES),
        ("POST", f"{NOTIFICATIONS}/escalation-plan"),
        *(("GET", path) for path in ("/metrics", "/calendar.ics", f"{NOTIFICATIONS}/dashboard")),
    ],
)
def test_a_query_parameter_where_none_is_taken_is_refused(
    options: ApiOptions, keys: Keys, method: str, path: str
) -> None:
    with client_of(options) as client:
        answer = client.request(method, f"{path}?force=true", headers=keys.header("adminer"))

    detail = check_problem(answer, 422)["detail"]
    if method == "GET":
        assert detail == 'the query parameter "force" is unknown; there are none here'


def test_thousands_of_query_parameters_are_not_looked_at(client: TestClient) -> None:
    query = "&".join(f"a{number}=1" for number in range(8000))

    assert "more than 50 parameters" in check_problem(client.get(f"{NOTIFICATIONS}?{query}"), 422)["detail"]


@pytest.mark.parametrize("query", ["schedule_id=%00", "owner=a%00b"])
def test_what_no_database_can_hold_is_not_looked_for(client: TestClient, query: str) -> None:
    check_problem(client.get(f"{NOTIFICATIONS}?{query}"), 422)


def test_what_the_caller_wrote_is_told_as_it_is(options: ApiOptions, keys: Keys) -> None:
    with client_of(options) as client:
        path = f"{NOTIFICATIONS}/payments/acknowledgements"
        answer = client.post(path, headers=keys.header("operateer"), json={"provider": "--by"})

    assert "--by" in check_problem(answer, 422)["detail"]


@pytest.mark.parametrize(
    "query", ["limit=1&limit=1", "owner=a&limit=1&owner=b", "owner=&owner=", "%6fwner=a&owner=b"]
)
def test_a_query_parameter_that_is_there_twice_is_refused(client: TestClient, query: str) -> None:
    problem = check_problem(client.get(f"{NOTIFICATIONS}?{query}"), 422)

    assert "is there more than once; send it once" in problem["detail"]


@pytest.mark.parametrize("count", [0, 101])
def test_a_bulk_is_one_to_a_hundred_routes(options: ApiOptions, keys: Keys, count: int) -> None:
    body = {"routes": [{"schedule_id": "payments"}] * count}
    with client_of(options) as client:
        answer = client.post(WRITES[2], headers=keys.header("operateer"), json=body)

    assert check_problem(answer, 422)["errors"][0]["path"] == "$.routes"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"schedule_id": "serch"}, '$.routes[1].schedule_id "serch" is not in the evidence'),
        ({"schedule_id": "payments", "owner": "x"}, "$.routes[1]: cycle "),
    ],
)
def test_a_bulk_names_the_route_that_is_wrong(
    options: ApiOptions, keys: Keys, wrong: dict[str, str], problem: str
) -> None:
    body = {"routes": [{"schedule_id": "payments"}, wrong]}
    with client_of(options) as client:
        answer = client.post(WRITES[2], headers=keys.header("operateer"), json=body)

    assert check_problem(answer, 422)["detail"].startswith(problem)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(
            (each, 200)
            for each in ("localhost", "127.0.0.1:8000", "[::1]", "[::1]:8000", "LOCALHOST", "testserver")
        ),
        *((each, 400) for each in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example")),
        *((each, 400) for each in ("", "localhost.", "127.0.0.1:x", "127.0.0.1:80:90", "[::2]", "0.0.0.0")),
    ],
)
def test_only_a_host_that_is_meant_is_served(client: TestClient, host: str, status: int) -> None:
    answer = client.get("/healthz", headers={"host": host})

    assert answer.status_code == status
    if status == 400:
        check_problem(answer, 400)


def test_too_many_requests_wait_and_another_caller_does_not(options: ApiOptions, keys: Keys) -> None:
    with client_of(options, requests_per_second=1.0) as client:
        answers = [client.get(DRILLS, headers=keys.header("reader")) for _ in range(3)]
        other = client.get(DRILLS, headers=keys.header("adminer"))
        guesses = [client.get(DRILLS, headers={"authorization": "Bearer x"}) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert check_problem(answers[2], 429)
    assert answers[2].headers["retry-after"] == "1"
    assert other.status_code == 200
    assert [each.status_code for each in guesses] == [401, 401, 429]


def test_a_probe_is_answered_whoever_asks_and_while_nobody_can_be_looked_up(
    options: ApiOptions, keys: Keys
) -> None:
    def fail() -> list[ApiToken]:
        raise OSError

    with client_of(options, requests_per_second=1.0, load_tokens=fail) as client:
        headers = [{}, keys.header("reader"), {"authorization": "Bearer x"}, {"authorization": "Basic eDp5"}]
        answers = [client.get(path, headers=each) for path in ("/healthz", "/readyz") for each in headers * 3]
        other = client.get(DRILLS, headers=keys.header("reader"))

    assert {each.status_code for each in answers} == {200}
    check_problem(other, 503)


def test_an_error_of_the_server_is_a_problem_and_its_trace_is_in_the_log_without_secrets(
    options: ApiOptions, keys: Keys, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    remember_secrets(["correct-horse-battery"])

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is correct-horse-battery")

    monkeypatch.setattr("rollback_drills_api.reads.production_readiness", broken)
    with client_of(options) as client:
        answer = client.get("/deployment/production-readiness", headers=keys.header("reader"))

    problem = check_problem(answer, 500)
    assert "horse" not in json.dumps(problem)
    assert problem["instance"].removeprefix("urn:uuid:") in caplog.text
    assert "RuntimeError: the password is [redacted]" in caplog.text
    assert "horse" not in caplog.text


def test_the_log_has_who_and_what_and_neither_query_nor_token(
    client: TestClient, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rollback_drills_api.access")

    client.get(f"{NOTIFICATIONS}/routes?owner=team-a")
    client.get("/a%0Ab%20c")

    lines = [each.getMessage() for each in caplog.records if each.name == "rollback_drills_api.access"]
    assert lines[0].startswith(f"GET {NOTIFICATIONS}/routes 200 ")
    assert "caller=reader" in lines[0]
    assert lines[1].startswith("GET /a%0Ab%20c 404 ")
    assert not [line for line in lines if "team-a" in line or keys.secrets["reader"] in line]


NUL = "a\x00b"
POLICY = {"owner_routes": {"team-a": {"providers": ["slack"]}}}
WITH_NUL: list[tuple[str, Mapping[str, Any], str]] = [
    *(
        (WRITES[0], body, place)
        for body, place in (
            ({"provider": NUL}, "$.provider"),
            ({"generated_by": NUL}, "$.generated_by"),
            ({"routing_policy": {"owner_routes": {NUL: {"providers": ["slack"]}}}}, "$.routing_policy"),
            ({"routing_policy": {"owner_routes": {"a": {"providers": [NUL]}}}}, "$.routing_policy"),
            ({NUL: 1}, "$"),
        )
    ),
    *(
        (WRITES[1], {name: NUL}, f"$.{name}")
        for name in (
            *("acknowledged_by", "external_ref", "notes", "provider", "owner", "plan_id", "cycle_id"),
            "acknowledgement_state",
        )
    ),
    (WRITES[2], {"routes": [{"schedule_id": NUL}]}, "$.routes[0].schedule_id"),
    (WRITES[2], {"notes": NUL, "routes": [{"schedule_id": "payments"}]}, "$.notes"),
    *((WRITES[3], {name: NUL}, f"$.{name}") for name in ("until", "reason", "approver", "exception")),
    (f"{NOTIFICATIONS}/escalation-plan", {"generated_by": NUL}, "$.generated_by"),
    *(
        (f"{NOTIFICATIONS}/acknowledgements/audit-package", {name: NUL}, f"$.{name}")
        for name in ("schedule_id", "provider", "owner", "from", "to", "generated_by")
    ),
]


@pytest.mark.parametrize(("path", "body", "place"), WITH_NUL)
def test_a_nul_character_in_any_field_is_refused_with_its_place(
    options: ApiOptions, keys: Keys, path: str, body: Mapping[str, Any], place: str
) -> None:
    with client_of(options) as client:
        answer = client.post(path, headers=keys.header("adminer"), json=body)

    detail = check_problem(answer, 422)["detail"]
    assert detail.startswith(place)
    assert "holds a NUL character" in detail


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{NOTIFICATIONS}?owner=%00", 422),
        (f"{NOTIFICATIONS}/suppression-trends?generated_by=a%00b", 422),
        (f"{NOTIFICATIONS}/routes?from=%00", 422),
        ("/runtime/go-pilot/rollback-drills?schedule_id=%00", 422),
        ("/console/schedule?id=%00", 422),
        ("/badges/a%00.svg", 404),
    ],
)
def test_a_nul_character_in_a_query_or_path_is_refused(client: TestClient, path: str, status: int) -> None:
    check_problem(client.get(path), status)


@pytest.mark.parametrize("action", ["acknowledgements", "exceptions"])
def test_a_nul_character_in_a_schedule_id_is_no_schedule(
    options: ApiOptions, keys: Keys, action: str
) -> None:
    with client_of(options) as client:
        answer = client.post(
            f"{NOTIFICATIONS}/a%00b/{action}", headers=keys.header("adminer"), json={"notes": ""}
        )
    check_problem(answer, 404)


@pytest.mark.parametrize("name", ["acknowledged_by", "external_ref", "provider", "owner"])
@pytest.mark.parametrize(
    "bad", ["a\x1b[31mb", "a\nb", "a\x7fb", "a\u202eb", "a\u200bb", "a\u2028b", "\u3164"]
)
def test_a_name_is_one_line_of_characters_that_people_see(
    options: ApiOptions, keys: Keys, name: str, bad: str
) -> None:
    with client_of(options) as client:
        answer = client.post(WRITES[1], headers=keys.header("operateer"), json={name: bad})
    assert check_problem(answer, 422)["detail"].startswith(f"$.{name}")


@pytest.mark.parametrize("provider", ["slak", "slack,teams,nagios", "x" * 900])
def test_an_unknown_provider_is_refused_before_a_run_is_started(
    options: ApiOptions, keys: Keys, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setattr("rollback_drills_api.delivery.find_connectors", lambda: frozenset({"pager"}))
    monkeypatch.setattr("rollback_drills_api.delivery.run_flow", pytest.fail)
    with client_of(options) as client:
        answer = client.post(WRITES[0], headers=keys.header("operateer"), json={"provider": provider})
    detail = check_problem(answer, 422)["detail"]
    assert detail.startswith("$.provider")
    assert "pager, " in detail


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_stranger_who_guesses_tokens_does_not_hide_the_process_from_its_probes(
    options: ApiOptions, keys: Keys, path: str
) -> None:
    keys.secrets["stranger"] = "drills_nobody-gave-me-this"
    with client_of(options, requests_per_second=1.0, is_public_to_read=True) as client:
        guesses = [client.get("/metrics", headers=keys.header("stranger")).status_code for _ in range(5)]
        probes = [client.get(path).status_code for _ in range(9)]
        reading = client.get("/metrics").status_code
        probes.append(client.get(path, headers=keys.header("stranger")).status_code)  # tells it nothing
        guessing_on = client.get("/metrics", headers=keys.header("stranger")).status_code
    assert guesses[-1] == 429
    assert (set(probes), reading, guessing_on) == ({200}, 200, 429)
