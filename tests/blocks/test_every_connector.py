"""The table of faults that every connector over HTTP passes; a new connector is one more row."""

import html
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import import_module
from inspect import isabstract
from itertools import chain, cycle, product
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import trustme
from prefect.blocks.core import Block
from prefect.utilities.dispatch import get_registry_for_type
from pytest_httpserver import HTTPServer

from blocks.connector import Connector
from blocks.http.connector import HttpConnector
from blocks.registry import CONNECTORS
from rollback_drills.connectors.types import CONNECTOR_TYPES
from rollback_drills.notifications.notification import Link, Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason
from tests.blocks.samples import Sample


def find_samples() -> Iterator[Sample]:
    """Yield the sample of every test module beside this one."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if "\nSAMPLE = Sample(" in path.read_text():
            yield import_module(f"tests.blocks.{path.stem}").SAMPLE


SAMPLES = tuple(find_samples())
EARLIER_REFS = ("", "OPS-1", "7", "C0123ABCD:1732456789.000100", "INC1 0123456789abcdef0123456789abcdef")
TAKES_ANY_BODY = {"webhook", "teams"}  # their vendors promise nothing about the body of a 2xx
RawServer = Callable[[Callable[[socket.socket], None]], int]
Send = Callable[..., Verdict]

every_connector = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


def check_shows_no_secret(verdict: Verdict, sample: Sample) -> None:
    """Look for the secrets in everything that is kept of an attempt."""
    for secret in sample.secrets:
        assert secret not in repr(verdict)
    assert "\n" not in verdict.detail
    assert len(verdict.detail) <= 300


def outcome_of(
    sample: Sample, send: Send, origin: str, expected: set[Outcome], *, timeout_seconds: float = 5.0
) -> Verdict:
    """Send through one connector, and see that it ends as documented, in time and without a secret."""
    started = time.monotonic()
    verdict = send(sample.make(origin.rstrip("/")), timeout_seconds=timeout_seconds)
    assert time.monotonic() - started < timeout_seconds + 30
    assert verdict.outcome in expected, verdict
    check_shows_no_secret(verdict, sample)
    return verdict


def test_a_server_that_starts_registers_every_connector_and_no_abstract_class() -> None:
    registered = get_registry_for_type(Block) or {}
    ours = [each for each in registered.values() if each.__module__.startswith("blocks.")]

    assert {each.__name__ for each in ours} == {each.__name__ for each in CONNECTORS.values()}
    assert len(ours) == len(CONNECTORS)
    assert not [each for each in ours if isabstract(each)]


def test_every_type_of_connector_is_registered_and_tried_here() -> None:
    assert list(CONNECTORS) == list(CONNECTOR_TYPES)
    assert all(issubclass(kind, Connector) for kind in CONNECTORS.values())
    over_http = {kind for kind in CONNECTORS.values() if issubclass(kind, HttpConnector)}
    assert {type(sample.make("http://127.0.0.1:9")) for sample in SAMPLES} == over_http


@every_connector
def test_takes_what_the_vendor_takes(sample: Sample, answer: Callable[..., HTTPServer], send: Send) -> None:
    taken = sample.taken
    server = answer(taken.status, taken.body, taken.headers, taken.content_type)
    outcome_of(sample, send, server.url_for(""), {Outcome.DELIVERED, Outcome.ACCEPTED})


@every_connector
@pytest.mark.parametrize("line", ["101 Switching Protocols", "020 OK"])
def test_an_answer_below_200_is_no_delivery(
    sample: Sample, raw_server: RawServer, send: Send, line: str
) -> None:
    body = sample.taken.body.encode()
    head = f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head + body)

    origin = f"http://127.0.0.1:{raw_server(answer)}"
    verdict = outcome_of(sample, send, origin, {Outcome.PERMANENT})
    assert "which is no answer" in verdict.detail


@every_connector
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_refuses_a_redirect(
    sample: Sample, answer: Callable[..., HTTPServer], send: Send, status: int
) -> None:
    server = answer(status, "", {"location": "https://elsewhere.example.invalid/"})
    verdict = outcome_of(sample, send, server.url_for(""), {Outcome.PERMANENT})
    assert "redirect" in verdict.detail
    assert len(server.log) == 1


@every_connector
@pytest.mark.parametrize("body", ["", "<!doctype html><title>Sign in</title>", '{"ok": false, "error": "x"}'])
def test_a_200_alone_is_no_delivery(
    sample: Sample, answer: Callable[..., HTTPServer], send: Send, body: str
) -> None:
    kind = "text/html" if body.startswith("<") else "application/json"
    server = answer(200, body, content_type=kind)
    refused = {Outcome.PERMANENT, Outcome.RETRY, Outcome.AMBIGUOUS}
    expected = {Outcome.DELIVERED, Outcome.ACCEPTED} if sample.name in TAKES_ANY_BODY else refused
    outcome_of(sample, send, server.url_for(""), expected)


@every_connector
def test_a_body_of_ten_megabytes_is_not_read_to_its_end(
    sample: Sample, answer: Callable[..., HTTPServer], send: Send
) -> None:
    server = answer(400, "x" * 10_000_000)
    outcome_of(sample, send, server.url_for(""), {Outcome.PERMANENT})


@every_connector
@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        pytest.param({}, None, None, id="without Retry-After"),
        pytest.param({"retry-after": "7"}, 7, 7, id="seconds"),
        pytest.param({"retry-after": "99999999999"}, 3600, 3600, id="absurd"),
        pytest.param({"retry-after": "soon"}, None, None, id="unreadable"),
        pytest.param({"retry-after": "<date>"}, 85, 91, id="date"),
    ],
)
def test_a_429_asks_for_a_pause(
    sample: Sample,
    answer: Callable[..., HTTPServer],
    send: Send,
    headers: dict[str, str],
    least: float | None,
    most: float | None,
) -> None:
    in_90_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    headers = {name: value.replace("<date>", in_90_seconds) for name, value in headers.items()}
    server = answer(429, '{"retry_after": "x"}', headers)
    verdict = outcome_of(sample, send, server.url_for(""), {Outcome.RETRY})
    if least is not None and most is not None:
        assert verdict.retry_after_seconds is not None
        assert least <= verdict.retry_after_seconds <= most


@every_connector
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_is_tried_again(
    sample: Sample, answer: Callable[..., HTTPServer], send: Send, status: int
) -> None:
    # Where the vendor can be asked, it is asked first whether it has the item.
    can_find = sample.make("http://127.0.0.1:9").can_find
    expected = {Outcome.RETRY, Outcome.AMBIGUOUS} if can_find else {Outcome.RETRY}
    outcome_of(sample, send, answer(status, "").url_for(""), expected)


@every_connector
def test_an_unauthorised_connector_is_dead(
    sample: Sample, answer: Callable[..., HTTPServer], send: Send
) -> None:
    refused = {Outcome.DISABLED}
    if sample.name == "pagerduty":
        refused.add(Outcome.PERMANENT)  # it knows no 401: a wrong key is a 400
    outcome_of(sample, send, answer(401, "").url_for(""), refused)


@every_connector
def test_a_server_that_drips_is_ended_at_the_deadline(
    sample: Sample, raw_server: RawServer, send: Send
) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x-filler: drip\r\n" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    origin = f"http://127.0.0.1:{raw_server(drip)}"
    expected = {Outcome.AMBIGUOUS, Outcome.RETRY}
    if getattr(sample.make(origin), "judges_by_status", False):
        expected |= {Outcome.DELIVERED, Outcome.ACCEPTED}  # the status is enough
    outcome_of(sample, send, origin, expected, timeout_seconds=1.0)


@every_connector
def test_a_reset_after_the_request_leaves_the_outcome_open(
    sample: Sample, raw_server: RawServer, send: Send
) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    origin = f"http://127.0.0.1:{raw_server(reset)}"
    outcome_of(sample, send, origin, {Outcome.AMBIGUOUS})


@every_connector
def test_nobody_there_is_tried_again(sample: Sample, send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome_of(sample, send, f"http://127.0.0.1:{port}", {Outcome.RETRY})


@every_connector
def test_a_name_that_does_not_resolve_is_tried_again(sample: Sample, send: Send) -> None:
    outcome_of(sample, send, "https://nowhere.invalid", {Outcome.RETRY}, timeout_seconds=1.0)


SHAPES = ({"x": 1}, [{"x": [None]}], 7, None, "\ud800")
NAMES = (
    *("ok", "error", "errors", "message", "result", "key", "id", "code", "text", "status", "name", "ts"),
    *("number", "channel", "issues", "transitions", "fields", "retry_after", "errorMessages", "sys_id"),
)
ANSWERS = tuple(
    (status, body)
    for status in (200, 201, 202, 400, 403, 404, 429, 500)
    for body in (*(dict.fromkeys(NAMES, shape) for shape in SHAPES), [7])
)
LATER = tuple(product((Reason.REPEAT, Reason.RESOLVED), EARLIER_REFS))
"""What a notification may be that is not the first one of its cycle."""


def check_answers(
    sample: Sample,
    server: HTTPServer,
    make_notification: Callable[..., Notification],
    cases: Iterable[tuple[tuple[int, object], tuple[Reason, str]]],
) -> None:
    """Let the server answer in each of these ways to a notification of that reason with that reference."""
    connector = sample.make(server.url_for("").rstrip("/"))
    for (status, body), (reason, earlier_ref) in cases:
        server.clear()
        server.expect_request(re.compile(".*")).respond_with_json(body, status=status)
        notification = make_notification(reason=reason, earlier_ref=earlier_ref)
        check_shows_no_secret(connector.send(notification, timeout_seconds=5), sample)


@every_connector
def test_an_answer_of_unexpected_shapes_ends_in_a_verdict(
    sample: Sample, httpserver: HTTPServer, make_notification: Callable[..., Notification]
) -> None:
    first = ((answer, (Reason.FIRST, "")) for answer in ANSWERS)
    check_answers(sample, httpserver, make_notification, chain(first, zip(ANSWERS, cycle(LATER))))


@pytest.mark.chaos
@every_connector
def test_an_answer_of_unexpected_shapes_ends_in_a_verdict_for_every_notification(
    sample: Sample, httpserver: HTTPServer, make_notification: Callable[..., Notification]
) -> None:
    check_answers(sample, httpserver, make_notification, product(ANSWERS, LATER))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def wrong_name(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> HTTPServer:
    """Serve TLS with a certificate for another name, from an authority that is trusted."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example.invalid").configure_cert(context)
    return HTTPServer(host="127.0.0.1", port=0, ssl_context=context)


@every_connector
def test_a_certificate_for_another_name_is_refused(
    sample: Sample,
    wrong_name: HTTPServer,
    authority: trustme.CA,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    trusted = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with wrong_name as server:
        origin = f"https://127.0.0.1:{server.port}"
        verdict = outcome_of(sample, send, origin, {Outcome.PERMANENT})
        assert "certificate" in verdict.detail
        assert not server.log


LINK = Link('Run "payments" & <co>', "https://prefect.example/runs/1?a=b&c=d%20e")
SHOWS_NO_LINKS = {"sentinel"}  # the columns of its table are fixed


@every_connector
def test_a_message_shows_its_links(sample: Sample, answer: Callable[..., HTTPServer], send: Send) -> None:
    taken = sample.taken
    server = answer(taken.status, taken.body, taken.headers, taken.content_type)

    send(sample.make(server.url_for("").rstrip("/")), links=(LINK,))

    sent = "".join(request.get_data(as_text=True) for request, _ in server.log)
    forms = (sent, unquote_plus(sent), sent.replace("\\u0026", "&"))
    assert any(LINK.url in html.unescape(form) for form in forms) is (sample.name not in SHOWS_NO_LINKS)
