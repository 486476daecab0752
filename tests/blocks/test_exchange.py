"""Faults on the wire, made by real servers on this machine, and what each of them means."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import trustme
from pytest_httpserver import HTTPServer

from blocks.http.client import open_client
from blocks.http.exchange import (
    ANY_JSON,
    LARGEST_BODY_READ,
    PreparedRequest,
    Response,
    api_request,
    exchange,
    find_problem,
)
from blocks.http.failures import judge_failure
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict

RawServer = Callable[[Callable[[socket.socket], None]], int]


def ask(
    url: str, *, timeout_seconds: float = 5.0, headers: dict[str, str] | None = None
) -> Response | Verdict:
    request = PreparedRequest("POST", url, "public", headers or {"x-token": "hidden"}, b'{"a":1}')
    return asyncio.run(exchange(request, timeout_seconds=timeout_seconds))


def ask_in_turn(*urls: str, method: str = "POST", only_reads: bool = False) -> list[Response | Verdict]:
    """Ask several times over the connections of one client."""

    async def ask_all() -> list[Response | Verdict]:
        async with open_client():
            return [
                await exchange(
                    PreparedRequest(method, url, "public", {}, b'{"a":1}', only_reads), timeout_seconds=5
                )
                for url in urls
            ]

    return asyncio.run(ask_all())


def outcome_of(answer: Response | Verdict) -> Outcome:
    assert isinstance(answer, Verdict), answer
    assert "127.0.0.1" not in answer.detail
    assert "hidden" not in answer.detail
    return answer.outcome


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b'{"a":1}' not in data:
        data += connection.recv(65536)
    return data


def reset(connection: socket.socket) -> None:
    # A linger time of zero makes close() send a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_brings_the_answer(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook", method="POST", data='{"a":1}').respond_with_data("fine", status=202)
    answer = ask(httpserver.url_for("/hook"))
    assert isinstance(answer, Response)
    assert (answer.status_code, answer.text, answer.broken) == (202, "fine", False)


def test_the_evidence_has_the_values_of_harmless_headers_alone() -> None:
    shown = ("Accept", "Content-Type", "User-Agent", "Idempotency-Key", "webhook-id", "webhook-timestamp")
    harmless = dict.fromkeys(shown, "x")
    secret = {"Authorization": "hidden", "X-Token": "hidden", "webhook-signature": "hidden"}
    request = PreparedRequest("POST", "https://x.example/hidden", "public", {**harmless, **secret})

    hidden = dict.fromkeys(secret, "[redacted]")
    assert request.summary() == RequestSummary("POST", "public", {**harmless, **hidden})


@pytest.mark.parametrize(
    ("method", "only_reads", "expected"),
    [("GET", None, True), ("POST", None, False), ("POST", True, True), ("GET", False, False)],
)
def test_a_request_to_an_api_reads_if_it_is_a_get_unless_it_says_otherwise(
    method: str, only_reads: bool | None, expected: bool
) -> None:
    request = api_request(method, "https://x.example", {"accept": "x"}, b"", only_reads=only_reads)

    assert request.only_reads is expected
    assert request.headers == {**ANY_JSON, "accept": "x"}


def test_a_refused_connection_can_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = ask(f"http://127.0.0.1:{port}/hook")
    assert outcome_of(answer) is Outcome.RETRY
    assert isinstance(answer, Verdict)
    assert answer.detail == "the connection was refused"


def test_a_name_that_does_not_resolve_can_be_tried_again() -> None:
    assert outcome_of(ask("https://nowhere.invalid/hook")) is Outcome.RETRY


def test_a_deadline_before_the_connection_can_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # The handshake never ends, so that nothing of the request was sent.
        answer = ask(f"https://127.0.0.1:{silent.getsockname()[1]}/hook", timeout_seconds=0.3)
    assert outcome_of(answer) is Outcome.RETRY


def test_a_reset_in_the_handshake_can_be_tried_again(raw_server: RawServer) -> None:
    port = raw_server(reset)
    assert outcome_of(ask(f"https://127.0.0.1:{port}/hook")) is Outcome.RETRY


def test_silence_after_the_request_is_ambiguous(raw_server: RawServer) -> None:
    def never_answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.recv(1)

    answer = ask(f"http://127.0.0.1:{raw_server(never_answer)}/hook", timeout_seconds=1.0)
    assert outcome_of(answer) is Outcome.AMBIGUOUS


def test_a_reset_after_the_request_is_ambiguous(raw_server: RawServer) -> None:
    def read_and_reset(connection: socket.socket) -> None:
        read_request(connection)
        reset(connection)

    assert outcome_of(ask(f"http://127.0.0.1:{raw_server(read_and_reset)}/hook")) is Outcome.AMBIGUOUS


def test_an_answer_that_is_no_http_is_ambiguous(raw_server: RawServer) -> None:
    def talk_nonsense(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"220 mail.example.invalid ESMTP\r\n")

    assert outcome_of(ask(f"http://127.0.0.1:{raw_server(talk_nonsense)}/hook")) is Outcome.AMBIGUOUS


def test_a_server_that_drips_is_left_at_the_deadline(raw_server: RawServer) -> None:
    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x")
            time.sleep(0.05)

    started = time.monotonic()
    answer = ask(f"http://127.0.0.1:{raw_server(drip)}/hook", timeout_seconds=1.0)
    assert time.monotonic() - started < 30  # it would drip for 50
    assert isinstance(answer, Response)
    assert answer.status_code == 200
    assert answer.broken


@pytest.mark.parametrize("piece", [b"X-A: 1\r\n", b"x"], ids=["line by line", "byte by byte"])
def test_headers_that_drip_are_left_at_the_deadline(raw_server: RawServer, piece: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):
            connection.sendall(piece)
            time.sleep(0.05)

    started = time.monotonic()
    answer = ask(f"http://127.0.0.1:{raw_server(drip)}/hook", timeout_seconds=1.0)
    assert isinstance(answer, Response)
    assert (answer.status_code, answer.broken) == (200, True)
    assert time.monotonic() - started < 30  # it would drip for 50


def serve_once_then(end: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Answer the first request of a connection, and end the connection in the second."""

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        read_request(connection)
        end(connection)

    return serve


