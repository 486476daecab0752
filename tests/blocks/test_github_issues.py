"""GitHub: bodies that its own schema takes and its Markdown leaves inert, and refusals that are limits."""

import json
import re
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cmarkgfm import github_flavored_markdown_to_html  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from githubkit_schemas.v2022_11_28.models import (
    ReposOwnerRepoIssuesIssueNumberCommentsPostBody,
    ReposOwnerRepoIssuesIssueNumberPatchBody,
    ReposOwnerRepoIssuesPostBody,
)
from prefect.blocks.system import Secret
from pydantic import BaseModel, ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request
from werkzeug import Response as Answered

from blocks.github_issues import GitHubIssuesConnector
from blocks.http.exchange import Response
from blocks.text import reference
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Answer, Sample

TOKEN = "ghp_0123456789abcdefABCDEF0123456789abcd"
REPOSITORY = "octo-org/ops.drills"
BASE = f"/repos/{REPOSITORY}"
CREATED = '{"id":1,"number":42,"state":"open","title":"x","body":"y"}'
COMMENTED = '{"id":7,"body":"y"}'
CLOSED = '{"id":1,"number":42,"state":"closed","state_reason":"completed"}'

SAMPLE = Sample(
    name="github-issues",
    make=lambda origin: GitHubIssuesConnector(
        repository=REPOSITORY, token=Secret(value=TOKEN), api_url=origin
    ),
    taken=Answer(201, CREATED),
    secrets=(TOKEN,),
)

# What GitHub would make something of: mentions, references, links, images, HTML, headings, lists, rules.
HOSTILE = (
    "@octocat (@org/team) #1 octo-org/ops#2 GH-3 --> <!-- <img src=x onerror=y> <details> &lt; **b** _i_ `c` "
    "[l](https://example.invalid) ![p](https://example.invalid/p.png) https://github.com/o/r/issues/4 "
    "www.example.invalid ~~s~~ $m$ | a | b | \\"
)
STARTS = (
    "# h",
    "- l",
    "+ l",
    "* l",
    "1. l",
    "2) l",
    "> q",
    "---",
    "===",
    "    code",
    "```",
    "- [ ] t",
    "| a |",
)

EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 90_000, "acknowledge": "a" * 9000},
    "escapes": {"title": "@" * 5000, "summary": "<" * 9000, "facts": (("*", "#1" * 2000),) * 12},
    "many facts": {"facts": tuple((f"Fact {number}", "v" * 100) for number in range(600))},
    "long facts": {"facts": tuple((f"Fact {number}", "v" * 3000) for number in range(30))},
    "not latin": {"title": "演習" * 2000, "facts": (("期限", "🧯" * 1500),) * 11},
    "hostile": {"title": HOSTILE, "summary": HOSTILE, "acknowledge": HOSTILE, "facts": ((HOSTILE, HOSTILE),)},
    "half a surrogate pair": {"title": "\ud83e overdue", "cycle_id": "\ud83e"},
    "may repeat": {"may_repeat": True},
}


def connector(**fields: Any) -> GitHubIssuesConnector:
    return GitHubIssuesConnector.model_validate(
        {"repository": REPOSITORY, "token": Secret(value=TOKEN), **fields}
    )


def local(server: HTTPServer, **fields: Any) -> GitHubIssuesConnector:
    return connector(api_url=server.url_for("").rstrip("/"), **fields)


@pytest.fixture
def content(make_notification: Callable[..., Notification], now: datetime) -> Callable[..., dict[str, Any]]:
    def render(**overrides: Any) -> dict[str, Any]:
        request = connector(labels=["drill"]).prepare(make_notification(**overrides), now=now)
        document: dict[str, Any] = json.loads(request.content)
        return document

    return render


@pytest.fixture
def github(httpserver: HTTPServer) -> Callable[..., HTTPServer]:
    """Answer the requests in turn, each by (status, body)."""

    def serve(*answers: tuple[int, Any]) -> HTTPServer:
        rest = iter(answers)

        def respond(_: Request) -> Answered:
            status, body = next(rest)
            text = body if isinstance(body, str) else json.dumps(body)
            return Answered(text, status, content_type="application/json")

        httpserver.expect_request(re.compile(".*")).respond_with_handler(respond)
        return httpserver

    return serve


def asked(server: HTTPServer) -> list[tuple[str, str]]:
    return [(request.method, request.full_path.rstrip("?")) for request, _ in server.log]


