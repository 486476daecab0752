"""Callers that open connections and say little, against a real server on loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
import uvicorn

from rollback_drills_api.app import build_app
from rollback_drills_api.http import limits, protocol
from rollback_drills_api.http.protocol import BoundedProtocol, most_connections
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import WRITES, Keys

HEADERS_WITHIN = 0.4
READING_WITHIN = 1.0
PROBE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
MOST = 8


@pytest.fixture
def port(options: ApiOptions, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Serve with short deadlines and room for few, and give the port."""
    monkeypatch.setattr(protocol, "HEADERS_WITHIN_SECONDS", HEADERS_WITHIN)
    monkeypatch.setattr(protocol, "READING_WITHIN_SECONDS", READING_WITHIN)
    monkeypatch.setattr(protocol, "most_connections", lambda: MOST)
    monkeypatch.setattr(limits, "_BODY_WITHIN_SECONDS", HEADERS_WITHIN)
    server = uvicorn.Server(
        uvicorn.Config(build_app(options), port=0, http=BoundedProtocol, log_level="critical", lifespan="on")
    )
    listening = socket.create_server(("127.0.0.1", 0))
    protocol.prepare(listening)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until = time.monotonic() + 120
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.02)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def is_closed(connection: socket.socket) -> bool:
    """Return whether the other side hangs up within some seconds."""
    connection.settimeout(60)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: "])
