"""Proxies: the environment names one, and what is wrong with it is said by the name of the variable."""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer

from blocks.http.proxies import SettingError, find_proxy
from blocks.mail import MailConnector
from blocks.webhook import WebhookConnector
from rollback_drills.notifications.outcome import Outcome, Verdict

RawServer = Callable[[Callable[[socket.socket], None]], int]
Send = Callable[..., Verdict]
HOST = "receiver.example"
URL = f"https://{HOST}/hook"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without proxies and private authorities."""
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def receiver(httpserver_ssl: tuple[HTTPServer, str], monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """Take messages as a host that only a proxy can reach."""
    server, bundle = httpserver_ssl
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    server.expect_request("/hook").respond_with_data("taken")
    return server


@pytest.fixture
def httpserver_ssl(tmp_path: Path) -> Iterator[tuple[HTTPServer, str]]:
    """Serve TLS with a certificate for the host."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        yield server, str(tmp_path / "ca.pem")


def tunnel_to(port: int, heads: list[bytes], head: bytes = b"") -> Callable[[socket.socket], None]:
    """Behave as a proxy that connects everything with one port, and keep what it was asked."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve(connection: socket.socket) -> None:
        heads.append(connection.recv(65536))
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n" + head + b"\r\n")
            back = threading.Thread(target=pump, args=(onward, connection))
            back.start()
            pump(connection, onward)
            back.join()

    return serve


def answering(status: int, head: bytes = b"") -> Callable[[socket.socket], None]:
    """Behave as a proxy that refuses."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 %d no s3cr3t\r\n%bContent-Length: 0\r\n\r\n" % (status, head))

    return serve


def webhook() -> WebhookConnector:
    return WebhookConnector(url=Secret(value=URL))


@pytest.mark.parametrize("written", ["127.0.0.1:{port}", "http://127.0.0.1:{port}", " //127.0.0.1:{port} "])
def test_delivers_through_a_proxy_with_or_without_its_scheme(
    receiver: HTTPServer, raw_server: RawServer, send: Send, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    heads: list[bytes] = []
    port = raw_server(tunnel_to(receiver.port, heads))
    monkeypatch.setenv("HTTPS_PROXY", written.format(port=port))

    assert send(webhook()).outcome is Outcome.DELIVERED
    assert heads[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ("us%40er:p%3Ass", "us@er:p:ss"),
        ("us%3Aer:pass", "us:er:pass"),
        ("user:p%E2%82%ACss", "user:p€ss"),
        ("user", "user:"),
        (":pass", ":pass"),
    ],
)
def test_logs_in_at_a_proxy(
    receiver: HTTPServer,
    raw_server: RawServer,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
    login: str,
    sent: str,
) -> None:
    heads: list[bytes] = []
    port = raw_server(tunnel_to(receiver.port, heads))
    monkeypatch.setenv("https_proxy", f"{login}@127.0.0.1:{port}")

    assert send(webhook()).outcome is Outcome.DELIVERED
    assert b"Proxy-Authorization: Basic " + b64encode(sent.encode()) + b"\r\n" in heads[0]
    ((request, _),) = receiver.log
    assert "proxy-authorization" not in request.headers


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (407, "the proxy that HTTPS_PROXY names answered 407: it requires a user name and a password"),
        (403, "the proxy that HTTPS_PROXY names answered 403: it does not allow this address"),
        (502, "the proxy that HTTPS_PROXY names answered 502"),
        (599, "the proxy that HTTPS_PROXY names answered 599"),
    ],
)
def test_a_proxy_that_refuses_is_tried_again_and_named(
    raw_server: RawServer, send: Send, monkeypatch: pytest.MonkeyPatch, status: int, detail: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"robot:s3cr3t@127.0.0.1:{raw_server(answering(status))}")
    verdict = send(webhook())
    assert (verdict.outcome, verdict.detail) == (Outcome.RETRY, detail)