def validate(document: dict[str, Any], model: type[BaseModel]) -> None:
    """Let GitHub's schema check the document, and add the names and lengths that it does not check."""
    model.model_validate(document)
    assert document.keys() <= model.model_fields.keys()
    assert 0 < len(document.get("title", "x")) <= 256
    assert len(document.get("body", "")) <= 65_536
    assert all(0 < len(label) <= 50 for label in document.get("labels", ()))


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_github_accepts_the_issue(content: Callable[..., dict[str, Any]], overrides: dict[str, Any]) -> None:
    validate(content(**overrides), ReposOwnerRepoIssuesPostBody)


@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_github_accepts_the_comment(
    content: Callable[..., dict[str, Any]], overrides: dict[str, Any]
) -> None:
    document = content(earlier_ref="42", reason=Reason.REPEAT, **overrides)
    validate(document, ReposOwnerRepoIssuesIssueNumberCommentsPostBody)


def test_github_accepts_the_end(content: Callable[..., dict[str, Any]]) -> None:
    document = content(earlier_ref="42", reason=Reason.RESOLVED)
    validate(document, ReposOwnerRepoIssuesIssueNumberPatchBody)
    assert document == {"state": "closed", "state_reason": "completed"}


@pytest.mark.parametrize(
    ("model", "document"),
    [
        (ReposOwnerRepoIssuesPostBody, {}),
        (ReposOwnerRepoIssuesPostBody, {"title": None}),
        (ReposOwnerRepoIssuesPostBody, {"title": ""}),
        (ReposOwnerRepoIssuesPostBody, {"title": "x" * 257}),
        (ReposOwnerRepoIssuesPostBody, {"title": "x", "body": {"text": "x"}}),
        (ReposOwnerRepoIssuesPostBody, {"title": "x", "body": "x" * 65_537}),
        (ReposOwnerRepoIssuesPostBody, {"title": "x", "labels": "drill"}),
        (ReposOwnerRepoIssuesPostBody, {"title": "x", "labels": ["x" * 51]}),
        (ReposOwnerRepoIssuesPostBody, {"title": "x", "summary": "x"}),
        (ReposOwnerRepoIssuesIssueNumberCommentsPostBody, {}),
        (ReposOwnerRepoIssuesIssueNumberCommentsPostBody, {"body": None}),
        (ReposOwnerRepoIssuesIssueNumberPatchBody, {"state": "done"}),
        (ReposOwnerRepoIssuesIssueNumberPatchBody, {"state": "closed", "state_reason": "fixed"}),
    ],
)
def test_the_validator_refuses_what_github_refuses(model: type[BaseModel], document: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, AssertionError)):
        validate(document, model)


# How GitHub finds mentions and references: html-pipeline's mention filter, and the documented forms of
# https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
REFERENCES = re.compile(r"(?:^|\W)@[a-z0-9]|#\d|(?:^|\W)GH-\d", re.IGNORECASE | re.ASCII)


def rendered(markdown: str) -> str:
    """Render as GitHub's own library does, with raw HTML left in, as GitHub's sanitiser would see it."""
    html: str = github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    return html


def tags(html: str) -> list[str]:
    return re.findall(r"<([a-zA-Z][a-zA-Z0-9]*)", html)


def test_the_renderer_shows_what_unescaped_text_would_do() -> None:
    html = rendered(HOSTILE)
    assert {"a", "img", "code", "strong", "em", "del"} <= set(tags(html))
    assert REFERENCES.search(html)


@pytest.mark.parametrize("text", [HOSTILE, *STARTS])
def test_user_text_is_inert(content: Callable[..., dict[str, Any]], text: str) -> None:
    document = content(title=text, summary=text, acknowledge=text, facts=((text, text),))
    html = rendered(document["body"])
    assert tags(html) == ["p", "ul", "li", "strong", "p", "p"]
    assert re.findall("<!--[^>]*>", html) == [document["body"].splitlines()[-1]]
    assert REFERENCES.search(re.sub("<[^>]*>", "", html)) is None
    assert REFERENCES.search(document["title"]) is None


def test_user_text_is_inert_in_comments(content: Callable[..., dict[str, Any]]) -> None:
    document = content(title=HOSTILE, summary="x", facts=(), earlier_ref="42", reason=Reason.REPEAT)
    assert tags(rendered(document["body"])) == ["p", "strong", "p", "p", "p"]