@pytest.mark.parametrize("end", [reset, lambda _: None], ids=["reset", "closed"])
def test_a_connection_that_breaks_when_it_is_used_again_is_ambiguous(
    raw_server: RawServer, end: Callable[[socket.socket], None]
) -> None:
    url = f"http://127.0.0.1:{raw_server(serve_once_then(end))}/hook"
    first, second = ask_in_turn(url, url)
    assert isinstance(first, Response)
    assert outcome_of(second) is Outcome.AMBIGUOUS


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_nothing_is_sent_twice_in_silence(raw_server: RawServer, method: str) -> None:
    requests = []

    def count(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        if len(requests) == 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            requests.append(read_request(connection))
            reset(connection)

    url = f"http://127.0.0.1:{raw_server(count)}/hook"
    assert outcome_of(ask_in_turn(url, url, method=method)[1]) is Outcome.AMBIGUOUS
    assert len(requests) == 2


def test_what_only_reads_can_be_tried_again_when_the_connection_breaks(raw_server: RawServer) -> None:
    url = f"http://127.0.0.1:{raw_server(serve_once_then(reset))}/hook"
    assert outcome_of(ask_in_turn(url, url, only_reads=True)[1]) is Outcome.RETRY


def test_a_connection_is_used_again(raw_server: RawServer) -> None:
    connections = []

    def serve(connection: socket.socket) -> None:
        connections.append(connection)
        for _ in range(3):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    url = f"http://127.0.0.1:{raw_server(serve)}/hook"
    assert all(isinstance(answer, Response) for answer in ask_in_turn(url, url, url))
    assert len(connections) == 1


def test_no_cookie_is_kept(httpserver: HTTPServer) -> None:
    cookie = {"set-cookie": "session=s3cr3t; Path=/"}
    httpserver.expect_request("/hook").respond_with_data("ok", headers=cookie)
    url = httpserver.url_for("/hook")
    assert all(isinstance(answer, Response) for answer in ask_in_turn(url, url))
    assert [request.headers.get("cookie") for request, _ in httpserver.log] == [None, None]


def test_reads_no_more_of_a_body_than_it_needs(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/big").respond_with_data(b"x" * 10_000_000)
    answer = ask(httpserver.url_for("/big"))
    assert isinstance(answer, Response)
    assert answer.body == b"x" * LARGEST_BODY_READ
    assert not answer.broken


def test_does_not_wait_for_what_it_does_not_read(raw_server: RawServer) -> None:
    def send_enough_and_hang(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * LARGEST_BODY_READ)
        connection.recv(1)

    answer = ask(f"http://127.0.0.1:{raw_server(send_enough_and_hang)}/")

    assert isinstance(answer, Response)
    assert (len(answer.body), answer.broken) == (LARGEST_BODY_READ, False)


def test_sends_the_headers_that_are_configured(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook", headers={"x-token": "hidden"}).respond_with_data("ok")

    answer = ask(httpserver.url_for("/hook"))

    assert isinstance(answer, Response)
    assert answer.status_code == 200


def test_does_not_unpack_what_it_did_not_ask_for(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/zip").respond_with_data(b"no gzip", headers={"content-encoding": "gzip"})
    answer = ask(httpserver.url_for("/zip"))
    assert isinstance(answer, Response)
    assert answer.body == b"no gzip"


def test_does_not_follow_a_redirect(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/old").respond_with_data("", status=307, headers={"location": "/new"})
    answer = ask(httpserver.url_for("/old"))
    assert isinstance(answer, Response)
    assert answer.status_code == 307
    assert len(httpserver.log) == 1


def has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def tls_server(authority: trustme.CA, host: str = "127.0.0.1", **issued: Any) -> HTTPServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, **issued).configure_cert(context)
    server = HTTPServer(host="127.0.0.1", ssl_context=context)
    server.expect_request("/hook").respond_with_data("ok")
    return server


UNVERIFIED = "the certificate of the server could not be verified: "
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    ("issued", "trusted", "expected"),
    [
        pytest.param({}, True, 200, id="authority of the user"),
        pytest.param({}, False, "its authority is not known; add a private", id="unknown authority"),
        pytest.param({"host": "other.example"}, True, "it is for another host", id="another host"),
        pytest.param({"not_after": YESTERDAY}, True, "it has expired", id="expired"),
        pytest.param(
            {"not_before": YESTERDAY + timedelta(days=2)}, True, "it is not valid yet", id="not valid yet"
        ),
    ],
)
def test_verifies_certificates(
    issued: dict[str, Any],
    *,
    trusted: bool,
    expected: int | str,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    else:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with tls_server(authority, **issued) as server:
        answer = ask(f"https://127.0.0.1:{server.port}/hook")
    if isinstance(answer, Response):
        assert answer.status_code == expected
    else:
        assert answer.outcome is Outcome.PERMANENT
        assert answer.detail.startswith(f"{UNVERIFIED}{expected}")


def test_an_address_whose_name_is_older_than_the_rules_of_names_is_looked_up() -> None:
    """Emoji are in DNS, and no rule of today allows them."""
    verdict = ask("https://xn--i-7iq.invalid/hook")
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.detail) == (Outcome.RETRY, "the host name could not be resolved")


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_takes_an_address_of_ipv6() -> None:
    with HTTPServer(host="::1") as server:
        server.expect_request("/hook").respond_with_data("ok")
        answer = ask(f"http://[::1]:{server.port}/hook")
    assert isinstance(answer, Response)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://example.invalid/hook", id="plain http"),
        pytest.param("http://127.0.0.1.example.invalid/hook", id="a name that looks like loopback"),
        pytest.param("http://10.0.0.1/hook", id="a private address"),
        pytest.param("ftp://127.0.0.1/hook", id="another scheme"),
        pytest.param("example.invalid/hook", id="no scheme"),
        pytest.param("https:///hook", id="no host"),
        pytest.param("https://exa mple.invalid/", id="a space in the host"),
        pytest.param("https://example.invalid:port/", id="a port that is none"),
        pytest.param("https://example.invalid/\n", id="a line break"),
        pytest.param("", id="nothing"),
    ],
)
def test_refuses_an_address_that_is_not_https(url: str) -> None:
    answer = ask(url)
    assert outcome_of(answer) is Outcome.PERMANENT
    assert isinstance(answer, Verdict)
    assert answer.detail.startswith("the address of the connector")
    assert "hook" not in answer.detail


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_takes_plain_http_on_this_machine(httpserver: HTTPServer, host: str) -> None:
    httpserver.expect_request("/hook").respond_with_data("ok")
    assert isinstance(ask(f"http://{host}:{httpserver.port}/hook"), Response)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"authorization": "Bearer a\r\nx-evil: 1"}, id="line break"),
        pytest.param({"authorization": "Bearer ä"}, id="not ascii"),
        pytest.param({"bad name": "1"}, id="name with a space"),
        pytest.param({"x-a\r\nx-evil": "1"}, id="name with a line break"),
        pytest.param({"content-length": "3"}, id="wrong length"),
    ],
)
def test_refuses_headers_that_cannot_be_sent(httpserver: HTTPServer, headers: dict[str, str]) -> None:
    assert outcome_of(ask(httpserver.url_for("/hook"), headers=headers)) is Outcome.PERMANENT


