"""Jira: issues whose description Atlassian's schema accepts, and answers that must name the issue."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.jira import JiraConnector
from blocks.text import reference
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

TOKEN = "t0ken-Abcdef123456"
EMAIL = "robot@example.invalid"
BASIC = "Basic " + b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()

# As Jira answers: a new issue, and who we are.
CREATED = '{"id":"10000","key":"OPS-42","self":"https://example.invalid/rest/api/3/issue/10000"}'
MYSELF = {"accountId": "5b10a2844c20165700ede21g", "displayName": "robot"}
DONE = {"statusCategory": {"key": "done"}}
OPEN = {"statusCategory": {"key": "new"}}
TRANSITIONS = {
    "transitions": [
        {"id": "11", "name": "Start", "to": {"statusCategory": {"key": "indeterminate"}}},
        {"id": "31", "name": "Done", "to": DONE},
        {"id": "41", "name": "Won't do", "to": DONE},
    ]
}

HOSTILE = '[~admin] {code}!http://example.invalid/x.png!{code} <!channel> @all [x|http://example.invalid] "}'

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "empty texts": {"summary": "", "acknowledge": ""},
    "long texts": {"title": "t" * 9000, "summary": "s" * 40_000, "acknowledge": "a" * 9000},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 300) for number in range(600))},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 3000),) * 11},
    "hostile": {"title": HOSTILE + "\r\n\x00", "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e cut", "summary": "\ud83e"},
    "may repeat": {"may_repeat": True},
    "reminder of an issue that is not known": {"reason": Reason.REPEAT},
}


def cloud(site_url: str = "https://site.atlassian.net", **settings: Any) -> JiraConnector:
    defaults = {"deployment": "cloud", "project": "OPS", "email": EMAIL, "token": Secret(value=TOKEN)}
    return JiraConnector(**{**defaults, "site_url": site_url, **settings})


def datacenter(site_url: str = "https://jira.example.invalid", **settings: Any) -> JiraConnector:
    return cloud(site_url, deployment="datacenter", email="", **settings)


SAMPLE = Sample(
    name="jira-cloud",
    make=cloud,
    taken=Answer(201, CREATED),
    secrets=(TOKEN, f"{EMAIL}:{TOKEN}", BASIC.removeprefix("Basic ")),
)


@pytest.fixture
def issue(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(connector: JiraConnector, **overrides: Any) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(
            connector.prepare(make_notification(**overrides), now=now).content
        )
        return document

    return render


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft4Validator:
    path = Path(__file__).parent / "schemas" / "adf-full.json"
    return jsonschema.Draft4Validator(json.loads(path.read_text()))


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_atlassian_accepts_the_description(
    issue: Callable[..., dict[str, Any]], schema: jsonschema.Draft4Validator, overrides: dict[str, Any]
) -> None:
    fields = issue(cloud(), **overrides)["fields"]
    schema.validate(fields["description"])
    assert len(json.dumps(fields["description"], ensure_ascii=False)) <= 32_767
    assert len(fields["summary"]) <= 255


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_atlassian_accepts_the_comment(
    issue: Callable[..., dict[str, Any]], schema: jsonschema.Draft4Validator, overrides: dict[str, Any]
) -> None:
    reminder = {"reason": Reason.REPEAT, **overrides, "earlier_ref": "OPS-42"}
    comment = issue(cloud(), **reminder)
    assert comment.keys() == {"body"}
    schema.validate(comment["body"])
    assert len(json.dumps(comment["body"], ensure_ascii=False)) <= 32_767
    plain = issue(datacenter(), **reminder)["body"]
    assert len(plain) <= 32_767


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([{"type": "text", "text": "x"}], id="text outside a paragraph"),
        pytest.param([{"type": "paragraph", "content": [{"type": "text", "text": ""}]}], id="empty text"),
        pytest.param([{"type": "bulletList", "content": []}], id="empty list"),
        pytest.param([{"type": "banner"}], id="unknown node"),
    ],
)
def test_the_schema_refuses_what_jira_refuses(schema: jsonschema.Draft4Validator, content: list[Any]) -> None:
    assert not schema.is_valid({"type": "doc", "version": 1, "content": content})


def test_a_cloud_issue_says_everything(
    issue: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    document = issue(cloud(labels=["team-a"], extra_fields={"priority": {"name": "High"}}))
    fields = document["fields"]
    assert fields["project"] == {"key": "OPS"}
    assert fields["issuetype"] == {"name": "Task"}
    assert fields["priority"] == {"name": "High"}
    assert fields["summary"] == notification.title
    assert fields["labels"][0] == "rollback-drill"
    assert fields["labels"][1].startswith("payments-prod-2026-11-20T09:00:00Z:")
    assert fields["labels"][2] == "team-a"
    assert not any(" " in label for label in fields["labels"])
    text = json.dumps(fields["description"])
    for part in (notification.summary, notification.acknowledge, notification.notification_id):
        assert part in text
    for label, value in notification.facts:
        assert f'"{label}: "' in text
        assert f'"{value}"' in text
    (prop,) = document["properties"]
    assert prop["value"] == {
        "notification_id": "gordmsg-0123456789abcdef",
        "reason": "first",
        "may_repeat": False,
        "schedule_id": notification.schedule_id,
        "cycle_id": notification.cycle_id,
        "plan_id": notification.plan_id,
    }


@pytest.mark.parametrize("earlier_ref", ["", "OPS-42"], ids=["issue", "comment"])
@pytest.mark.parametrize("deployment", [cloud, datacenter])
def test_shows_that_it_may_repeat(
    issue: Callable[..., dict[str, Any]], deployment: Callable[[], JiraConnector], earlier_ref: str
) -> None:
    notice = "it may repeat a message that was sent before"
    usual, repeated = (
        json.dumps(issue(deployment(), earlier_ref=earlier_ref, may_repeat=may_repeat))
        for may_repeat in (False, True)
    )
    assert notice not in usual
    assert notice in repeated


def test_a_datacenter_issue_says_everything(issue: Callable[..., dict[str, Any]]) -> None:
    document = issue(datacenter())
    assert "properties" not in document
    assert document["fields"]["description"] == (
        "The last accepted drill is 95 days old. Perform a drill and record it.\n\n"
        "* Schedule: payments-prod\n* Due: 2026-11-20 09:00 UTC\n* Owner: release-governance\n\n"
        "Run `drills ack payments-prod --provider slack` or use the dashboard.\n\n"
        "Notification gordmsg-0123456789abcdef \\(first\\)"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("[~admin]", r"\[\~admin\]"),
        ("{code}x{code}", r"\{code\}x\{code\}"),
        ("!http://h/x.png!", r"\!http://h/x.png\!"),
        ("h1. Title", r"\h1. Title"),
        ("# item\n- item\nbq. quote", "\\# item\n\\- item\n\\bq. quote"),
        ("C:\\dir", r"C:\\dir"),
        ("plain-text, 2026", "plain-text, 2026"),
    ],
)
def test_wiki_text_is_inert(issue: Callable[..., dict[str, Any]], text: str, escaped: str) -> None:
    assert issue(datacenter(), summary=text)["fields"]["description"].startswith(escaped + "\n\n")


def test_a_wiki_comment_is_inert(issue: Callable[..., dict[str, Any]]) -> None:
    hostile = {"title": HOSTILE, "summary": HOSTILE, "facts": ((HOSTILE, HOSTILE),), "acknowledge": HOSTILE}
    body = issue(datacenter(), reason=Reason.REPEAT, earlier_ref="OPS-42", **hostile)["body"]
    assert body.count(r"\[\~admin\] \{code\}\!http://example.invalid/x.png\!\{code\}") == 5
    assert not re.search(r"(?<!\\)[\[{!]", body)


def test_a_summary_has_one_line(issue: Callable[..., dict[str, Any]]) -> None:
    assert issue(cloud(title="[TEST]"), title="a\r\nb")["fields"]["summary"] == "[TEST] a b"


@pytest.mark.parametrize(
    ("connector", "path", "authorization"),
    [
        pytest.param(cloud, "/rest/api/3/issue", BASIC, id="cloud"),
        pytest.param(datacenter, "/rest/api/2/issue", f"Bearer {TOKEN}", id="datacenter"),
    ],
)
def test_creates_an_issue(
    httpserver: HTTPServer,
    send: Callable[..., Verdict],
    connector: Callable[[str], JiraConnector],
    path: str,
    authorization: str,
) -> None:
    httpserver.expect_request(
        path, method="POST", headers={"Authorization": authorization}
    ).respond_with_data(CREATED, status=201)
    verdict = send(connector(httpserver.url_for("/")))
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, "OPS-42")
    assert verdict.request is not None
    assert verdict.request.url == httpserver.url_for(path)
    assert verdict.request.headers["authorization"] == "[redacted]"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, '{"key":"OPS-1"}', Outcome.DELIVERED),
        (201, "{}", Outcome.PERMANENT),
        (201, '{"key":["OPS-1"]}', Outcome.PERMANENT),
        (200, "<html>log in</html>", Outcome.PERMANENT),
        (400, '{"errorMessages":[],"errors":{"project":"unknown"}}', Outcome.PERMANENT),
        (400, '{"errorMessages":7,"errors":[]}', Outcome.PERMANENT),
        (401, "", Outcome.DISABLED),
        (403, "", Outcome.PERMANENT),
        (404, '{"errorMessages":["no project"]}', Outcome.PERMANENT),
        (413, "", Outcome.PERMANENT),
        (409, "", Outcome.RETRY),
        (422, "", Outcome.PERMANENT),
        (429, "", Outcome.RETRY),
        # It may have been created, and must be looked for before it is sent again.
        (500, "<html>", Outcome.AMBIGUOUS),
        (502, "", Outcome.AMBIGUOUS),
        (504, "", Outcome.AMBIGUOUS),
        (501, "", Outcome.PERMANENT),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    server = answer(status, body, {"retry-after": "0"}, "application/json")
    verdict = send(cloud(server.url_for("")))
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    is_asked_to_wait = status in {429, 500, 502, 503, 504}
    assert verdict.retry_after_seconds == (0 if is_asked_to_wait else None)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, '{"id":"10001"}', Outcome.DELIVERED),
        (201, "{}", Outcome.PERMANENT),
        (200, "<html>log in</html>", Outcome.PERMANENT),
        (400, "", Outcome.PERMANENT),
        (401, "", Outcome.DISABLED),
        (403, "", Outcome.PERMANENT),
        (404, "", Outcome.PERMANENT),
        (409, "", Outcome.RETRY),
        (413, "", Outcome.PERMANENT),
        (429, "", Outcome.RETRY),
        (500, "", Outcome.AMBIGUOUS),
        (503, "", Outcome.RETRY),
    ],
)
def test_judges_the_answer_to_a_comment(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    server = answer(status, body, None, "application/json")
    verdict = send(cloud(server.url_for("")), reason=Reason.WORSE, earlier_ref="OPS-42")
    assert (verdict.outcome, verdict.status_code) == (expected, status)
    assert verdict.external_ref == ("OPS-42" if expected is Outcome.DELIVERED else "")


def wait_of(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], headers: dict[str, str]
) -> float | None:
    return send(cloud(answer(429, "", headers).url_for(""))).retry_after_seconds


def test_waits_until_the_moment_of_the_reset(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    reset = (datetime.now(UTC) + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%MZ")
    wait = wait_of(answer, send, {"X-RateLimit-Reset": reset})
    assert wait is not None
    assert 530 <= wait <= 600


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Retry-After": "30", "X-RateLimit-Reset": "2099-01-01T00:00Z"}, 30, id="seconds first"),
        pytest.param({"retry-after": "0"}, 0, id="data center: go on"),
        pytest.param({"X-RateLimit-Reset": "2020-01-01T00:00Z"}, 0, id="past"),
        pytest.param({"X-RateLimit-Reset": "2099-01-01T00:00Z"}, 3600, id="far"),
        pytest.param({"X-RateLimit-Reset": "1763906400"}, None, id="not iso"),
        pytest.param({}, None, id="nothing said"),
    ],
)
def test_waits_as_long_as_it_is_asked(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    headers: dict[str, str],
    expected: float | None,
) -> None:
    assert wait_of(answer, send, headers) == expected


def test_says_which_limit_was_reached(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(429, "", {"RateLimit-Reason": "jira-per-issue-on-write"})
    assert send(cloud(server.url_for(""))).detail == "answered 429: the limit is jira-per-issue-on-write"


def test_says_which_field_was_refused(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = answer(400, '{"errorMessages":["no"],"errors":{"project":"unknown"}}', None, "application/json")
    assert send(cloud(server.url_for(""))).detail == "answered 400: no; project: unknown"


@pytest.mark.parametrize("status", [401, 403])
def test_never_tries_again_once_a_captcha_is_asked(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int
) -> None:
    server = answer(status, "", {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"})
    verdict = send(datacenter(server.url_for("")))
    assert verdict.outcome is Outcome.DISABLED
    assert "captcha" in verdict.detail


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"accountId":"1"}', Outcome.DELIVERED),
        (200, '{"name":"robot","key":"robot"}', Outcome.DELIVERED),
        (200, "<html>log in</html>", Outcome.PERMANENT),
        (401, "", Outcome.DISABLED),
        (404, "", Outcome.PERMANENT),
        (500, "", Outcome.RETRY),
    ],
)
def test_the_check_reads_who_we_are(
    httpserver: HTTPServer, status: int, body: str, expected: Outcome
) -> None:
    httpserver.expect_oneshot_request("/rest/api/3/myself", method="GET").respond_with_data(
        body, status=status
    )
    verdict = cloud(httpserver.url_for("")).check(timeout_seconds=5)
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"email": ""}, "requires the email"),
        ({"labels": ["two words"]}, "must not be empty or contain a space"),
        ({"project": "O P S"}, "pattern"),
        ({"deployment": "server"}, "cloud"),
        ({"site_url": "https://site.atlassian.net?x=1"}, "query"),
    ],
)
def test_refuses_unusable_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        cloud(**settings)


class TestAnIssueThatExists:
    """Requests in order, over a server on this machine that refuses every other one."""

    @pytest.fixture
    def expect(self, httpserver: HTTPServer) -> Callable[..., None]:
        def expect_next(
            method: str, path: str, answer: Any = "", status: int = 200, sent: Any = None
        ) -> None:
            path, _, query = path.partition("?")
            handler = httpserver.expect_ordered_request(
                f"/rest/api/{path}",
                method=method,
                query_string=query,
                headers={"Authorization": BASIC if path.startswith("3") else f"Bearer {TOKEN}"},
                **({} if sent is None else {"json": sent}),
            )
            if isinstance(answer, str):
                handler.respond_with_data(answer, status=status)
            else:
                handler.respond_with_json(answer, status=status)

        return expect_next

    @pytest.fixture
    def search(
        self, make_notification: Callable[..., Notification], expect: Callable[..., None]
    ) -> Callable[..., None]:
        def expect_search(
            issues: dict[str, Any], *, others: Sequence[Any] = (), api: str = "3/search/jql"
        ) -> None:
            label = reference(make_notification(), 255)
            query = {
                "jql": f'project = "OPS" AND labels = "{label}" ORDER BY created ASC',
                "maxResults": 10,
                "fields": ["labels", "status"],
            }
            found = [
                {"key": key, "fields": {"labels": ["rollback-drill", label], "status": status}}
                for key, status in issues.items()
            ]
            expect("GET", f"{api[0]}/myself", MYSELF)
            expect("POST", api, {"issues": [*found, *others], "isLast": True}, 200, query)

        return expect_search

    @pytest.fixture
    def verdict(self, httpserver: HTTPServer, send: Callable[..., Verdict]) -> Callable[..., Verdict]:
        def send_and_check(deployment: Callable[..., JiraConnector] = cloud, **overrides: Any) -> Verdict:
            settings = overrides.pop("settings", {})
            given = send(deployment(httpserver.url_for(""), **settings), **overrides)
            httpserver.check()
            assert not httpserver.ordered_handlers, "a request was not made"
            return given

        return send_and_check

    @pytest.fixture
    def found(
        self, httpserver: HTTPServer, make_notification: Callable[..., Notification]
    ) -> Callable[..., Verdict | None]:
        def find_and_check(**overrides: Any) -> Verdict | None:
            connector = cloud(httpserver.url_for(""))
            given = connector.find(make_notification(**overrides), timeout_seconds=5)
            httpserver.check()
            assert not httpserver.ordered_handlers, "a request was not made"
            return given

        return find_and_check

    @pytest.mark.parametrize("reason", [Reason.WORSE, Reason.REPEAT, Reason.DEFERRED, Reason.ESCALATED])
    @pytest.mark.parametrize(("deployment", "version"), [(cloud, 3), (datacenter, 2)])
    def test_a_reminder_is_a_comment(
        self,
        expect: Callable[..., None],
        verdict: Callable[..., Verdict],
        httpserver: HTTPServer,
        deployment: Callable[..., JiraConnector],
        version: int,
        reason: Reason,
    ) -> None:
        expect("POST", f"{version}/issue/OPS-42/comment", {"id": "10001"}, 201)
        given = verdict(deployment, reason=reason, earlier_ref="OPS-42")
        assert (given.outcome, given.external_ref) == (Outcome.DELIVERED, "OPS-42")
        text = httpserver.log[0][0].get_data(as_text=True)
        assert "Rollback drill overdue: payments" in text
        assert "gordmsg-0123456789abcdef" in text
        assert reason in text

    @pytest.mark.parametrize("earlier_ref", ["", "INC0010001", "../OPS-1", "OPS-1/../x", "OPS-1?x"])
    def test_a_reminder_of_no_issue_creates_one(
        self, expect: Callable[..., None], verdict: Callable[..., Verdict], earlier_ref: str
    ) -> None:
        expect("POST", "3/issue", CREATED, 201)
        given = verdict(reason=Reason.REPEAT, earlier_ref=earlier_ref)
        assert given.external_ref == "OPS-42"

    @pytest.mark.parametrize(
        ("done_transition", "transition"),
        [
            pytest.param("", "31", id="the first that ends in done"),
            pytest.param("won't DO", "41", id="by name"),
            pytest.param("41", "41", id="by id"),
            pytest.param("Start", "11", id="one that is wanted though it ends elsewhere"),
        ],
    )
    @pytest.mark.parametrize(("deployment", "version"), [(cloud, 3), (datacenter, 2)])
    def test_the_end_closes_the_issue_and_says_so(
        self,
        expect: Callable[..., None],
        verdict: Callable[..., Verdict],
        httpserver: HTTPServer,
        deployment: Callable[..., JiraConnector],
        version: int,
        done_transition: str,
        transition: str,
    ) -> None:
        issue = f"{version}/issue/OPS-42"
        expect("GET", f"{issue}/transitions", TRANSITIONS)
        expect("POST", f"{issue}/transitions", "", 204, {"transition": {"id": transition}})
        expect("POST", f"{issue}/comment", {"id": "10001"}, 201)
        given = verdict(
            deployment,
            settings={"done_transition": done_transition},
            reason=Reason.RESOLVED,
            earlier_ref="OPS-42",
        )
        assert (given.outcome, given.detail) == (Outcome.DELIVERED, "closed OPS-42")
        assert given.external_ref == "OPS-42"
        assert "resolved" in httpserver.log[2][0].get_data(as_text=True)

    def test_a_comment_that_is_refused_leaves_the_issue_closed(
        self, expect: Callable[..., None], verdict: Callable[..., Verdict]
    ) -> None:
        expect("GET", "3/issue/OPS-42/transitions", TRANSITIONS)
        expect("POST", "3/issue/OPS-42/transitions", "", 204)
        expect("POST", "3/issue/OPS-42/comment", "", 403)
        given = verdict(reason=Reason.RESOLVED, earlier_ref="OPS-42")
        assert given.outcome is Outcome.DELIVERED
        assert given.detail == "closed OPS-42, but the comment failed: answered 403"

    @pytest.mark.parametrize(
        ("status_now", "expected"), [(DONE, Outcome.DELIVERED), (OPEN, Outcome.PERMANENT)]
    )
    def test_a_refused_transition_counts_as_done_if_the_issue_is(
        self,
        expect: Callable[..., None],
        verdict: Callable[..., Verdict],
        status_now: Any,
        expected: Outcome,
    ) -> None:
        expect("GET", "3/issue/OPS-42/transitions", TRANSITIONS)
        expect("POST", "3/issue/OPS-42/transitions", {"errorMessages": ["not valid"]}, 400)
        expect("GET", "3/issue/OPS-42?fields=status", {"key": "OPS-42", "fields": {"status": status_now}})
        given = verdict(reason=Reason.RESOLVED, earlier_ref="OPS-42")
        assert given.outcome is expected
        assert given.detail in {"OPS-42 was done already", "answered 400: not valid"}

    @pytest.mark.parametrize(
        ("status_now", "expected"), [(DONE, Outcome.DELIVERED), (OPEN, Outcome.PERMANENT)]
    )
    @pytest.mark.parametrize(
        ("done_transition", "listed"), [("", {"transitions": []}), ("Close it", TRANSITIONS)]
    )
    def test_an_issue_without_the_transition_may_be_done(
        self,
        expect: Callable[..., None],
        verdict: Callable[..., Verdict],
        status_now: Any,
        expected: Outcome,
        done_transition: str,
        listed: Any,
    ) -> None:
        expect("GET", "3/issue/OPS-42/transitions", listed)
        expect("GET", "3/issue/OPS-42?fields=status", {"key": "OPS-42", "fields": {"status": status_now}})
        settings = {"done_transition": done_transition}
        given = verdict(settings=settings, reason=Reason.RESOLVED, earlier_ref="OPS-42")
        assert given.outcome is expected
        assert expected is Outcome.DELIVERED or "check done_transition" in given.detail

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (401, Outcome.DISABLED),
            (403, Outcome.PERMANENT),
            (404, Outcome.PERMANENT),
            (409, Outcome.RETRY),
            (422, Outcome.PERMANENT),
            (429, Outcome.RETRY),
            (500, Outcome.RETRY),
            (503, Outcome.RETRY),
        ],
    )
    def test_judges_the_answer_to_a_transition(
        self, expect: Callable[..., None], verdict: Callable[..., Verdict], status: int, expected: Outcome
    ) -> None:
        expect("GET", "3/issue/OPS-42/transitions", TRANSITIONS)
        expect("POST", "3/issue/OPS-42/transitions", "", status)
        given = verdict(reason=Reason.RESOLVED, earlier_ref="OPS-42")
        assert (given.outcome, given.status_code) == (expected, status)

    @pytest.mark.parametrize("answer_of_jira", ["<html>log in</html>", "[]", '{"transitions":{}}'])
    def test_a_page_is_no_list_of_transitions(
        self, expect: Callable[..., None], verdict: Callable[..., Verdict], answer_of_jira: str
    ) -> None:
        expect("GET", "3/issue/OPS-42/transitions", answer_of_jira)
        assert verdict(reason=Reason.RESOLVED, earlier_ref="OPS-42").outcome is Outcome.PERMANENT

    @pytest.mark.parametrize(
        ("deployment", "api"),
        [(cloud, "3/search/jql"), (datacenter, "2/search")],
        ids=["cloud", "datacenter"],
    )
    def test_the_end_of_an_unknown_issue_closes_what_has_our_label_and_is_open(
        self,
        expect: Callable[..., None],
        search: Callable[..., None],
        verdict: Callable[..., Verdict],
        deployment: Callable[..., JiraConnector],
        api: str,
    ) -> None:
        search({"OPS-1": DONE, "OPS-2": OPEN, "OPS-3": OPEN}, api=api)
        for key in ("OPS-2", "OPS-3"):
            expect("GET", f"{api[0]}/issue/{key}/transitions", TRANSITIONS)
            expect("POST", f"{api[0]}/issue/{key}/transitions", "", 204)
            expect("POST", f"{api[0]}/issue/{key}/comment", {"id": "1"}, 201)
        assert verdict(deployment, reason=Reason.RESOLVED).outcome is Outcome.DELIVERED

    def test_one_that_cannot_be_closed_is_told(
        self, expect: Callable[..., None], search: Callable[..., None], verdict: Callable[..., Verdict]
    ) -> None:
        search({"OPS-2": OPEN, "OPS-3": OPEN})
        expect("GET", "3/issue/OPS-2/transitions", "", 403)
        assert verdict(reason=Reason.RESOLVED).outcome is Outcome.PERMANENT

    @pytest.mark.parametrize(
        ("issues", "others"),
        [
            pytest.param({}, [], id="nothing"),
            pytest.param({"OPS-1": DONE}, [], id="done already"),
            pytest.param(
                {},
                [{"key": "OPS-9", "fields": {"labels": ["rollback-drill"], "status": OPEN}}],
                id="somebody else's",
            ),
            pytest.param({}, [{"key": "../x", "fields": {}}, 7, {"id": "1"}], id="no issue"),
        ],
    )
    def test_where_nothing_of_ours_is_open_nothing_is_closed(
        self, search: Callable[..., None], verdict: Callable[..., Verdict], issues: Any, others: Any
    ) -> None:
        search(issues, others=others)
        given = verdict(reason=Reason.RESOLVED)
        assert (given.outcome, given.detail) == (Outcome.DELIVERED, "no open issue was found")

    def test_nothing_is_concluded_from_a_search_that_nobody_has_asked(
        self, expect: Callable[..., None], verdict: Callable[..., Verdict]
    ) -> None:
        expect("GET", "3/myself", "", 401)
        assert verdict(reason=Reason.RESOLVED).outcome is Outcome.DISABLED

    @pytest.mark.parametrize(
        ("status", "body", "expected"),
        [
            (200, "<html>", Outcome.PERMANENT),
            (200, {"total": 0}, Outcome.PERMANENT),
            (410, {"errorMessages": ["removed"]}, Outcome.PERMANENT),
            (429, "", Outcome.RETRY),
            (503, "", Outcome.RETRY),
        ],
    )
    def test_a_search_that_fails_is_told(
        self,
        expect: Callable[..., None],
        found: Callable[..., Verdict | None],
        status: int,
        body: Any,
        expected: Outcome,
    ) -> None:
        expect("GET", "3/myself", MYSELF)
        expect("POST", "3/search/jql", body, status)
        given = found()
        assert given is not None
        assert given.outcome is expected

    def test_an_issue_whose_answer_was_lost_is_found(
        self, search: Callable[..., None], found: Callable[..., Verdict | None]
    ) -> None:
        search({"OPS-7": OPEN})
        given = found()
        assert given is not None
        assert (given.outcome, given.external_ref) == (Outcome.DELIVERED, "OPS-7")

    @pytest.mark.parametrize("reason", [Reason.FIRST, Reason.RESOLVED])
    def test_an_issue_that_does_not_exist_is_not_found(
        self, search: Callable[..., None], found: Callable[..., Verdict | None], reason: Reason
    ) -> None:
        search({})
        assert found(reason=reason) is None

    def test_an_end_is_made_again_where_an_issue_may_be_open(
        self, search: Callable[..., None], found: Callable[..., Verdict | None]
    ) -> None:
        search({"OPS-7": OPEN})
        assert found(reason=Reason.RESOLVED) is None

    @pytest.mark.parametrize(
        ("body", "status", "expected"),
        [
            pytest.param(
                {"comments": [{"body": "Notification gordmsg-0123456789abcdef (repeat)"}]},
                200,
                Outcome.DELIVERED,
                id="there",
            ),
            pytest.param({"comments": [{"body": "gordmsg-ffffffffffffffff"}]}, 200, None, id="another"),
            pytest.param({"comments": []}, 200, None, id="none"),
            pytest.param("<html>gordmsg-0123456789abcdef", 200, Outcome.PERMANENT, id="page"),
            pytest.param("", 401, Outcome.DISABLED, id="dead token"),
            pytest.param("", 500, Outcome.RETRY, id="server error"),
        ],
    )
    def test_a_reminder_whose_answer_was_lost_is_looked_for_among_the_comments(
        self,
        expect: Callable[..., None],
        found: Callable[..., Verdict | None],
        body: Any,
        status: int,
        expected: Outcome | None,
    ) -> None:
        expect("GET", "3/issue/OPS-42/comment?orderBy=-created&maxResults=20", body, status)
        given = found(reason=Reason.REPEAT, earlier_ref="OPS-42")
        assert (given and given.outcome) == expected

    def test_a_comment_is_found_in_more_text_than_is_read(
        self, expect: Callable[..., None], found: Callable[..., Verdict | None]
    ) -> None:
        comments = [{"body": "gordmsg-0123456789abcdef"}, *({"body": "x" * 30_000} for _ in range(5))]
        expect(
            "GET", "3/issue/OPS-42/comment?orderBy=-created&maxResults=20", {"total": 6, "comments": comments}
        )
        given = found(reason=Reason.REPEAT, earlier_ref="OPS-42")
        assert given is not None
        assert given.succeeded

    @pytest.mark.parametrize(("status_now", "is_found"), [(DONE, True), (OPEN, False)])
    def test_an_end_whose_answer_was_lost_is_found_by_the_status(
        self,
        expect: Callable[..., None],
        found: Callable[..., Verdict | None],
        status_now: Any,
        *,
        is_found: bool,
    ) -> None:
        expect("GET", "3/issue/OPS-42?fields=status", {"key": "OPS-42", "fields": {"status": status_now}})
        given = found(reason=Reason.RESOLVED, earlier_ref="OPS-42")
        assert (given is not None) == is_found

    def test_a_search_without_an_answer_may_be_repeated(
        self, make_notification: Callable[..., Notification], now: datetime
    ) -> None:
        asking = cloud().search(make_notification(), now=now)
        first = next(asking)
        assert (first.method, first.only_reads) == ("GET", True)
        closing = cloud().prepare(make_notification(reason=Reason.RESOLVED, earlier_ref="OPS-42"), now=now)
        assert (closing.method, closing.only_reads) == ("GET", True)
        assert not cloud().prepare(make_notification(), now=now).only_reads