def test_text_is_shown_as_it_was_written(
    content: Callable[..., dict[str, Any]], make_notification: Callable[..., Notification]
) -> None:
    command = "drills ack --cycle pay_ments@2026-11-20T09:00:00Z --owner 'a*b' --by YOU [x] <y> #z"
    html = rendered(content(acknowledge=command)["body"])
    shown = re.sub("<[^>]*>", "", html).replace("&lt;", "<").replace("&gt;", ">")
    assert command in shown
    notification = make_notification()
    assert notification.summary in shown
    assert notification.footer in shown
    for label, value in notification.facts:
        assert f"{label}: {value}" in shown


def test_a_possible_repeat_says_so(content: Callable[..., dict[str, Any]]) -> None:
    assert "it may repeat a message" in content(may_repeat=True)["body"]
    assert "it may repeat a message" not in content()["body"]


def test_what_is_cut_is_said_to_be_cut(content: Callable[..., dict[str, Any]]) -> None:
    document = content(**EXTREMES["long texts"])
    assert document["title"].endswith("… (shortened)")
    assert document["body"].count("… (shortened)") == 2
    assert "more facts … (shortened)" in content(**EXTREMES["many facts"])["body"]


def marker(notification: Notification) -> str:
    return f"<!-- rollback-drill: {reference(notification, 200)} {notification.notification_id} -->"


@pytest.mark.parametrize("overrides", [*EXTREMES.values(), {"earlier_ref": "42"}])
def test_the_marker_is_never_cut(
    content: Callable[..., dict[str, Any]],
    make_notification: Callable[..., Notification],
    overrides: dict[str, Any],
) -> None:
    assert content(**overrides)["body"].endswith("\n\n" + marker(make_notification(**overrides)))


def test_creates_then_comments_then_closes(
    github: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = github((201, CREATED), (201, COMMENTED), (200, CLOSED), (201, COMMENTED))
    issues = local(server, labels=["drill"], title="[TEST]")
    first = send(issues)
    again = send(issues, reason=Reason.REPEAT, earlier_ref=first.external_ref)
    last = send(issues, reason=Reason.RESOLVED, earlier_ref=again.external_ref)
    assert [first.external_ref, again.external_ref, last.external_ref] == ["42"] * 3
    assert {first.outcome, again.outcome, last.outcome} == {Outcome.DELIVERED}
    assert asked(server) == [
        ("POST", f"{BASE}/issues"),
        ("POST", f"{BASE}/issues/42/comments"),
        ("PATCH", f"{BASE}/issues/42"),
        ("POST", f"{BASE}/issues/42/comments"),
    ]
    created = server.log[0][0].get_json()
    assert created["labels"] == ["drill"]
    assert created["title"].startswith("[TEST] Rollback drill overdue")


def test_sends_the_headers_that_github_asks_for(
    github: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = github((201, CREATED))
    send(local(server))
    headers = server.log[0][0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"]


@pytest.mark.parametrize("earlier_ref", ["", "OPS-42", "42/../43", "0", "-1", "4²"])
def test_only_a_number_is_taken_for_an_issue(
    make_notification: Callable[..., Notification], now: datetime, earlier_ref: str
) -> None:
    notification = make_notification(earlier_ref=earlier_ref, reason=Reason.REPEAT)
    assert connector().prepare(notification, now=now).url == f"https://api.github.com{BASE}/issues"


def test_a_closed_issue_whose_comment_fails_is_closed(
    github: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    server = github((200, CLOSED), (403, {"message": "issue is locked"}))
    verdict = send(local(server), reason=Reason.RESOLVED, earlier_ref="42")
    assert verdict.outcome is Outcome.DELIVERED
    assert "closed #42, but the comment failed" in verdict.detail


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, CREATED, Outcome.PERMANENT),
        (404, {"message": "Not Found"}, Outcome.PERMANENT),
        (410, {"message": "This issue was deleted"}, Outcome.PERMANENT),
        (422, {"message": "Validation Failed"}, Outcome.PERMANENT),
        (401, {"message": "Bad credentials"}, Outcome.DISABLED),
        (403, {"message": "You have exceeded a secondary rate limit"}, Outcome.RETRY),
        (502, "", Outcome.RETRY),
        (503, "", Outcome.RETRY),
    ],
)
def test_an_end_that_fails_writes_no_comment(
    github: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    status: int,
    body: Any,
    expected: Outcome,
) -> None:
    server = github((status, body))
    assert send(local(server), reason=Reason.RESOLVED, earlier_ref="42").outcome is expected
    assert len(server.log) == 1


def listed(number: int, body: str, **more: Any) -> dict[str, Any]:
    return {"number": number, "body": body, **more}


OTHERS = [listed(100 - number, "something else") for number in range(5)]


def test_closes_the_open_issue_that_it_finds_by_the_marker(
    github: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    make_notification: Callable[..., Notification],
) -> None:
    opened = marker(make_notification(notification_id="gordmsg-ffffffffffffffff"))
    pull = listed(99, opened, pull_request={"url": "x"})
    server = github(
        (200, OTHERS), (200, [pull, listed(42, f"x\n\n{opened}")]), (200, CLOSED), (201, COMMENTED)
    )
    verdict = send(local(server), reason=Reason.RESOLVED)
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, "42")
    listing = f"{BASE}/issues?state=open&sort=created&direction=desc&per_page=5"
    assert asked(server) == [
        ("GET", f"{listing}&page=1"),
        ("GET", f"{listing}&page=2"),
        ("PATCH", f"{BASE}/issues/42"),
        ("POST", f"{BASE}/issues/42/comments"),
    ]