@pytest.mark.parametrize(
    ("url", "headers", "is_problem"),
    [
        pytest.param("https://example.invalid/", {}, False, id="nothing configured"),
        pytest.param("https://example.invalid/", {"x-a": "a b!"}, False, id="a plain header"),
        pytest.param("https://example.invalid/", {"authorization": "Bearer a"}, False, id="authorization"),
        pytest.param("https://maria:a@example.invalid/", {"x-a": "b"}, False, id="a user name"),
        pytest.param("https://maria:a@example.invalid/", {"Authorization": "a"}, True, id="both"),
        pytest.param("https://example.invalid/", {"x-a": "ä"}, True, id="not ASCII"),
        pytest.param("https://example.invalid/", {"x-a": "a\tb"}, True, id="not printable"),
        pytest.param("https://example.invalid/", {"Transfer-Encoding": "chunked"}, True, id="framing"),
        pytest.param("https://example.invalid/", {"": "a"}, True, id="a header without a name"),
        pytest.param("https://example.invalid/", {"x-a": "b", "a:b": "c"}, True, id="the second header"),
    ],
)
def test_finds_what_can_never_be_sent_before_it_is_sent(
    url: str, headers: dict[str, str], *, is_problem: bool
) -> None:
    problem = find_problem(PreparedRequest("POST", url, "public", headers))

    assert bool(problem) is is_problem
    assert "maria" not in problem