def test_headers_of_9_kilobytes_from_a_proxy_do_not_matter(
    receiver: HTTPServer, raw_server: RawServer, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = b"X-Policy: " + b"x" * 9000 + b"\r\n"
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{raw_server(tunnel_to(receiver.port, [], head))}")
    assert send(webhook()).outcome is Outcome.DELIVERED
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{raw_server(answering(407, head))}")
    assert send(webhook()).detail.startswith("the proxy that HTTPS_PROXY names answered 407: it requires")


@pytest.mark.parametrize("head", [b"no colon here\r\n", b"x: \xff\x00\r\n"], ids=["no header", "a null byte"])
def test_an_answer_of_a_proxy_that_cannot_be_read_is_tried_again(
    head: bytes, raw_server: RawServer, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://robot:s3cr3t@127.0.0.1:{raw_server(answering(407, head))}")
    verdict = send(webhook())
    assert verdict.outcome is Outcome.RETRY
    assert verdict.detail == "the answer cannot be read (through the proxy that HTTPS_PROXY names)"


def test_a_proxy_whose_name_is_unknown_is_named(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    verdict = send(webhook())
    assert verdict.outcome is Outcome.RETRY
    problem = "cannot be reached: the host name could not be resolved"
    assert verdict.detail == f"the proxy that HTTPS_PROXY names {problem}"


def test_a_proxy_that_is_down_is_tried_again_and_named(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("all_proxy", f"127.0.0.1:{port}")
    verdict = send(webhook())
    assert verdict.outcome is Outcome.RETRY
    assert verdict.detail == "the proxy that all_proxy names cannot be reached: the connection was refused"


def test_a_proxy_that_never_answers_is_named(
    raw_server: RawServer, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_silent(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{raw_server(be_silent)}")
    verdict = send(webhook(), timeout_seconds=2)
    assert verdict.outcome is Outcome.RETRY
    assert verdict.detail == "no connection within 2 s (through the proxy that HTTPS_PROXY names)"


def test_a_proxy_whose_certificate_is_not_trusted_is_tried_again_and_named(
    httpserver_ssl: tuple[HTTPServer, str], send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{httpserver_ssl[0].port}")
    verdict = send(webhook())
    assert verdict.outcome is Outcome.RETRY
    assert verdict.detail == "the certificate of the proxy that HTTPS_PROXY names could not be verified"


def test_a_proxy_that_shows_a_certificate_of_its_own_is_tried_again(
    httpserver_ssl: tuple[HTTPServer, str],
    raw_server: RawServer,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{raw_server(tunnel_to(httpserver_ssl[0].port, []))}")
    verdict = send(webhook())
    assert verdict.outcome is Outcome.RETRY
    assert verdict.detail == (
        "the certificate of the server could not be verified"
        " (through the proxy that HTTPS_PROXY names; add its authority to SSL_CERT_FILE)"
    )


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("socks5://s3cr3t@127.0.0.1:1080", "HTTPS_PROXY names a socks proxy; only http and https"),
        ("http://", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("s3cr3t:host:port", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("ftp://s3cr3t", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("http://127.0.0.1:99999", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("http://xn--a:3128", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("http://10.1:3128", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("http://s3cr3t..example", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("h" * 64 + ":3128", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
        ("http://[s3cr3t", "HTTPS_PROXY is not the address of a proxy; it must be http://HOST:PORT"),
    ],
)
def test_a_setting_that_names_no_proxy_is_tried_again_and_named(
    send: Send, monkeypatch: pytest.MonkeyPatch, value: str, detail: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    verdict = send(webhook())
    assert verdict.outcome is Outcome.RETRY
    assert verdict.detail.startswith(detail)
    assert "s3cr3t" not in verdict.detail


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [
        ("https://a.example/x", "a.example", True),
        ("https://a.example/x", "a.example:443", True),
        ("https://a.example/x", "other.example, a.example:443", True),
        ("https://a.example/x", "other.example a.example\tthird.example", True),
        ("https://a.example/x", "a.example:8443", False),
        ("https://a.example:8443/x", "a.example:8443", True),
        ("https://A.EXAMPLE/x", "a.example:443", True),
        ("https://b.a.example/x", "a.example:443", True),
        ("https://b.a.example/x", ".a.example", True),
        ("https://b.a.example/x", "*.a.example", True),
        ("https://b.a.example/x", "*.a.example:443", True),
        ("https://ba.example/x", "a.example", False),
        ("https://a.example./x", "a.example", True),
        ("https://a.example/x", "a.example.", True),
        ("https://a.example/x", ".", False),
        ("https://a.example/x", "*", True),
        ("https://a.example/x", "", False),
        ("https://10.1.2.3/x", "10.0.0.0/8", True),
        ("https://10.1.2.3/x", "11.0.0.0/8,10.1.2.3:443", True),
        ("https://11.1.2.3/x", "10.0.0.0/8", False),
        ("https://[2001:db8::1]/x", "[2001:db8::1]:443", True),
        ("https://[2001:db8::1]/x", "2001:db8::/32", True),
        ("https://[2001:db8:0:0::1]/x", "2001:DB8::1", True),
        ("https://[2001:db8::2]/x", "2001:db8::1", False),
        ("https://a.example/x", "nonsense/8,///", False),
        ("https://127.0.0.1/x", "", True),
        ("https://bücher.example/x", "bücher.example", True),
        ("https://bücher.example/x", "xn--bcher-kva.example", True),
        ("https://xn--i-7iq.example/x", "xn--i-7iq.example", True),
    ],
)
def test_no_proxy_is_read_as_other_clients_read_it(
    monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, *, is_direct: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (find_proxy(httpx.URL(url)) is None) is is_direct


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"HTTPS_PROXY": "upper.example"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "upper.example", "https_proxy": "lower.example"}, "https_proxy"),
        ({"ALL_PROXY": "all.example", "HTTP_PROXY": "http.example"}, "ALL_PROXY"),
        ({"ALL_PROXY": "all.example", "HTTPS_PROXY": "upper.example"}, "HTTPS_PROXY"),
    ],
)
def test_the_variable_that_counts_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], variable: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = find_proxy(httpx.URL(URL))
    assert found is not None
    assert (found.variable, found.url.host) == (variable, settings[variable])


def test_certificates_that_cannot_be_read_are_tried_again_and_named(
    send: Send, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    detail = "SSL_CERT_FILE does not name readable certificates"
    (tmp_path / "empty.pem").write_text("")
    mail = MailConnector(host="mail.example", sender="a@b.example", recipients=["c@d.example"])
    for name in ("missing.pem", "empty.pem", "."):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
        for connector in (webhook(), mail):
            verdict = send(connector)
            assert (verdict.outcome, verdict.detail) == (Outcome.RETRY, detail)


def test_a_folder_without_certificates_is_tried_again_and_named(
    send: Send, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, receiver: HTTPServer
) -> None:
    """OpenSSL finds nothing in it, and says that the authority is unknown: a mount that is missing."""
    hook = WebhookConnector(url=Secret(value=f"https://localhost:{receiver.port}/hook"))
    monkeypatch.delenv("SSL_CERT_FILE")
    (tmp_path / "folder").mkdir()
    for name in ("missing", "folder", "folder/file.pem"):
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / name))
        verdict = send(hook)
        assert verdict.outcome is Outcome.RETRY, name
        assert verdict.detail == "SSL_CERT_DIR does not name readable certificates"

    (tmp_path / "folder" / "0a1b2c3d.0").write_text("")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "folder"))
    assert send(hook).outcome is Outcome.PERMANENT, "a folder of other authorities is no mistake"


def test_a_setting_that_is_unusable_does_not_keep_a_run_from_starting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))

    async def open_and_close() -> None:
        async with webhook().connection():
            pass

    asyncio.run(open_and_close())


def test_the_error_of_a_setting_never_shows_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://robot:s3cr3t@proxy.example")
    with pytest.raises(SettingError) as refused:
        find_proxy(httpx.URL(URL))
    assert "s3cr3t" not in str(refused.value)
