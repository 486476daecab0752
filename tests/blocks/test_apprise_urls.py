"""Apprise: messages within the limits of its plugins, its yes and no, and nothing of its url in any log."""

import html
import json
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import apprise
import pytest
import requests
from prefect.blocks.system import Secret
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from blocks.apprise_urls import AppriseConnector
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason

TOKEN = "s3cr3tTokenValue"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544/"
DISCORD = "discord://12345678901/abcdefghijklmnopqrst/"


def make(url: str, **overrides: Any) -> AppriseConnector:
    return AppriseConnector(url=Secret(value=url), **overrides)


def local(server: HTTPServer) -> str:
    return f"json://robot:{TOKEN}@127.0.0.1:{server.port}/hook/T0K3N123"


# --- what is written ---------------------------------------------------------------------------------------


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Catch what a plugin would put on the wire; nothing leaves this machine."""
    caught: list[dict[str, Any]] = []

    def catch(_: object, method: str, url: str, data: Any = None, **options: Any) -> requests.Response:
        caught.append({"method": method, "url": url, "data": data, **options})
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b"ok"
        return answer

    monkeypatch.setattr(requests.Session, "request", catch)
    return caught


EXTREMES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no facts": {"facts": ()},
    "long texts": {"title": "t" * 5000, "summary": "s" * 9000, "acknowledge": "a" * 9000},
    "many facts": {"facts": tuple((f"Fact {n}", "v" * 100) for n in range(600))},
    "not latin": {"title": "演習" * 200, "facts": (("期限", "🧯" * 1500),) * 11},
    "markup": {"title": "<&>\"'" * 99, "summary": "<b>&" * 3000, "facts": (("<b>", "&" * 2000),) * 12},
    "resolved": {"reason": Reason.RESOLVED, "acknowledge": "", "alert_level": "healthy"},
    "repeat": {"reason": Reason.REPEAT, "may_repeat": True},
}


def text_of(url: str, options: dict[str, Any]) -> str:
    """Find the message in what a plugin sends."""
    document = json.loads(options["data"])
    if url is SLACK:
        return str(document["attachments"][0]["text"])
    return str(document["text" if url is TELEGRAM else "content"])


def limit_of(url: str) -> int:
    plugin = apprise.Apprise.instantiate(url)
    assert plugin is not None
    return plugin.body_maxlen


@pytest.mark.parametrize("url", [SLACK, TELEGRAM, DISCORD], ids=["slack", "telegram", "discord"])
@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES)
def test_a_message_keeps_to_the_limit_of_the_plugin(
    handed_over: list[dict[str, Any]], send: Callable[..., Verdict], url: str, overrides: dict[str, Any]
) -> None:
    send(make(url), **overrides)
    assert len(handed_over) == 1
    text = text_of(url, handed_over[0])
    assert len(text) <= limit_of(url)
    assert "gordmsg-0123456789abcdef" in text
    assert ("it may repeat a message" in text) is bool(overrides.get("may_repeat"))


@pytest.mark.parametrize(("url", "length"), [(TELEGRAM, 4097), (DISCORD, 2001)], ids=["telegram", "discord"])
def test_the_limit_of_a_plugin_refuses_what_is_longer(url: str, length: int) -> None:
    plugin = apprise.Apprise.instantiate(f"{url}?overflow=split")
    assert plugin is not None
    assert len(plugin._apply_overflow("x" * length)) > 1
    assert len(plugin._apply_overflow("x" * (length - 1))) == 1


def test_a_message_for_a_telephone_says_that_it_was_cut(
    monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, send: Callable[..., Verdict]
) -> None:
    plugin = apprise.Apprise.instantiate("json://127.0.0.1")
    monkeypatch.setattr(type(plugin), "body_maxlen", 160)
    monkeypatch.setattr(type(plugin), "title_maxlen", 0)
    httpserver.expect_request("/hook/T0K3N123").respond_with_data("")
    send(make(local(httpserver)), facts=tuple((f"Fact {n}", "v" * 60) for n in range(9)))
    body = httpserver.log[0][0].get_json()["message"]
    assert len(body) <= 160
    assert body.startswith("Rollback drill overdue: payments (production) … (shortened)\n")
    assert body.endswith("Notification gordmsg-0123456789abcdef (first)")


def test_says_everything(httpserver: HTTPServer, send: Callable[..., Verdict]) -> None:
    httpserver.expect_request("/hook/T0K3N123", method="POST").respond_with_data("")
    verdict = send(make(local(httpserver), title="[TEST]"))
    assert verdict.outcome is Outcome.ACCEPTED
    document = httpserver.log[0][0].get_json()
    assert document["title"] == "[TEST] Rollback drill overdue: payments (production)"
    assert document["type"] == "failure"
    assert document["message"] == (
        "The last accepted drill is 95 days old. Perform a drill and record it.\n"
        "Schedule: payments-prod\nDue: 2026-11-20 09:00 UTC\nOwner: release-governance\n"
        "Run `drills ack payments-prod --provider slack` or use the dashboard.\n"
        "Notification gordmsg-0123456789abcdef (first)"
    )


@pytest.mark.parametrize(
    ("overrides", "kind"),
    [
        ({"reason": Reason.RESOLVED}, "success"),
        ({"alert_level": "warning"}, "warning"),
        ({"alert_level": "healthy"}, "info"),
    ],
)
def test_tells_how_grave_it_is(
    httpserver: HTTPServer, send: Callable[..., Verdict], overrides: dict[str, Any], kind: str
) -> None:
    httpserver.expect_request("/hook/T0K3N123").respond_with_data("")
    send(make(local(httpserver)), **overrides)
    assert httpserver.log[0][0].get_json()["type"] == kind


@pytest.mark.parametrize(
    "bell",
    [
        *("<!channel>", "!channel>", "&lt;!here&gt;", "<@U1JJ3T3L2>", "@U1JJ3T3L2>", "@everyone"),
        *("x@here", "<@123456789>", "<users/all>"),
    ],
)
def test_user_text_can_ring_nobody(
    handed_over: list[dict[str, Any]], send: Callable[..., Verdict], bell: str
) -> None:
    for url in (SLACK, DISCORD):
        handed_over.clear()
        send(make(url), title=bell, summary=bell, acknowledge=bell, facts=((bell, bell),))
        sent = str(json.loads(handed_over[0]["data"]))
        for call in (
            "<!channel>",
            "<!here>",
            "<@U1JJ3T3L2>",
            "@everyone",
            "@here",
            "<@123456789>",
            "<users/",
        ):
            assert call not in sent


def test_the_bell_would_ring_without_us(handed_over: list[dict[str, Any]]) -> None:
    plugin = apprise.Apprise.instantiate(SLACK)
    assert plugin is not None
    plugin.notify(body="!channel>", title="x")
    assert "<!channel>" in text_of(SLACK, handed_over[0]), "else the care taken here is not needed any more"


def test_a_command_with_a_cycle_can_be_copied(httpserver: HTTPServer, send: Callable[..., Verdict]) -> None:
    httpserver.expect_request("/hook/T0K3N123").respond_with_data("")
    command = "drills ack --cycle payments-prod@2026-11-20T09:00:00Z --by YOU"
    send(make(local(httpserver)), acknowledge=command)
    assert command in httpserver.log[0][0].get_json()["message"]


@pytest.mark.parametrize("text", ["&amp; &lt;b&gt;", "5 > 4 && 3 < 4", "“quoted” \"plain\" 'single'"])
def test_plain_text_arrives_as_it_was(
    httpserver: HTTPServer, send: Callable[..., Verdict], text: str
) -> None:
    httpserver.expect_request("/hook/T0K3N123").respond_with_data("")
    send(make(local(httpserver)), summary=text)
    message = httpserver.log[0][0].get_json()["message"]
    assert message.replace("\N{ZERO WIDTH SPACE}", "").startswith(f"{text}\n")


def test_a_service_that_takes_one_line_gets_everything_in_one(
    monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, send: Callable[..., Verdict]
) -> None:
    plugin = apprise.Apprise.instantiate("json://127.0.0.1")
    monkeypatch.setattr(type(plugin), "body_max_line_count", 1)
    httpserver.expect_request("/hook/T0K3N123").respond_with_data("")
    send(make(local(httpserver)))
    assert (
        httpserver.log[0][0].get_json()["message"].endswith("Notification gordmsg-0123456789abcdef (first)")
    )


def test_markup_is_escaped_where_the_service_reads_html(
    handed_over: list[dict[str, Any]], send: Callable[..., Verdict]
) -> None:
    send(make(TELEGRAM), title="<i>title", summary="<a href='https://example.invalid/'>click</a> & more")
    text = text_of(TELEGRAM, handed_over[0])
    assert "<a href" not in text
    assert "<i>title" not in text
    assert "& more" in html.unescape(text)


def test_one_message_tells_of_one_schedule() -> None:
    assert AppriseConnector.most_in_one_message == 1, "the limit of a service may be that of one text message"


# --- what becomes of it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Outcome.ACCEPTED),
        (204, Outcome.ACCEPTED),
        (302, Outcome.PERMANENT),
        (400, Outcome.PERMANENT),
        (401, Outcome.DISABLED),
        (404, Outcome.PERMANENT),
        (408, Outcome.RETRY),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (501, Outcome.PERMANENT),
        (503, Outcome.RETRY),
    ],
)
def test_judges_the_status_that_apprise_logs(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], status: int, expected: Outcome
) -> None:
    server = answer(status, "", {"location": "/elsewhere"})
    verdict = send(make(local(server)))
    assert verdict.outcome is expected
    assert verdict.status_code == (None if expected is Outcome.ACCEPTED else status)
    assert len(server.log) == 1, "redirects are not followed and nothing is repeated"


@pytest.mark.parametrize("arguments", ["?redirect=yes", "?retry=3", "?optional=yes"])
def test_the_url_can_neither_ask_for_repeats_nor_for_redirects(
    answer: Callable[..., HTTPServer], send: Callable[..., Verdict], arguments: str
) -> None:
    server = answer(307, "", {"location": "/elsewhere"})
    assert send(make(local(server) + arguments)).outcome is Outcome.PERMANENT
    assert len(server.log) == 1


def test_nobody_listening_is_tried_again(send: Callable[..., Verdict]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert send(make(f"json://127.0.0.1:{port}/")).outcome is Outcome.RETRY


def test_silence_counts_as_unanswered_and_ends_in_time(
    raw_server: Callable[[Callable[[socket.socket], None]], int], send: Callable[..., Verdict]
) -> None:
    port = raw_server(lambda _: time.sleep(60))
    began = time.monotonic()
    verdict = send(make(f"json://127.0.0.1:{port}/"), timeout_seconds=1.5)
    assert verdict.outcome is Outcome.AMBIGUOUS
    assert time.monotonic() - began < 30


def test_what_a_plugin_raises_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, send: Callable[..., Verdict]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"cannot post to {local(httpserver)}")

    monkeypatch.setattr(requests.Session, "request", fail)
    verdict = send(make(local(httpserver)))
    assert (verdict.outcome, verdict.detail) == (Outcome.RETRY, "apprise failed: it raised RuntimeError")


def test_is_tried_out_with_a_test_message(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook/T0K3N123").respond_with_data("")
    assert make(local(httpserver)).check().outcome is Outcome.ACCEPTED
    assert "nothing is overdue" in httpserver.log[0][0].get_json()["title"]


# --- what is shown -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 401, 500])
def test_no_log_and_no_verdict_holds_the_url(
    answer: Callable[..., HTTPServer],
    send: Callable[..., Verdict],
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    server = answer(status, f"robot {TOKEN} /hook/T0K3N123")
    with caplog.at_level(logging.DEBUG):
        verdict = send(make(local(server)))
    logged = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]  # the server's
    for shown in (str(logged), str(verdict)):
        assert TOKEN not in shown
        assert "T0K3N123" not in shown
    assert verdict.request is not None
    assert (verdict.request.method, verdict.request.url) == ("NOTIFY", "json://[redacted]")


def test_others_may_still_use_the_log_of_apprise(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("apprise").warning("something else")
    assert "something else" in caplog.text


@pytest.mark.parametrize("url", [SLACK, TELEGRAM, DISCORD])
def test_tokens_are_known_wherever_a_url_has_them(url: str) -> None:
    redact = make(url).redactor().text
    for part in url.partition("://")[2].strip("/").replace(":", "/").split("/"):
        assert part not in redact(f"cannot post to {part}.")


def test_shows_no_secret() -> None:
    connector = make(SLACK)
    for text in (repr(connector), str(connector), connector.model_dump_json()):
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in text


# --- what is configured ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "apprise cannot read this url"),
        ("", "the url is empty; enter the secret"),
        (f"unknown://{TOKEN}", "apprise cannot read this url"),
        (f"slack://{TOKEN}", "apprise cannot read this url"),
        (f"json://robot:{TOKEN}@example.invalid/", "encrypted scheme"),
        (f"mailto://robot:{TOKEN}@example.invalid", "encrypted scheme"),
        (f"mailtos://robot:{TOKEN}@example.invalid?mode=insecure", "encrypted scheme"),
        (f"jsons://robot:{TOKEN}@example.invalid/?verify=no", "verification of certificates"),
    ],
)
def test_refuses_a_url_that_cannot_work_or_is_not_safe(
    url: str, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        make(url)
    assert TOKEN not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "url", [SLACK, TELEGRAM, DISCORD, "jsons://example.invalid/", "json://localhost/", "syslog://"]
)
def test_takes_what_is_safe(url: str) -> None:
    assert make(url).configuration_problem() == ""


def test_a_notification_needs_no_earlier_reference(
    httpserver: HTTPServer, send: Callable[..., Verdict], make_notification: Callable[..., Notification]
) -> None:
    httpserver.expect_request("/hook/T0K3N123").respond_with_data("")
    verdict = send(make(local(httpserver)), reason=Reason.REPEAT, earlier_ref="C1:1.0")
    assert (verdict.outcome, verdict.external_ref) == (Outcome.ACCEPTED, "")
    assert not make(local(httpserver)).deduplicates(make_notification())
