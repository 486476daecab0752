"""Answers that no vendor promises: what the receiver accepted counts as delivered, and is sent once."""

import gzip
import json
import re
import socket
import time
import zlib
from collections.abc import Callable

import pytest
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer

from blocks.http.exchange import LARGEST_BODY_READ
from blocks.http.unpacking import unpack
from blocks.slack import SlackConnector
from blocks.webhook import WebhookConnector
from rollback_drills.notifications.outcome import Outcome, Verdict
from tests.blocks.samples import Sample
from tests.blocks.test_every_connector import every_connector

RawServer = Callable[[Callable[[socket.socket], None]], int]
Send = Callable[..., Verdict]
OK = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Length: 2\r\n\r\nok"
ACCEPTED = {
    "a header of 9 kB": OK + b"X-A: " + b"x" * 9000 + b"\r\n" + BODY,
    "a header of 100 kB": OK + b"X-A: " + b"x" * 100_000 + b"\r\n" + BODY,
    "a header without end": OK + b"X-A: " + b"x" * 300_000 + b"\r\n" + BODY,
    "300 headers": OK + b"".join(b"X-%d: a\r\n" % number for number in range(300)) + BODY,
    "1000 headers": OK + b"".join(b"X-%d: a\r\n" % number for number in range(1000)) + BODY,
    "a reason of 9 kB": b"HTTP/1.1 200 " + b"O" * 9000 + b"\r\n" + BODY,
    "no reason": b"HTTP/1.1 200\r\n" + BODY,
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\nok",
    "hints first": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + BODY,
    "hints first, then what is broken": b"HTTP/1.1 103 Hints\r\n\r\n" + OK + b"nonsense\r\n" + BODY,
    "a line without a colon": OK + b"nonsense\r\n" + BODY,
    "a name with a space": OK + b"X A: b\r\n" + BODY,
    "a zero byte": OK + b"X-A: a\0b\r\n" + BODY,
    "not ascii": OK + b"X-A: \xff\xfe\r\n" + BODY,
    "two lengths": OK + b"Content-Length: 2\r\n" + BODY,
    "two lengths that differ": OK + b"Content-Length: 3\r\n" + BODY,
    "a length and chunks": OK
    + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a length below zero": OK + b"Content-Length: -1\r\n\r\nok",
    "more than the length": OK + BODY + b" and more",
    "less than the length": OK + b"Content-Length: 1000\r\n\r\nok",
    "broken chunks": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n",
    "a body that must not be": b"HTTP/1.1 204 No Content\r\n" + BODY,
    "a wrong protocol": b"HTTP/2 200 OK\r\n" + BODY,
    "only the status": OK,
    "gzip": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"ok"),
    "gzip that is none": OK + b"Content-Encoding: gzip\r\n" + BODY,
}


def answering(raw: bytes, requests: list[bytes]) -> Callable[[socket.socket], None]:
    """Answer every request with the same bytes, and end the connection."""

    def serve(connection: socket.socket) -> None:
        data = connection.recv(65536)
        while b"\r\n\r\n" not in data or not data.rstrip().endswith(b"}"):
            data += connection.recv(65536)
        requests.append(data)
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    return serve


@pytest.mark.parametrize("raw", ACCEPTED.values(), ids=ACCEPTED)
def test_what_a_webhook_accepted_is_delivered(raw_server: RawServer, send: Send, raw: bytes) -> None:
    requests: list[bytes] = []
    port = raw_server(answering(raw, requests))
    verdict = send(WebhookConnector(url=Secret(value=f"http://127.0.0.1:{port}/hook")))
    assert verdict.outcome is Outcome.DELIVERED, verdict
    assert len(requests) == 1


IN_PIECES = {
    "a status in two pieces": [b"HTTP/1.1 2", b"00 OK\r\nnonsense\r\n" + BODY],
    "byte by byte": [bytes([byte]) for byte in OK + b"nonsense\r\n" + BODY],
    "hints in a piece of their own": [
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        OK + b"nonsense\r\n" + BODY,
    ],
    "hints that are cut": [
        b"HTTP/1.1 103 Hints\r\nLi",
        b"nk: </a>\r\n\r\nHTTP/1.1 200 OK\r\n nonsense\r\n" + BODY,
    ],
    "to be continued": [b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"nonsense\r\n" + BODY],
    "several in process": [*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 3, OK + b"nonsense\r\n" + BODY],
    "hints with bare line feeds": [b"HTTP/1.1 103 Hints\n\n", b"HTTP/1.1 200 OK\nnonsense\n\nok"],
    "two blanks": [b"HTTP/1.1  200 OK\r\n" + BODY],
}


@pytest.mark.parametrize("pieces", IN_PIECES.values(), ids=IN_PIECES)
def test_a_status_counts_however_it_is_cut_up(raw_server: RawServer, send: Send, pieces: list[bytes]) -> None:
    port = raw_server(answering_in_pieces(pieces))
    verdict = send(WebhookConnector(url=Secret(value=f"http://127.0.0.1:{port}/hook")))
    assert verdict.outcome is Outcome.DELIVERED, verdict