@pytest.mark.parametrize("owner", ["somebody-else"])
def test_closes_nothing_of_another_owner(
    github: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    make_notification: Callable[..., Notification],
    owner: str,
) -> None:
    server = github((200, [listed(42, marker(make_notification(owner=owner)))]))
    verdict = send(local(server), reason=Reason.RESOLVED)
    assert (verdict.outcome, verdict.detail) == (Outcome.DELIVERED, "no open issue was found")
    assert len(server.log) == 1


def find(issues: GitHubIssuesConnector, notification: Notification) -> Verdict | None:
    return issues.find(notification, timeout_seconds=5)


def test_finds_an_issue_whose_answer_was_lost(
    github: Callable[..., HTTPServer], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    server = github((200, OTHERS), (200, [listed(42, marker(notification))]))
    verdict = find(local(server, creator="octo-drills[bot]"), notification)
    assert verdict
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, "42")
    listing = f"{BASE}/issues?state=all&sort=created&direction=desc"
    assert asked(server) == [
        ("GET", f"{listing}&creator=octo-drills%5Bbot%5D&per_page=5&page={page}") for page in (1, 2)
    ]


def test_finds_a_comment_whose_answer_was_lost(
    github: Callable[..., HTTPServer], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification(reason=Reason.REPEAT, earlier_ref="42")
    server = github((200, [{"id": 7, "body": marker(notification)}]))
    verdict = find(local(server), notification)
    assert verdict
    assert (verdict.outcome, verdict.external_ref) == (Outcome.DELIVERED, "42")
    listing = f"{BASE}/issues/comments?sort=created&direction=desc&per_page=5&page=1"
    assert asked(server) == [("GET", listing)]


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([], id="no issues"),
        pytest.param([listed(1, "x"), {"number": 2, "body": None}, None], id="other issues"),
    ],
)
@pytest.mark.parametrize("earlier_ref", ["", "42"])
def test_finds_nothing_where_nothing_is(
    github: Callable[..., HTTPServer],
    make_notification: Callable[..., Notification],
    items: Sequence[Any],
    earlier_ref: str,
) -> None:
    server = github((200, items))
    assert find(local(server), make_notification(earlier_ref=earlier_ref)) is None


def test_an_earlier_notification_of_the_cycle_is_not_the_one_that_was_lost(
    github: Callable[..., HTTPServer], make_notification: Callable[..., Notification]
) -> None:
    other = marker(make_notification(notification_id="gordmsg-ffffffffffffffff"))
    assert find(local(github((200, [listed(42, other)]))), make_notification()) is None


def test_looks_at_the_newest_only(
    github: Callable[..., HTTPServer], make_notification: Callable[..., Notification]
) -> None:
    server = github(*[(200, OTHERS)] * 6)
    assert find(local(server), make_notification()) is None
    assert len(server.log) == 6