@pytest.mark.parametrize(
    ("kind", "body", "is_html"),
    [
        ("text/html; charset=utf-8", b"", True),
        ("Text/HTML", b"ok", True),
        ("text/plain", b"\n <!DOCTYPE html>", True),
        ("", b"<HTML>", True),
        ("application/json", b'{"a": "<html>"}', False),
        ("text/plain", b"ok", False),
    ],
)
def test_knows_a_page_for_people(kind: str, body: bytes, *, is_html: bool) -> None:
    response = Response(200, httpx.Headers({"content-type": kind} if kind else {}), body, datetime.now(UTC))

    assert response.is_html is is_html


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"a": 1}', {"a": 1}), (b"[1]", {}), (b"\xff", {}), (b"", {}), (b"[" * 10**6, {})],
)
def test_reads_a_body_that_is_no_object_as_an_empty_one(body: bytes, expected: dict[str, int]) -> None:
    response = Response(200, httpx.Headers(), body, datetime.now(UTC))

    assert response.json_object() == expected


def test_shows_a_body_that_is_no_text() -> None:
    assert Response(200, httpx.Headers(), b"a\xff", datetime.now(UTC)).text == "a\ufffd"


def test_evidence_shows_the_values_of_harmless_headers_only() -> None:
    headers = {"Content-Type": "application/json", "X-Token": "hidden"}
    summary = PreparedRequest("POST", "https://example.invalid/s3cr3t", "public", headers).summary()

    assert (summary.method, summary.url) == ("POST", "public")
    assert summary.headers == {"Content-Type": "application/json", "X-Token": "[redacted]"}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (9, ": it is not valid yet"),
        (10, ": it has expired"),
        *(
            (code, ": its authority is not known; add a private authority to SSL_CERT_FILE")
            for code in range(18, 22)
        ),
        (62, ": it is for another host"),
        (64, ": it is for another host"),
        (26, ""),
    ],
)
def test_what_openssl_says_of_a_certificate_is_named(code: int, why: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code = code

    detail = f"the certificate of the server could not be verified{why}"
    assert judge_failure(error, sent=False, timeout_seconds=1) == Verdict(Outcome.PERMANENT, detail)


@pytest.mark.parametrize(
    ("error", "sent", "detail"),
    [
        (TimeoutError(), False, "no connection within 1.5 s"),
        (TimeoutError(), True, "sent, but no answer came within 1.5 s"),
        (OSError(), False, "could not connect"),
        (OSError(), True, "sent, but the connection broke before an answer"),
        (aiohttp.InvalidUrlClientError("x"), False, "the address of the connector is not a valid url"),
        (ValueError(), False, "the request violates the http protocol; check the configured headers"),
    ],
)
def test_an_exchange_without_an_answer_says_how_far_it_came(
    error: Exception, detail: str, *, sent: bool
) -> None:
    assert judge_failure(error, sent=sent, timeout_seconds=1.5).detail == detail


@pytest.mark.parametrize(
    ("error", "sent", "expected"),
    [
        (aiohttp.ServerTimeoutError("x"), False, Outcome.RETRY),
        (aiohttp.ServerDisconnectedError("x"), False, Outcome.RETRY),
        (aiohttp.ServerDisconnectedError("x"), True, Outcome.AMBIGUOUS),
        (aiohttp.InvalidUrlClientError("x"), False, Outcome.PERMANENT),
        (httpx.InvalidURL("x"), False, Outcome.PERMANENT),
        (RuntimeError("x"), False, Outcome.RETRY),
        (RuntimeError("x"), True, Outcome.AMBIGUOUS),
        (TimeoutError(), True, Outcome.AMBIGUOUS),
    ],
)
def test_whatever_the_client_raises_becomes_a_verdict(
    error: Exception, expected: Outcome, *, sent: bool
) -> None:
    assert outcome_of(judge_failure(error, sent=sent, timeout_seconds=1)) is expected


def test_a_proxy_that_refuses_can_be_tried_again(
    raw_server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{raw_server(refuse)}")
    assert outcome_of(ask("https://example.invalid/hook")) is Outcome.RETRY


def test_loopback_is_reached_without_the_proxy(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    httpserver.expect_request("/hook").respond_with_data("ok")
    assert isinstance(ask(httpserver.url_for("/hook")), Response)


def test_cancelling_is_not_swallowed(raw_server: RawServer) -> None:
    def never_answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.recv(1)

    url = f"http://127.0.0.1:{raw_server(never_answer)}/"
    request = PreparedRequest("POST", url, "public", {}, b'{"a":1}')

    async def cancel_soon() -> None:
        task = asyncio.create_task(exchange(request, timeout_seconds=5))
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_soon())


def test_nothing_of_a_request_is_logged(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    httpserver.expect_request("/s3cr3t").respond_with_data("ok")
    with caplog.at_level(logging.DEBUG):
        assert isinstance(ask(httpserver.url_for("/s3cr3t"), headers={"x-token": "hidden"}), Response)
    ours = [
        record for record in caplog.records if not record.name.startswith(("werkzeug", "pytest_httpserver"))
    ]
    logged = [record.getMessage() for record in ours]
    assert not any("s3cr3t" in message or "hidden" in message for message in logged)


def test_its_representation_shows_no_secret() -> None:
    request = PreparedRequest(
        "POST", "https://example.invalid/s3cr3t", "public", {"x-token": "hidden"}, b"body"
    )
    assert repr(request) == "PreparedRequest(method='POST', public_url='public', only_reads=False)"
