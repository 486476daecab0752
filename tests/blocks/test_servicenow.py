"""ServiceNow: records with everything in them, and answers that are records, errors or pages."""

import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import jsonschema
import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.http.exchange import Response
from blocks.servicenow import ServiceNowConnector
from blocks.text import reference
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

PASSWORD = "t0ken-Abcdef123456"
BASIC = "Basic " + b64encode(f"robot:{PASSWORD}".encode()).decode()
TABLE = "/api/now/table/incident"
SYS_ID = "0123456789abcdef0123456789abcdef"
REF = f"INC0010001 {SYS_ID}"
NAMED = {"sys_id": SYS_ID, "number": "INC0010001"}
READ = "sysparm_fields=sys_id,number,state,active,correlation_id,correlation_display"
TAKEN = json.dumps({"result": NAMED})

# No package holds a schema of the Table API. The lengths are those of the fields of a task in the
# dictionary of a new instance; a longer text is cut without a word.
_TEXT = {"type": "string", "minLength": 1}
_LATEST = {"type": "string", "pattern": "^rollback-drills gordmsg-[0-9a-f]{16}$"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "create": {
        "type": "object",
        "required": ["short_description", "correlation_id"],
        "additionalProperties": False,
        "properties": {
            "short_description": {**_TEXT, "maxLength": 160},
            "description": {"type": "string", "maxLength": 4000},
            "correlation_id": {**_TEXT, "maxLength": 100, "pattern": "^[A-Za-z0-9_.:-]+$"},
            "correlation_display": _LATEST,
            "urgency": {"enum": ["1", "2", "3"]},
            "impact": {"enum": ["1", "2", "3"]},
        },
    },
    "update": {
        "type": "object",
        "required": ["work_notes"],
        "additionalProperties": False,
        "properties": {
            "work_notes": {**_TEXT, "maxLength": 4000},
            "correlation_display": _LATEST,
        },
    },
    "resolve": {
        "type": "object",
        # Data policies of most instances demand both.
        "required": ["state", "close_code", "close_notes"],
        "additionalProperties": False,
        "properties": {
            "state": {"type": "string", "pattern": "^[0-9]+$"},
            "close_code": _TEXT,
            "close_notes": {**_TEXT, "maxLength": 4000},
            "work_notes": {**_TEXT, "maxLength": 4000},
            "correlation_display": _LATEST,
        },
    },
}
REASONS = {"create": Reason.FIRST, "update": Reason.REPEAT, "resolve": Reason.RESOLVED}

HOSTILE = '[code]<script>alert(1)</script>[/code] [CODE] ^ORactive=true <b> ${x} "}'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 9000, "summary": "s" * 40_000, "acknowledge": "a" * 9000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 300) for number in range(600))},
    "long facts": {"facts": (("l" * 9000, "🧯" * 9000),) * 100},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 3000),) * 11},
    "hostile": {"title": HOSTILE + "\r\n\x00", "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "long cycle": {"cycle_id": "a^ORactive=true&b " * 60},
    "may repeat": {"may_repeat": True},
}


def connector(site_url: str = "https://dev.service-now.com", **settings: Any) -> ServiceNowConnector:
    return ServiceNowConnector(
        **{"site_url": site_url, "user": "robot", "credential": Secret(value=PASSWORD), **settings}
    )


SAMPLE = Sample(
    name="servicenow",
    make=connector,
    taken=Answer(201, TAKEN),
    secrets=(PASSWORD, f"robot:{PASSWORD}", BASIC.removeprefix("Basic ")),
)


def row(correlation_id: str, **fields: str) -> dict[str, str]:
    """Return a record as ServiceNow answers: every value is a text."""
    usual = {"state": "2", "active": "true", "correlation_display": "rollback-drills gordmsg-0"}
    return {**NAMED, **usual, "correlation_id": correlation_id, **fields}


@pytest.fixture
def ours(make_notification: Callable[..., Notification]) -> str:
    return reference(make_notification(), 100)