def test_issues_that_are_too_long_hide_no_other(
    github: Callable[..., HTTPServer], make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    huge = listed(9, "x" * 70_000)
    mine = listed(42, marker(notification))
    server = github(
        (200, [listed(10, "x"), huge, mine]),
        (200, [listed(10, "x")]),
        (200, [huge]),
        (200, [mine]),
        (200, []),
        (200, []),
    )
    verdict = find(local(server), notification)
    assert verdict
    assert verdict.external_ref == "42"
    pages = [request.args["per_page"] + "/" + request.args["page"] for request, _ in server.log]
    assert pages == ["5/1", "1/1", "1/2", "1/3", "1/4", "1/5"]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (200, '{"message":"x"}', Outcome.PERMANENT),
        (401, '{"message":"Bad credentials"}', Outcome.DISABLED),
        (403, '{"message":"API rate limit exceeded"}', Outcome.RETRY),
        (404, '{"message":"Not Found"}', Outcome.PERMANENT),
        (502, "", Outcome.RETRY),
    ],
)
@pytest.mark.parametrize(
    "overrides", [{}, {"earlier_ref": "42"}, {"earlier_ref": "42", "reason": Reason.RESOLVED}]
)
def test_a_search_that_fails_is_not_taken_for_an_answer(
    answer: Callable[..., HTTPServer],
    make_notification: Callable[..., Notification],
    status: int,
    body: str,
    expected: Outcome,
    overrides: dict[str, Any],
) -> None:
    verdict = find(local(answer(status, body)), make_notification(**overrides))
    assert verdict
    assert verdict.outcome is expected


@pytest.mark.parametrize(("body", "is_found"), [(CLOSED, True), (CREATED, False)])
def test_an_end_has_arrived_if_the_issue_is_closed(
    github: Callable[..., HTTPServer],
    make_notification: Callable[..., Notification],
    body: str,
    is_found: bool,
) -> None:
    server = github((200, body))
    verdict = find(local(server), make_notification(earlier_ref="42", reason=Reason.RESOLVED))
    assert (verdict is not None and verdict.succeeded) is is_found
    assert asked(server) == [("GET", f"{BASE}/issues/42")]


def test_an_end_without_an_issue_is_simply_sent_again(
    make_notification: Callable[..., Notification], httpserver: HTTPServer
) -> None:
    assert find(local(httpserver), make_notification(reason=Reason.RESOLVED)) is None
    assert not httpserver.log


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, CREATED, Outcome.DELIVERED),
        (200, CREATED, Outcome.PERMANENT),
        (201, "{}", Outcome.PERMANENT),
        (201, '{"number":true}', Outcome.PERMANENT),
        (202, "", Outcome.PERMANENT),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (301, '{"message":"Moved Permanently"}', Outcome.PERMANENT),
        (307, "", Outcome.PERMANENT),
        (400, '{"message":"Problems parsing JSON"}', Outcome.PERMANENT),
        (401, '{"message":"Bad credentials"}', Outcome.DISABLED),
        (403, '{"message":"Resource not accessible by personal access token"}', Outcome.PERMANENT),
        (403, '{"message":"You have exceeded a secondary rate limit. Please wait"}', Outcome.RETRY),
        (403, '{"message":"You have triggered an abuse detection mechanism."}', Outcome.RETRY),
        (403, '{"message":"API rate limit exceeded for user ID 1."}', Outcome.RETRY),
        (429, "", Outcome.RETRY),
        (404, '{"message":"Not Found"}', Outcome.PERMANENT),
        (410, '{"message":"Issues has been disabled in this repository."}', Outcome.DISABLED),
        (422, '{"message":"Validation Failed","errors":[{"field":"title"}]}', Outcome.PERMANENT),
        (500, "", Outcome.AMBIGUOUS),
        (502, "<html>bad gateway</html>", Outcome.AMBIGUOUS),
        (503, '{"message":"Service unavailable."}', Outcome.AMBIGUOUS),
        (501, "", Outcome.PERMANENT),
    ],
)
def test_judges_status_and_body(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(local(answer(status, body)))
    assert (verdict.outcome, verdict.status_code) == (expected, status)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, COMMENTED, Outcome.DELIVERED),
        (201, "{}", Outcome.PERMANENT),
        (200, COMMENTED, Outcome.PERMANENT),
        (403, '{"message":"Unable to create comment because issue is locked."}', Outcome.PERMANENT),
        (410, '{"message":"This issue was deleted"}', Outcome.PERMANENT),
        (404, '{"message":"Not Found"}', Outcome.PERMANENT),
        (401, '{"message":"Bad credentials"}', Outcome.DISABLED),
        (429, "", Outcome.RETRY),
        (502, "", Outcome.AMBIGUOUS),
    ],
)
def test_judges_the_answer_to_a_comment(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, body: str, expected: Outcome
) -> None:
    verdict = send(local(answer(status, body)), reason=Reason.REPEAT, earlier_ref="42")
    assert (verdict.outcome, verdict.status_code) == (expected, status)


NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
RESET = str(int(NOW.timestamp()) + 900)
SECONDARY = b'{"message":"You have exceeded a secondary rate limit."}'


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        pytest.param(403, {"retry-after": "30"}, b"", 30.0, id="seconds"),
        pytest.param(429, {"retry-after": "30"}, SECONDARY, 30.0, id="seconds of a secondary limit"),
        pytest.param(
            403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET}, b"", 900.0, id="epoch seconds"
        ),
        pytest.param(
            403,
            {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET},
            b"",
            5.0,
            id="seconds before epoch seconds",
        ),
        pytest.param(
            403,
            {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": RESET},
            SECONDARY,
            60.0,
            id="a secondary limit without a word",
        ),
        pytest.param(403, {"x-ratelimit-remaining": "0"}, b"", 60.0, id="no reset"),
        pytest.param(429, {}, b"", 60.0, id="nothing said"),
        pytest.param(
            403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"}, b"", 3600.0, id="clamped"
        ),
        pytest.param(403, {"x-ratelimit-remaining": "4000"}, b"", None, id="no limit at all"),
    ],
)
def test_waits_as_long_as_github_asks_for(
    status: int, headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    verdict = connector().judge(Response(status, httpx.Headers(headers), body, NOW))
    assert verdict.outcome is (Outcome.PERMANENT if seconds is None else Outcome.RETRY)
    assert verdict.retry_after_seconds == seconds


def hang_up(connection: socket.socket) -> None:
    connection.recv(65_536)


def test_an_unanswered_issue_is_ambiguous_and_an_unanswered_search_is_not(
    raw_server: Callable[[Callable[[socket.socket], None]], int],
    make_notification: Callable[..., Notification],
) -> None:
    port = raw_server(hang_up)
    issues = connector(api_url=f"http://127.0.0.1:{port}")
    assert issues.send(make_notification(), timeout_seconds=5).outcome is Outcome.AMBIGUOUS
    found = issues.find(make_notification(), timeout_seconds=5)
    assert found
    assert found.outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"full_name": REPOSITORY, "has_issues": True, "archived": False}, Outcome.DELIVERED),
        (200, {"full_name": REPOSITORY, "has_issues": False}, Outcome.DISABLED),
        (200, {"full_name": REPOSITORY, "has_issues": True, "archived": True}, Outcome.DISABLED),
        (200, "<html>sign in</html>", Outcome.PERMANENT),
        (401, {"message": "Bad credentials"}, Outcome.DISABLED),
        (404, {"message": "Not Found"}, Outcome.PERMANENT),
    ],
)
def test_a_trial_reads_the_repository(
    github: Callable[..., HTTPServer], status: int, body: Any, expected: Outcome
) -> None:
    server = github((status, body))
    assert local(server).check(timeout_seconds=5).outcome is expected
    assert asked(server) == [("GET", BASE)]


def test_the_token_is_in_a_header_alone(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    request = connector().prepare(make_notification(earlier_ref="42"), now=now)
    assert request.public_url == request.url == f"https://api.github.com{BASE}/issues/42/comments"
    assert TOKEN not in repr(request) + repr(request.summary()) + request.content.decode()


def test_tells_what_is_wrong_without_the_token(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict]
) -> None:
    verdict = send(local(answer(422, json.dumps({"message": f"Validation Failed {TOKEN}", "errors": ["x"]}))))
    assert verdict.detail == "answered 422: Validation Failed [redacted]; x"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"repository": "octo-org"}, "repository"),
        ({"repository": "octo-org/.."}, "repository"),
        ({"repository": "octo-org/x/../../y"}, "repository"),
        ({"api_url": "http://github.example.invalid/api/v3"}, "must be https"),
        ({"api_url": f"https://{TOKEN}@example.invalid"}, "stored in clear text"),
        ({"labels": ["x" * 51]}, "labels"),
        ({"labels": [""]}, "labels"),
        ({"creator": "a&state=open"}, "creator"),
    ],
)
def test_refuses_settings_that_cannot_work(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as refusal:
        connector(**fields)
    assert TOKEN not in str(refusal.value)
