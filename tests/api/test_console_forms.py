"""The forms of the console: only a page of this server, sent by whom it was made for, acts."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from rollback_drills.access.link_permission import FORM_LASTS, LinkKeys
from rollback_drills.console.acting import FormName
from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.record_kinds import (
    ACKNOWLEDGEMENT_KIND,
    DRILL_KIND,
    EXCEPTION_KIND,
    EXCEPTION_REQUEST_KIND,
)
from rollback_drills_api.logins import parse_login
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import Keys, client_of
from tests.api.played_flows import play_flows
from tests.samples.plain_records import read_plain

PAGE = "/console/schedule?id=payments"
FORM = "/console/schedule"
KEYS = LinkKeys.generate()
SAME = {"sec-fetch-site": "same-origin"}
LOGIN = "x-remote-user"
PROXIED = parse_login("X-Remote-User", "127.0.0.1", None)


@pytest.fixture(autouse=True)
def _played(options: ApiOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_flows(options))


@pytest.fixture
def browser(options: ApiOptions) -> Iterator[TestClient]:
    """Open the console through a proxy at 127.0.0.1, which trusts what comes from there."""
    with client_of(options, open_form_keys=lambda: KEYS, login=PROXIED) as opened:
        # where the connection comes from
        opened._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # of starlette
        yield opened


def logged_in(person: str = "maria") -> dict[str, str]:
    headers: Any = {LOGIN: person if person.isascii() else person.encode()}
    return dict(headers)


def mark_of(page: Response) -> str:
    found = re.search(r'name="mark" value="([^"]+)"', page.text)
    assert found, page.text[:2000]
    return html.unescape(found[1])


def send(
    browser: TestClient,
    form: str,
    person: str = "maria",
    headers: dict[str, str] | None = None,
    **fields: str,
) -> Response:
    """Open the page and send one of its forms."""
    who = logged_in(person)
    given = {"id": "payments", "mark": fields.pop("mark", None) or mark_of(browser.get(PAGE, headers=who))}
    sent = {**who, **(SAME if headers is None else headers)}
    return browser.post(f"{FORM}/{form}", data={**given, **fields}, headers=sent)


def evidence(options: ApiOptions, kind: str) -> list[PlainJson]:
    return read_plain(Database.at(options.database_url), kind)


def in_days(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M}"


def test_a_person_acknowledges_one_route_and_sees_that_it_was_done(
    browser: TestClient, options: ApiOptions
) -> None:
    page = browser.get(PAGE, headers=logged_in())
    key = re.search(r'value="(gordroute-[0-9a-f]+)">team-a through slack', page.text)
    assert key
    assert "The evidence will name you as <strong>maria via proxy</strong>" in page.text

    answer = send(browser, "acknowledge", route=key[1], notes="on it", acknowledged_for_days="2")

    assert answer.status_code == 200
    assert [each.status_code for each in answer.history] == [303]
    target = answer.history[0].headers["location"]
    assert target.startswith("../../console/schedule?id=payments&done=acknowledged&mark=")
    assert "Your acknowledgement is in the evidence" in answer.text
    (row,) = evidence(options, ACKNOWLEDGEMENT_KIND)
    assert (row["acknowledged_by"], row["owner"], row["provider"]) == ("maria via proxy", "team-a", "slack")
    assert row["notes"] == "on it"


def test_one_person_requests_and_another_one_approves(browser: TestClient, options: ApiOptions) -> None:
    until = in_days(9)
    answer = send(browser, "request", exception="postpone", until=until, reason="a freeze")

    assert "Somebody else has to approve it" in answer.text
    assert "asks to postpone this cycle until" in answer.text
    (asked,) = evidence(options, EXCEPTION_REQUEST_KIND)
    assert asked["requested_by"] == "maria via proxy"
    assert asked["request_id"] in browser.get("/console/schedule?id=payments", headers=logged_in()).text
    overview = browser.get("/console/acknowledgements", headers=logged_in()).text
    assert "maria via proxy asks to postpone it" in overview
    decision = {"request_id": asked["request_id"], "decision": "approve"}

    refused = send(browser, "decide", "anna", **decision)
    assert refused.status_code == 403
    assert "This needs the scope admin; that of anna via proxy is operate." in refused.text
    assert evidence(options, EXCEPTION_KIND) == []


@pytest.fixture
def board(options: ApiOptions) -> Iterator[TestClient]:
    """Open the console where everybody who logged in may decide."""
    login = parse_login("X-Remote-User", "127.0.0.1", "admin")
    with client_of(options, open_form_keys=lambda: KEYS, login=login) as opened:
        opened._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # of starlette
        yield opened


def test_an_approver_is_somebody_else(board: TestClient, options: ApiOptions) -> None:
    send(board, "request", exception="waive", until=in_days(9), reason="a freeze")
    (asked,) = evidence(options, EXCEPTION_REQUEST_KIND)
    decision = {"request_id": asked["request_id"], "decision": "approve"}
    own = board.get(PAGE, headers=logged_in("Maria")).text
    other = board.get(PAGE, headers=logged_in("anna")).text
    assert 'value="approve"' not in own
    assert "You requested it. Somebody else approves it." in own
    assert 'value="approve"' in other

    for person in ("maria", "MARIA", "m\u0430ria"):
        refused = send(board, "decide", person, **decision)
        assert refused.status_code == 422
        assert "somebody else must approve it" in refused.text
    assert evidence(options, EXCEPTION_KIND) == []
    answer = send(board, "decide", "anna", reason="this <once>", **decision)

    assert "The request is approved, and the exception holds." in answer.text
    assert "waived by anna via proxy: a freeze; anna via proxy remarks: this &lt;once&gt;" in answer.text
    (row,) = evidence(options, EXCEPTION_KIND)
    assert (row["requested_by"], row["approver"]) == ("maria via proxy", "anna via proxy")
    assert row["remark"] == "this <once>"
    again = send(board, "decide", "otto", **decision)
    assert (again.status_code, "was approved by anna via proxy" in again.text) == (422, True)


def test_a_request_is_declined_with_a_reason(board: TestClient, options: ApiOptions) -> None:
    send(board, "request", exception="skip", until=in_days(9), reason="a freeze")
    (asked,) = evidence(options, EXCEPTION_REQUEST_KIND)
    decision = {"request_id": asked["request_id"], "decision": "decline"}

    assert "The reason is empty" in send(board, "decide", "anna", **decision).text
    answer = send(board, "decide", "anna", reason="there is time", **decision)

    assert "The request is declined" in answer.text
    assert asked["request_id"] not in answer.text
    assert evidence(options, EXCEPTION_KIND) == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"sec-fetch-site": "cross-site"}, id="another site"),
        pytest.param({"sec-fetch-site": "same-site"}, id="a neighbour of the site"),
        pytest.param({"sec-fetch-site": "none"}, id="no page"),
        pytest.param({}, id="nothing says where it is from"),
        pytest.param({"origin": "null"}, id="an origin that is hidden"),
        pytest.param({"origin": "https://evil.example"}, id="another origin"),
        pytest.param({"origin": "http://testserver.evil.example"}, id="an origin that begins alike"),
        pytest.param({"origin": "http://testserver:8080"}, id="another port"),
    ],
)
def test_a_form_of_another_site_is_refused(
    browser: TestClient, options: ApiOptions, headers: dict[str, str]
) -> None:
    answer = send(browser, "acknowledge", headers=headers, route="")

    assert answer.status_code == 403
    assert "another site sent this form" in answer.text
    assert evidence(options, ACKNOWLEDGEMENT_KIND) == []


def test_a_browser_of_before_names_the_origin(browser: TestClient, options: ApiOptions) -> None:
    answer = send(browser, "acknowledge", headers={"origin": "http://testserver"}, route="")

    assert answer.status_code == 200
    assert len(evidence(options, ACKNOWLEDGEMENT_KIND)) > 1


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param("", id="missing"),
        pytest.param("1.2.3", id="nonsense"),
        pytest.param(KEYS.mark_form("anna via proxy", now=datetime.now(UTC)), id="of somebody else"),
        pytest.param(KEYS.mark_form("maria via proxy", now=datetime.now(UTC) - FORM_LASTS), id="expired"),
        pytest.param(LinkKeys.generate().mark_form("maria via proxy", now=datetime.now(UTC)), id="foreign"),
        pytest.param(KEYS.sign("maria via proxy", now=datetime.now(UTC)), id="a link"),
        pytest.param("\u0661\u0662.x.y", id="other digits"),
    ],
)
def test_a_form_without_its_mark_does_nothing_and_keeps_what_was_typed(
    browser: TestClient, options: ApiOptions, mark: str
) -> None:
    typed: Any = {"exception": "waive", "until": in_days(9), "reason": "a <b>freeze"}
    data = {"id": "payments", "mark": mark, **typed}

    answer = browser.post(f"{FORM}/request", data=data, headers={**logged_in(), **SAME})

    assert answer.status_code == 422
    assert "Nothing was done: the page was open for too long, or is not yours" in answer.text
    assert "a &lt;b&gt;freeze</textarea>" in answer.text
    assert f'value="{data["until"]}"' in answer.text
    assert '<option value="waive" selected>' in answer.text
    assert evidence(options, EXCEPTION_REQUEST_KIND) == []
    assert mark_of(answer) != mark
    assert send(browser, "request", mark=mark_of(answer), **typed).status_code == 200


@pytest.mark.parametrize("person", ["", None])
def test_without_an_identity_nothing_is_read_and_nothing_done(
    browser: TestClient, person: str | None
) -> None:
    headers = {} if person is None else {LOGIN: person}

    assert browser.get(PAGE, headers=headers).status_code == 401
    answer = browser.post(f"{FORM}/acknowledge", data={"id": "payments"}, headers={**headers, **SAME})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_a_header_that_somebody_else_than_the_proxy_sent_gives_no_identity(
    browser: TestClient, keys: Keys, options: ApiOptions
) -> None:
    mark = mark_of(browser.get(PAGE, headers=logged_in()))
    browser._transport.client = ("127.0.0.2", 50000)  # type: ignore[attr-defined]  # of starlette

    for headers in (logged_in(), {**logged_in(), **keys.header("adminer")}):
        for path in (PAGE, "/metrics", "/docs"):
            answer = browser.get(path, headers=headers)
            assert answer.status_code == 403, path
            assert "from the trusted proxy alone" in answer.text
        data = {"id": "payments", "mark": mark, "route": ""}
        assert browser.post(f"{FORM}/acknowledge", data=data, headers={**headers, **SAME}).status_code == 403
    assert evidence(options, ACKNOWLEDGEMENT_KIND) == []
    assert browser.get(PAGE, headers=keys.header("reader")).status_code == 200


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([b"maria", b"anna"], id="two headers"),
        pytest.param([b"maria", b"maria"], id="twice"),
        pytest.param([b"anna, maria"], id="two in one"),
        pytest.param([b"maria via admin"], id="looks like a token"),
        pytest.param([b"x" * 201], id="too long"),
        pytest.param(["ma\u200bria".encode()], id="invisible"),
    ],
)
def test_a_header_that_names_no_one_person_is_refused(browser: TestClient, values: list[bytes]) -> None:
    answer = browser.get(PAGE, headers=[(b"x-remote-user", each) for each in values])

    assert answer.status_code == 400


def test_a_login_counts_for_the_console_alone(browser: TestClient, keys: Keys) -> None:
    headers = logged_in()
    path = "/runtime/go-pilot/rollback-drill-notifications"

    assert browser.get(PAGE, headers=headers).status_code == 200
    assert browser.get("/metrics", headers=headers).status_code == 401
    # a page of another site could send it: a form needs no permission of the browser
    assert browser.post(f"{path}/deliver", headers=headers).status_code == 401
    assert browser.get("/metrics", headers={**headers, **keys.header("reader")}).status_code == 200


def test_a_login_that_evidence_cannot_name_is_told_so(browser: TestClient, options: ApiOptions) -> None:
    answer = send(browser, "acknowledge", "maria@corp.example.com", route="")

    assert answer.status_code == 422
    assert "an e-mail address, which evidence must not name" in answer.text
    assert evidence(options, ACKNOWLEDGEMENT_KIND) == []


def test_a_token_as_password_acts_by_a_form_and_by_nothing_else(options: ApiOptions, keys: Keys) -> None:
    with client_of(options, open_form_keys=lambda: KEYS) as client:
        client.auth = ("", keys.secrets["operateer"])
        mark = mark_of(client.get(PAGE))
        data = {"id": "payments", "mark": mark, "route": "", "acknowledgement_state": "acknowledged"}
        assert client.post(f"{FORM}/acknowledge", data=data).status_code == 403
        answer = client.post(f"{FORM}/acknowledge", data=data, headers=SAME)
        assert answer.status_code == 200
        client.auth = ("", keys.secrets["adminer"])
        assert client.post(f"{FORM}/acknowledge", data=data, headers=SAME).status_code == 422
    assert {each["acknowledged_by"] for each in evidence(options, ACKNOWLEDGEMENT_KIND)} == {"operateer"}


def test_who_may_only_read_sees_no_form(options: ApiOptions, keys: Keys) -> None:
    with client_of(options, open_form_keys=lambda: KEYS) as client:
        page = client.get(PAGE, headers=keys.header("reader"))
        mark = KEYS.mark_form("reader", now=datetime.now(UTC))
        headers = {**keys.header("reader"), **SAME}
        data = {"id": "payments", "mark": mark}
        answers = [client.post(f"{FORM}/{form}", data=data, headers=headers) for form in FormName]

    assert "<form" not in page.text
    assert [each.status_code for each in answers] == [403] * 4


def test_where_everybody_may_read_people_log_in_to_act(options: ApiOptions, keys: Keys) -> None:
    with client_of(options, open_form_keys=lambda: KEYS, is_public_to_read=True) as client:
        page = client.get(PAGE)
        assert "<form" not in page.text
        assert 'href="../console/schedule/log-in?id=payments"' in page.text
        asked = client.get("/console/schedule/log-in?id=payments")
        assert (asked.status_code, asked.headers["www-authenticate"][:6]) == (401, "Basic ")
        sent = client.post(f"{FORM}/acknowledge", data={"id": "payments"}, headers=SAME)
        assert sent.status_code == 401
        client.auth = ("", keys.secrets["operateer"])
        assert "<form" in client.get("/console/schedule/log-in?id=payments").text
        assert client.get("/console/schedule/log-in?id=//evil.example").status_code == 404


def test_nothing_happens_by_opening_a_page(browser: TestClient, options: ApiOptions) -> None:
    for form in ("acknowledge", "request", "decide", "record"):
        for ask in (browser.get, browser.head):
            answer = ask(f"{FORM}/{form}?id=payments&route=", headers=logged_in())
            assert answer.status_code == 404
    assert browser.get(f"{PAGE}&done=acknowledged", headers=logged_in()).status_code == 200
    assert evidence(options, ACKNOWLEDGEMENT_KIND) == []


@pytest.mark.parametrize("done", ["acknowledged", "approved", "nonsense"])
def test_an_address_alone_does_not_say_that_something_was_done(browser: TestClient, done: str) -> None:
    mark = mark_of(browser.get(PAGE, headers=logged_in()))
    other = KEYS.mark_form(f"{done}\nanna via proxy", now=datetime.now(UTC))

    for each in ("", mark, other):
        page = browser.get(f"{PAGE}&done={done}&mark={each}", headers=logged_in())
        assert page.status_code == 200
        assert 'class="said"' not in page.text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "payments\r\nx: y"]
)
def test_a_form_cannot_choose_where_the_browser_goes(
    browser: TestClient, options: ApiOptions, target: str
) -> None:
    mark = mark_of(browser.get(PAGE, headers=logged_in()))
    data = {"id": target, "mark": mark, "route": "", "next": target, "done": target}

    answer = browser.post(
        f"{FORM}/acknowledge", data=data, headers={**logged_in(), **SAME}, follow_redirects=False
    )

    assert answer.status_code in (404, 422)
    assert "location" not in answer.headers
    fine = {**data, "id": " PAYMENTS ", "route": ""}
    answer = browser.post(
        f"{FORM}/acknowledge",
        data=fine,
        headers={**logged_in(), **SAME},
        follow_redirects=False,
    )
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("../../console/schedule?id=payments&done=acknowledged&")


@pytest.mark.parametrize(
    ("form", "fields", "problem"),
    [
        ("request", {"exception": "forget", "until": in_days(3), "reason": "x"}, "The exception: "),
        ("request", {"exception": "skip", "until": "soon", "reason": "x"}, "The end is &#34;soon&#34;"),
        ("request", {"exception": "skip", "until": "2020-01-01T00:00", "reason": "x"}, "The end 2020-01-01"),
        ("request", {"exception": "skip", "until": in_days(3), "reason": "see https://a.example.com"}, "URL"),
        ("acknowledge", {"route": "gordroute-none"}, "There is nothing to acknowledge any more"),
        ("acknowledge", {"route": "", "acknowledged_for_days": "many"}, "The number of days is no number"),
        ("acknowledge", {"route": "", "acknowledged_for_days": "31"}, "The number of days: "),
        ("acknowledge", {"route": "", "acknowledged_for_days": "nan"}, "The number of days: "),
        ("acknowledge", {"route": "", "notes": "a\0b"}, "holds U+0000, which nobody sees"),
        ("acknowledge", {"route": "", "notes": "\u202egnp"}, "The remark holds U+202E, which shows letters"),
        ("acknowledge", {"route": "", "notes": "\u200b"}, "The remark has nothing that people can read"),
    ],
)
def test_what_cannot_be_done_is_said_on_the_page(
    browser: TestClient, options: ApiOptions, form: str, fields: dict[str, Any], problem: str
) -> None:
    answer = send(browser, form, **fields)

    assert answer.status_code == 422
    assert problem in answer.text
    assert evidence(options, ACKNOWLEDGEMENT_KIND) == evidence(options, EXCEPTION_REQUEST_KIND) == []


def test_a_remark_may_have_what_people_paste(browser: TestClient, options: ApiOptions) -> None:
    remark = "Wait\u00a0: the rollback of payments\u2011api 👩\u200d🚒"

    assert send(browser, "acknowledge", route="", notes=remark).status_code == 200

    assert {row["notes"] for row in evidence(options, ACKNOWLEDGEMENT_KIND)} == {remark}


@pytest.fixture
def recording(options: ApiOptions) -> Iterator[TestClient]:
    """Open the console where everybody who logged in may record drills."""
    login = parse_login("X-Remote-User", "127.0.0.1", "operate, record")
    with client_of(options, open_form_keys=lambda: KEYS, login=login) as opened:
        opened._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # of starlette
        yield opened


DRILL_FIELDS: Any = {
    "drill_id": "payments-7",
    "status": "pass",
    "executed_at": f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%dT%H:%M}",
    "fallback_verified": "yes",
    "recovery_minutes": "7",
    "max_recovery_minutes": "15",
    "source_mode": "promoted",
    "target_mode": "disabled",
    "actor": "sre",
    "evidence_refs": "go-rollback-drill://ci/run-2\r\n\r\n go-rollback-drill://ci/run-3 ",
}


def test_a_drill_is_recorded_once_however_often_its_form_is_sent(
    recording: TestClient, options: ApiOptions
) -> None:
    for _ in range(2):
        answer = send(recording, "record", **DRILL_FIELDS)

        assert answer.status_code == 200, answer.text[-2000:]
        assert "The drill is recorded." in answer.text
    (row,) = [each for each in evidence(options, DRILL_KIND) if each["drill_id"] == "payments-7"]
    assert (row["accepted"], row["signer"]) == (True, "maria via proxy")
    assert row["drill"]["evidence_refs"] == ["go-rollback-drill://ci/run-2", "go-rollback-drill://ci/run-3"]

    other = send(recording, "record", **{**DRILL_FIELDS, "recovery_minutes": "8"})
    assert other.status_code == 409
    assert 'value="8"' in other.text


def test_a_login_that_evidence_cannot_name_starts_no_run(
    recording: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        "rollback_drills_api.flow_runs.run_embedded", lambda name, *_, **__: started.append(name)
    )

    answer = send(recording, "record", "maria@corp.example.com", **DRILL_FIELDS)

    assert (answer.status_code, started) == (422, [])
    assert "an e-mail address, which evidence must not name" in answer.text


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"executed_at": "soon"}, "The executed at"),
        ({"recovery_minutes": "many"}, "The recovery minutes is no number"),
        ({"status": "perhaps"}, "The status: "),
        ({"drill_id": ""}, "The drill id: "),
    ],
)
def test_a_drill_that_cannot_be_recorded_is_asked_for_again(
    recording: TestClient, options: ApiOptions, changes: Any, problem: str
) -> None:
    answer = send(recording, "record", **{**DRILL_FIELDS, **changes})

    assert answer.status_code == 422
    assert problem in answer.text
    assert "go-rollback-drill://ci/run-3</textarea>" in answer.text
    assert evidence(options, DRILL_KIND) == []


def test_who_may_operate_cannot_record(browser: TestClient, options: ApiOptions) -> None:
    assert 'action="../console/schedule/record"' not in browser.get(PAGE, headers=logged_in()).text
    answer = send(browser, "record", **DRILL_FIELDS)

    assert answer.status_code == 403
    assert evidence(options, DRILL_KIND) == []


def test_forms_are_not_shown_while_their_keys_cannot_be_read(options: ApiOptions, keys: Keys) -> None:
    def fail() -> LinkKeys:
        raise OSError

    with client_of(options, open_form_keys=fail) as client:
        page = client.get(PAGE, headers=keys.header("adminer"))

    assert page.status_code == 200
    assert "<form" not in page.text


def test_the_log_names_the_remedy_for_keys_that_are_damaged(
    options: ApiOptions, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> LinkKeys:
        raise DrillsError("the Secret block of the keys is not usable; delete it")

    with client_of(options, open_form_keys=fail) as client:
        client.get(PAGE, headers=keys.header("adminer"))

    assert "cannot be loaded: the Secret block of the keys is not usable; delete it" in caplog.text


def test_each_caller_gets_a_page_with_an_own_mark(browser: TestClient) -> None:
    pages = [browser.get(PAGE, headers=logged_in(person)) for person in ("maria", "anna", "maria")]

    assert "maria via proxy" in pages[0].text
    assert "anna via proxy" in pages[1].text
    for page, person in zip(pages, ("maria", "anna", "maria"), strict=True):
        KEYS.check_form(mark_of(page), f"{person} via proxy", now=datetime.now(UTC))
        assert page.headers["cache-control"] == "no-store"