@pytest.fixture
def written(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    """Return the body that is written, after a record was found where one is looked for."""

    def write(kind: str, **overrides: Any) -> dict[str, Any]:
        earlier_ref = "" if kind == "create" else REF
        notification = make_notification(**overrides, reason=REASONS[kind], earlier_ref=earlier_ref)
        conversation = connector().converse(notification, now=now)
        request = next(conversation)
        if request.only_reads:
            body = json.dumps({"result": row(reference(notification, 100))}).encode()
            request = conversation.send(
                Response(200, httpx.Headers({"content-type": "application/json"}), body, now)
            )
        document: dict[str, Any] = json.loads(request.content)
        return document

    return write


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_the_fields_have_the_documented_shape(
    written: Callable[..., dict[str, Any]], kind: str, overrides: dict[str, Any]
) -> None:
    document = written(kind, **overrides)
    jsonschema.validate(document, SCHEMAS[kind])
    assert "gordmsg-0123456789abcdef" in json.dumps([document.get("description"), document.get("work_notes")])


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("create", "short_description", ""),
        ("create", "short_description", "x" * 161),
        ("create", "description", "x" * 4001),
        ("create", "correlation_id", "a^ORactive=true"),
        ("create", "correlation_id", "x" * 101),
        ("create", "urgency", 3),
        ("update", "work_notes", "x" * 4001),
        ("update", "state", "6"),
        ("resolve", "close_code", ""),
        ("resolve", "close_notes", "x" * 4001),
        ("resolve", "state", 6),
    ],
)
def test_the_schema_refuses_what_is_not_documented(
    written: Callable[..., dict[str, Any]], kind: str, name: str, value: Any
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**written(kind), name: value}, SCHEMAS[kind])


@pytest.mark.parametrize("kind", SCHEMAS)
def test_shows_that_it_may_repeat(written: Callable[..., dict[str, Any]], kind: str) -> None:
    notice = "it may repeat a message that was sent before"
    assert notice not in json.dumps(written(kind))
    assert notice in json.dumps(written(kind, may_repeat=True))


@pytest.mark.parametrize("kind", ["update", "resolve"])
def test_a_work_note_shows_no_html(written: Callable[..., dict[str, Any]], kind: str) -> None:
    note = written(kind, title=HOSTILE, summary=HOSTILE, facts=((HOSTILE, HOSTILE),))["work_notes"]
    assert "<script>" in note, "the text is shown as it stands"
    assert "[code]" not in note.lower()


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
            "Notification gordmsg-0123456789abcdef (first)"
        ),
        "correlation_display": "rollback-drills gordmsg-0123456789abcdef",
        "urgency": "2",
        "impact": "3",
        "assignment_group": "sre",
    }


def test_a_long_record_keeps_its_end(record: Callable[..., dict[str, Any]]) -> None:
    document = record(title="t" * 900, summary="s" * 9000, facts=(("Fact", "v" * 9000),) * 20)
    assert len(document["short_description"]) <= 160
    assert len(document["description"]) <= 4000
    assert "(shortened)" in document["description"]
    assert document["description"].endswith("Notification gordmsg-0123456789abcdef (first)")


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
    httpserver.expect_request(TABLE, method="POST", headers={header: value}).respond_with_data(
        TAKEN, status=201
    )
    verdict = send(connector(httpserver.url_for("/"), **settings))
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, REF)
    assert verdict.request is not None
    assert verdict.request.headers[header.lower()] == "[redacted]"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, '{"result":{"sys_id":"0123456789abcdef0123456789abcdef"}}', Outcome.DELIVERED),
        (204, "", Outcome.DELIVERED),
        (201, "{}", Outcome.PERMANENT),
        (201, '{"result":[]}', Outcome.PERMANENT),
        (201, '{"result":{"sys_id":"../x"}}', Outcome.PERMANENT),
        (201, '{"result":{"number":"INC0010001"}}', Outcome.PERMANENT),
        (200, "<html>Your instance is hibernating</html>", Outcome.PERMANENT),
        (201, "<!DOCTYPE html>", Outcome.PERMANENT),
        (400, "", Outcome.PERMANENT),
        (401, '{"error":{"message":"User Not Authenticated"}}', Outcome.DISABLED),
        (403, '{"error":{"message":"Operation Failed","detail":"ACL"}}', Outcome.PERMANENT),
        (404, '{"error":"text"}', Outcome.PERMANENT),
        (405, "", Outcome.PERMANENT),
        (406, "", Outcome.PERMANENT),
        (415, "", Outcome.PERMANENT),
        (429, '{"error":{"message":"Rate limit exceeded"}}', Outcome.RETRY),
        # It may have been written, and must be looked for before it is sent again.
        (500, "<html>", Outcome.AMBIGUOUS),
        (502, "", Outcome.AMBIGUOUS),
        (504, "", Outcome.AMBIGUOUS),
        (501, "", Outcome.PERMANENT),
        (503, "", Outcome.RETRY),
    ],
)
@pytest.mark.parametrize(("reason", "earlier_ref"), [(Reason.FIRST, ""), (Reason.REPEAT, REF)])
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    status: int,
    body: str,
    expected: Outcome,
    reason: Reason,
    earlier_ref: str,
) -> None:
    server = answer(status, body, None, "application/json")
    verdict = send(connector(server.url_for("")), reason=reason, earlier_ref=earlier_ref)
    assert (verdict.outcome, verdict.status_code) == (expected, status)