STALLED = {
    "behind the status": (OK, Outcome.DELIVERED, "answered 200"),
    "within a header": (OK + b"X-A: b\r\nX-", Outcome.DELIVERED, "answered 200"),
    "behind hints": (b"HTTP/1.1 103 Hints\r\n\r\n" + OK, Outcome.DELIVERED, "answered 200"),
    "in a refusal": (b"HTTP/1.1 400 Bad Request\r\nX-", Outcome.PERMANENT, "answered 400"),
    "before the status": (b"HTTP/1.1 20", Outcome.AMBIGUOUS, "sent, but no answer came within 0.5 s"),
}


@pytest.mark.parametrize(("raw", "outcome", "detail"), STALLED.values(), ids=STALLED)
def test_a_status_counts_if_the_rest_of_the_answer_never_comes(
    raw_server: RawServer, send: Send, raw: bytes, outcome: Outcome, detail: str
) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(raw)
        while connection.recv(65536):
            pass

    connector = WebhookConnector(url=Secret(value=f"http://127.0.0.1:{raw_server(serve)}/hook"))

    verdict = send(connector, timeout_seconds=0.5)

    assert (verdict.outcome, verdict.detail) == (outcome, detail)


def test_interim_answers_without_end_are_left_at_the_deadline(raw_server: RawServer, send: Send) -> None:
    port = raw_server(answering_in_pieces([b"HTTP/1.1 102 Processing\r\n\r\n" * 2000] * 20))
    started = time.monotonic()
    verdict = send(WebhookConnector(url=Secret(value=f"http://127.0.0.1:{port}/hook")), timeout_seconds=2.0)
    assert verdict.outcome is Outcome.AMBIGUOUS
    assert time.monotonic() - started < 5


def answering_in_pieces(pieces: list[bytes]) -> Callable[[socket.socket], None]:
    """Answer with bytes that arrive one after another."""

    def serve(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.01)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(2)
        while connection.recv(65536):
            pass

    return serve


@pytest.mark.parametrize(
    ("status", "expected"), [(400, Outcome.PERMANENT), (410, Outcome.DISABLED), (503, Outcome.RETRY)]
)
def test_what_a_webhook_refused_in_an_odd_way_counts_by_its_status(
    raw_server: RawServer, send: Send, status: int, expected: Outcome
) -> None:
    raw = b"HTTP/1.1 %d X\r\nnonsense\r\n" % status + BODY
    port = raw_server(answering(raw, []))
    assert send(WebhookConnector(url=Secret(value=f"http://127.0.0.1:{port}/hook"))).outcome is expected


def test_a_success_whose_body_says_more_stays_open_when_that_cannot_be_read(
    raw_server: RawServer, send: Send
) -> None:
    port = raw_server(answering(OK + b"nonsense\r\n" + BODY, []))
    verdict = send(SlackConnector(url=Secret(value=f"http://127.0.0.1:{port}/services/T0/B0/key")))
    assert verdict.outcome is Outcome.AMBIGUOUS
    assert verdict.detail == "answered 200, but the answer broke off"


@every_connector
@pytest.mark.parametrize("encoding", ["gzip", "X-GZIP", "deflate", "raw deflate", "deflate, gzip"])
def test_takes_what_is_packed_although_it_asked_for_the_opposite(
    sample: Sample, httpserver: HTTPServer, send: Send, encoding: str
) -> None:
    taken = sample.taken
    packed = pack(taken.body.encode(), encoding)
    headers = {**taken.headers, "content-encoding": encoding.removeprefix("raw ")}
    httpserver.expect_request(re.compile(".*")).respond_with_data(
        packed, status=taken.status, headers=headers, content_type=taken.content_type
    )
    assert send(sample.make(httpserver.url_for("").rstrip("/"))).succeeded


@every_connector
def test_takes_what_comes_with_a_header_of_9_kilobytes(
    sample: Sample, answer: Callable[..., HTTPServer], send: Send
) -> None:
    taken = sample.taken
    headers = {**taken.headers, "content-security-policy": "x" * 9000}
    server = answer(taken.status, taken.body, headers, taken.content_type)
    assert send(sample.make(server.url_for("").rstrip("/"))).succeeded


def pack(body: bytes, encoding: str) -> bytes:
    """Pack a body as a server does."""
    if encoding == "raw deflate":
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(body) + packer.flush()
    for each in encoding.split(", "):
        body = zlib.compress(body) if each == "deflate" else gzip.compress(body)
    return body


def test_a_bomb_is_unpacked_no_further_than_a_body_is_read() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    assert unpack(bomb, "gzip", LARGEST_BODY_READ) == b"x" * LARGEST_BODY_READ


def test_what_is_cut_off_is_unpacked_as_far_as_it_goes() -> None:
    body = json.dumps({"number": 7, "more": "x" * 100}).encode()
    assert body.startswith(unpack(gzip.compress(body)[:-12], "gzip", LARGEST_BODY_READ))


@pytest.mark.parametrize("encoding", ["", "identity", "br", "zstd", "nonsense"])
def test_what_cannot_be_unpacked_stays_as_it_is(encoding: str) -> None:
    assert unpack(b"ok", encoding, LARGEST_BODY_READ) == b"ok"