def test_headers_that_do_not_come_end_the_connection(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(said)
        started = time.monotonic()
        assert is_closed(connection)
    assert time.monotonic() - started >= HEADERS_WITHIN / 2


def test_headers_that_come_in_drops_do_not_keep_it_longer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        started = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - started < 90:
                connection.sendall(b"G")
                time.sleep(HEADERS_WITHIN / 4)
    assert time.monotonic() - started < 60


def test_callers_that_only_connect_leave_the_others_alone(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(3 * MOST)]
    try:
        time.sleep(HEADERS_WITHIN * 2)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        assert all(is_closed(each) for each in idle)
    finally:
        for each in idle:
            each.close()


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
@pytest.mark.parametrize(("method", "status"), [("GET", b"200"), ("POST", b"405")])
def test_a_request_for_another_protocol_is_answered_as_any(
    port: int, method: str, status: bytes, upgrade: str
) -> None:
    head = f"{method} /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
    wish = f"Connection: upgrade\r\nUpgrade: {upgrade}\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(10)
        connection.sendall((head + wish + key).encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 " + status)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
        while connection.recv(4096):  # the deadline of headers holds
            pass


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://localhost:{port}/healthz", "localhost", 200),
        ("HTTP://127.0.0.1/healthz?a=1", "proxy.example", 200),
        ("https://localhost/health%7A", "localhost", 200),
        ("http://localhost", "localhost", 307),
        ("http://localhost/nothing-here", "localhost", 404),
        ("http://evil.example/healthz", "localhost", 400),
        ("http://me@localhost/healthz", "localhost", 400),
        ("http:///healthz", "localhost", 400),
        ("http://localhost/healthz", "localhost\r\nHost: localhost", 400),
        ("ftp://localhost/healthz", "localhost", 404),
    ],
)
def test_a_target_that_names_the_host_is_answered_and_its_host_counts(
    port: int, target: str, host: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(10)
        head = f"GET {target.format(port=port)} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_connection_is_kept_from_request_to_request(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert client.get("/healthz").status_code == 200
            time.sleep(HEADERS_WITHIN * 1.5)


def test_a_body_that_does_not_come_is_a_problem(port: int, keys: Keys) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        authorization = keys.header("operateer")["authorization"]
        connection.sendall(
            f"POST {WRITES[0]} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
            "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{".encode()
        )
        connection.settimeout(10)
        answer = connection.recv(4096).decode()
    assert answer.startswith("HTTP/1.1 408")
    assert "application/problem+json" in answer


@pytest.mark.parametrize(
    ("target", "host", "fields", "status"),
    [
        ("GET /healthz", "localhost", "Content-Length: 2000000", 200),
        ("GET /healthz", "localhost", "Transfer-Encoding: chunked", 200),
        (f"POST {WRITES[0]}", "localhost", "Content-Length: 2000000", 413),
        (
            f"POST {WRITES[0]}",
            "localhost",
            "Authorization: Bearer guessed\r\nTransfer-Encoding: chunked",
            401,
        ),
        (f"POST {WRITES[0]}", "elsewhere", "Content-Length: 20", 400),
    ],
)
def test_an_answer_before_the_end_of_the_request_closes_the_connection(
    port: int, target: str, host: str, fields: str, status: int
) -> None:
    """The rest of the request, in drops, would hold the connection for ever."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n\r\n".encode())
        connection.settimeout(3)
        answer = b""
        with suppress(ConnectionError):
            while part := connection.recv(4096):
                answer += part
    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert b"connection: close" in answer.lower()


def test_a_body_that_was_read_keeps_the_connection(port: int, keys: Keys) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=keys.header("operateer")) as client:
        answer = client.post(WRITES[0], json={"retries": -1})
    assert answer.status_code == 422
    assert "connection" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("1.1", "Content-Length: 4\r\nTransfer-Encoding: chunked"),
        ("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 4"),
        ("1.1", "content-length: 0\r\nTRANSFER-ENCODING: Chunked"),
        ("1.0", "Transfer-Encoding: chunked"),
    ],
)
def test_a_request_with_two_ends_is_refused_and_the_connection_closed(
    port: int, keys: Keys, method: str, version: str, fields: str
) -> None:
    authorization = keys.header("operateer")["authorization"]
    smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            f"{method} {WRITES[0]} HTTP/{version}\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
            f"Content-Type: application/json\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}".encode()
        )
        connection.settimeout(60)
        answer = b""
        with suppress(ConnectionError):
            while part := connection.recv(4096):
                answer += part
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"Transfer-Encoding" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_there_is_room_for_files_beside_connections() -> None:
    assert 16 <= most_connections() <= 1000


def ask_until_full(connection: socket.socket) -> int:
    """Send requests and read no answer until the server takes no more; return how many bytes it took."""
    connection.setblocking(False)
    sent, idle_since = 0, time.monotonic()
    while time.monotonic() - idle_since < READING_WITHIN / 4:
        try:
            sent += connection.send(PROBE * 1000)
            idle_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    return sent


def connect_narrowly(port: int) -> socket.socket:
    """Connect as a caller who takes little at once."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    return connection


def test_who_never_reads_the_answers_loses_the_connection(port: int) -> None:
    with connect_narrowly(port) as connection:
        assert ask_until_full(connection) > 0
        until = time.monotonic() + 60
        with suppress(ConnectionError):
            while time.monotonic() < until:
                with suppress(BlockingIOError):
                    connection.send(PROBE)
                time.sleep(0.05)
        assert time.monotonic() < until


def test_who_reads_slowly_keeps_the_connection(port: int) -> None:
    with connect_narrowly(port) as connection:
        ask_until_full(connection)
        connection.settimeout(60)
        started, received = time.monotonic(), 0
        while time.monotonic() - started < 4 * READING_WITHIN:
            received += len(connection.recv(64 * 1024))
            time.sleep(0.02)
        assert received
        assert connection.recv(1)


@pytest.mark.parametrize("path", ["/healthz", "/console", "/metrics"])
def test_who_has_said_all_and_closes_that_half_gets_the_answer(port: int, keys: Keys, path: str) -> None:
    token = keys.header("reader")["authorization"]
    asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(asked * 2)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(64 * 1024), b""))

    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_half_a_request_has_no_answer_and_its_connection_is_closed_at_once(port: int, keys: Keys) -> None:
    token = keys.header("operateer")["authorization"]
    headers = f"Host: localhost\r\nAuthorization: {token}\r\nContent-Length: 9"
    begun = f"POST {WRITES[0]} HTTP/1.1\r\n{headers}\r\n\r\n{{"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        started = time.monotonic()
        connection.sendall(begun.encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert time.monotonic() - started < HEADERS_WITHIN