def test_a_page_is_called_one(answer: Callable[..., HTTPServer], send: Callable[..., Verdict]) -> None:
    server = answer(200, "<html>Your instance is hibernating</html>", None, "text/html")
    assert "html page: a login form, or a hibernating instance" in send(connector(server.url_for(""))).detail


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
        (401, "", Outcome.DISABLED),
        (403, "", Outcome.PERMANENT),
        (500, "", Outcome.RETRY),
    ],
)
def test_the_check_reads_one_row(httpserver: HTTPServer, status: int, body: str, expected: Outcome) -> None:
    httpserver.expect_oneshot_request(
        TABLE, method="GET", query_string={"sysparm_limit": "1", "sysparm_fields": "sys_id"}
    ).respond_with_data(body, status=status)
    verdict = connector(httpserver.url_for("")).check(timeout_seconds=5)
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"user": ""}, "requires the user"),
        ({"table": "incident?x"}, "pattern"),
        ({"authentication": "ntlm"}, "basic"),
        ({"site_url": "http://dev.service-now.com"}, "must be https"),
    ],
)
def test_refuses_unusable_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        connector(**settings)


class TestARecordThatExists:
    """Requests in order, over a server on this machine that refuses every other one."""

    @pytest.fixture
    def expect(self, httpserver: HTTPServer) -> Callable[..., None]:
        def expect_next(method: str, path: str, answer: Any, status: int = 200) -> None:
            path, _, query = path.partition("?")
            handler = httpserver.expect_ordered_request(TABLE + path, method=method, query_string=query)
            body = answer if isinstance(answer, str) else json.dumps({"result": answer})
            handler.respond_with_data(body, status=status)

        return expect_next

    @pytest.fixture
    def search(self, expect: Callable[..., None], ours: str) -> Callable[..., None]:
        def expect_search(rows: Any, status: int = 200) -> None:
            query = f"sysparm_query=correlation_id%3D{ours.replace(':', '%3A')}"
            expect("GET", f"?{query}&{READ}&sysparm_limit=2", rows, status)

        return expect_search

    @pytest.fixture
    def verdict(self, httpserver: HTTPServer, send: Callable[..., Verdict]) -> Callable[..., Verdict]:
        def send_and_check(settings: dict[str, Any] | None = None, **overrides: Any) -> Verdict:
            given = send(connector(httpserver.url_for(""), **(settings or {})), **overrides)
            httpserver.check()
            assert not httpserver.ordered_handlers, "a request was not made"
            return given

        return send_and_check

    @pytest.fixture
    def found(
        self, httpserver: HTTPServer, make_notification: Callable[..., Notification]
    ) -> Callable[..., Verdict | None]:
        def find_and_check(**overrides: Any) -> Verdict | None:
            asked = connector(httpserver.url_for(""))
            given = asked.find(make_notification(**overrides), timeout_seconds=5)
            httpserver.check()
            assert not httpserver.ordered_handlers, "a request was not made"
            return given

        return find_and_check

    @pytest.fixture
    def patched(self, httpserver: HTTPServer) -> Callable[[], dict[str, Any]]:
        def last() -> dict[str, Any]:
            (request, _) = httpserver.log[-1]
            assert request.method == "PATCH"
            document: dict[str, Any] = request.get_json()
            return document

        return last

    @pytest.mark.parametrize("reason", [Reason.WORSE, Reason.REPEAT, Reason.DEFERRED, Reason.ESCALATED])
    def test_a_reminder_is_a_work_note(
        self,
        expect: Callable[..., None],
        verdict: Callable[..., Verdict],
        patched: Callable[[], dict[str, Any]],
        reason: Reason,
    ) -> None:
        expect("PATCH", f"/{SYS_ID}?sysparm_fields=sys_id,number", NAMED)
        given = verdict(reason=reason, earlier_ref=REF)
        assert (given.outcome, given.external_ref) == (Outcome.DELIVERED, REF)
        note = patched()["work_notes"]
        assert note.startswith("Rollback drill overdue: payments (production)\n\n")
        assert note.endswith(f"Notification gordmsg-0123456789abcdef ({reason})")

    def test_an_answer_without_a_body_keeps_the_record(
        self, expect: Callable[..., None], verdict: Callable[..., Verdict]
    ) -> None:
        expect("PATCH", f"/{SYS_ID}?sysparm_fields=sys_id,number", "", 204)
        assert verdict(reason=Reason.REPEAT, earlier_ref=REF).external_ref == REF

    @pytest.mark.parametrize(
        "earlier_ref", ["", "INC0010001", "OPS-42", f"../x {SYS_ID}", f"{SYS_ID}/../x", "x" * 32]
    )
    def test_a_reminder_of_a_record_that_is_not_known_looks_for_it(
        self,
        expect: Callable[..., None],
        search: Callable[..., None],
        verdict: Callable[..., Verdict],
        ours: str,
        earlier_ref: str,
    ) -> None:
        search([row(ours)])
        expect("PATCH", f"/{SYS_ID}?sysparm_fields=sys_id,number", NAMED)
        assert verdict(reason=Reason.REPEAT, earlier_ref=earlier_ref).external_ref == REF

    def test_a_reminder_of_no_record_creates_one(
        self, expect: Callable[..., None], search: Callable[..., None], verdict: Callable[..., Verdict]
    ) -> None:
        search([])
        expect("POST", "?sysparm_fields=sys_id,number", NAMED, 201)
        given = verdict(reason=Reason.REPEAT)
        assert (given.detail, given.external_ref) == ("created INC0010001", REF)

    @pytest.mark.parametrize(
        ("settings", "fields"),
        [
            pytest.param({}, {"state": "6", "close_code": "Solution provided"}, id="usual"),
            pytest.param(
                {"close_fields": {"state": "3", "close_code": "successful", "close_notes": "see work notes"}},
                {"state": "3", "close_code": "successful", "close_notes": "see work notes"},
                id="configured",
            ),
        ],
    )
    def test_the_end_resolves_the_record(
        self,
        expect: Callable[..., None],
        verdict: Callable[..., Verdict],
        patched: Callable[[], dict[str, Any]],
        ours: str,
        settings: dict[str, Any],
        fields: dict[str, str],
    ) -> None:
        expect("GET", f"/{SYS_ID}?{READ}", row(ours))
        expect("PATCH", f"/{SYS_ID}?sysparm_fields=sys_id,number", NAMED)
        given = verdict(settings, reason=Reason.RESOLVED, earlier_ref=REF)
        assert (given.outcome, given.detail) == (Outcome.DELIVERED, "resolved INC0010001")
        document = patched()
        assert fields.items() <= document.items()
        assert document["close_notes"]
        assert "(resolved)" in document["work_notes"]

    @pytest.mark.parametrize(
        "fields", [{"state": "6"}, {"state": "7", "active": "false"}], ids=["resolved", "closed"]
    )
    def test_what_somebody_has_resolved_is_left_alone(
        self,
        expect: Callable[..., None],
        verdict: Callable[..., Verdict],
        ours: str,
        fields: dict[str, str],
    ) -> None:
        expect("GET", f"/{SYS_ID}?{READ}", row(ours, **fields))
        given = verdict(reason=Reason.RESOLVED, earlier_ref=REF)
        assert (given.outcome, given.detail) == (Outcome.DELIVERED, "INC0010001 was resolved already")

    def test_the_end_of_an_unknown_record_looks_for_it(
        self,
        expect: Callable[..., None],
        search: Callable[..., None],
        verdict: Callable[..., Verdict],
        ours: str,
    ) -> None:
        search([row(ours)])
        expect("PATCH", f"/{SYS_ID}?sysparm_fields=sys_id,number", NAMED)
        assert verdict(reason=Reason.RESOLVED).detail == "resolved INC0010001"

    def test_where_there_is_no_record_nothing_is_resolved(
        self, search: Callable[..., None], verdict: Callable[..., Verdict]
    ) -> None:
        search([])
        given = verdict(reason=Reason.RESOLVED)
        assert (given.outcome, given.detail) == (Outcome.DELIVERED, "no open record was found")

    @pytest.mark.parametrize(
        ("others", "message"),
        [
            pytest.param(["another"], "somebody else", id="a query that was dropped"),
            pytest.param(["another", "another"], "somebody else", id="records of others"),
            pytest.param([None, "another"], "somebody else", id="one of them ours"),
            pytest.param([None, None], "close all except one", id="two of ours"),
            pytest.param([""], "somebody else", id="no correlation"),
        ],
    )
    @pytest.mark.parametrize("reason", [Reason.RESOLVED, Reason.REPEAT])
    def test_never_writes_to_a_record_that_may_be_somebody_elses(
        self,
        search: Callable[..., None],
        verdict: Callable[..., Verdict],
        ours: str,
        others: list[str | None],
        message: str,
        reason: Reason,
    ) -> None:
        search([row(ours if other is None else other) for other in others])
        given = verdict(reason=reason)
        assert given.outcome is Outcome.PERMANENT
        assert message in given.detail

    def test_never_resolves_a_known_record_that_has_become_somebody_elses(
        self, expect: Callable[..., None], verdict: Callable[..., Verdict]
    ) -> None:
        expect("GET", f"/{SYS_ID}?{READ}", row("another"))
        assert verdict(reason=Reason.RESOLVED, earlier_ref=REF).outcome is Outcome.PERMANENT

    @pytest.mark.parametrize(
        ("status", "body", "expected"),
        [
            (200, "<html>hibernating</html>", Outcome.PERMANENT),
            (200, "{}", Outcome.PERMANENT),
            (200, '{"result":["x"]}', Outcome.PERMANENT),
            (401, "", Outcome.DISABLED),
            (403, "", Outcome.PERMANENT),
            (404, "", Outcome.PERMANENT),
            (429, "", Outcome.RETRY),
            (500, "", Outcome.RETRY),
        ],
    )
    def test_judges_the_answer_to_a_search(
        self,
        search: Callable[..., None],
        verdict: Callable[..., Verdict],
        status: int,
        body: str,
        expected: Outcome,
    ) -> None:
        search(body, status)
        given = verdict(reason=Reason.RESOLVED)
        assert (given.outcome, given.status_code) == (expected, status)

    @pytest.mark.parametrize(
        ("latest", "is_found"), [("gordmsg-0123456789abcdef", True), ("gordmsg-ffffffffffffffff", False)]
    )
    @pytest.mark.parametrize("reason", [Reason.FIRST, Reason.REPEAT, Reason.RESOLVED])
    def test_a_notification_whose_answer_was_lost_is_found_by_its_id(
        self,
        expect: Callable[..., None],
        search: Callable[..., None],
        found: Callable[..., Verdict | None],
        ours: str,
        reason: Reason,
        latest: str,
        *,
        is_found: bool,
    ) -> None:
        there = row(ours, correlation_display=f"rollback-drills {latest}")
        if reason is Reason.FIRST:
            search([there])
            given = found()
        else:
            expect("GET", f"/{SYS_ID}?{READ}", there)
            given = found(reason=reason, earlier_ref=REF)
        assert (given.external_ref if given else "") == (REF if is_found else "")

    def test_what_does_not_exist_is_not_found(
        self, search: Callable[..., None], found: Callable[..., Verdict | None]
    ) -> None:
        search([])
        assert found() is None

    def test_a_search_that_fails_is_told(
        self, search: Callable[..., None], found: Callable[..., Verdict | None]
    ) -> None:
        search("", 503)
        given = found()
        assert given is not None
        assert given.outcome is Outcome.RETRY

    def test_only_what_reads_may_be_repeated_without_an_answer(
        self, make_notification: Callable[..., Notification], now: datetime
    ) -> None:
        first, reminder, end = (
            connector().prepare(make_notification(reason=reason, earlier_ref=ref), now=now)
            for reason, ref in ((Reason.FIRST, ""), (Reason.REPEAT, REF), (Reason.RESOLVED, REF))
        )
        assert [each.only_reads for each in (first, reminder, end)] == [False, False, True]
        assert end.public_url == f"https://dev.service-now.com{TABLE}/{SYS_ID}?{READ}"
