"""Mail: a real SMTP server takes it, the standard parser reads it, and every end of a session is judged."""

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from prefect.blocks.system import Secret
from pydantic import ValidationError

from blocks.mail import MailConnector
from rollback_drills.evidence.ledger.checkpoint import read_witnesses
from rollback_drills.notifications.notification import Attachment, Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.reasons import Reason

PASSWORD = "s3cr3t-Passw0rd"
FIRST = "<gordmsg-fedcba9876543210@example.invalid>"


def make(port: int = 587, **overrides: Any) -> MailConnector:
    fields: dict[str, Any] = {
        "host": "localhost",
        "port": port,
        "security": "none",
        "sender": "drills@example.invalid",
        "recipients": ["one@example.invalid", "two@example.invalid", "three@example.invalid"],
    }
    return MailConnector(**fields | overrides)


LOGIN: dict[str, Any] = {"user": "robot", "password": Secret(value=PASSWORD)}


# --- what is written ---------------------------------------------------------------------------------------


class Tables(HTMLParser):
    """Reads the tables and the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.text = ""
        self._is_in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._is_in_cell = tag in ("th", "td")
        if tag == "tr":
            self.rows.append([])
        if self._is_in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_cell = self._is_in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._is_in_cell:
            self.rows[-1][-1] += data


def parse(content: bytes) -> tuple[EmailMessage, str, Tables]:
    """Let the standard library read a mail; fail if anything about it is irregular."""
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
        for name, value in part.items():
            assert value.defects == (), name
    for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"):
        assert len(message.get_all(name, [])) == 1, name
    assert message.get_content_type() == "multipart/alternative"
    plain, rich = message.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    tables = Tables()
    tables.feed(rich.get_content())
    return message, plain.get_content().replace("\r\n", "\n"), tables


@pytest.fixture
def written(
    make_notification: Callable[..., Notification], now: datetime
) -> Callable[..., tuple[EmailMessage, str, Tables]]:
    def write(**overrides: Any) -> tuple[EmailMessage, str, Tables]:
        return parse(make().write(make_notification(**overrides), now=now))

    return write


Written = Callable[..., tuple[EmailMessage, str, Tables]]


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param({}, id="usual"),
        pytest.param({"facts": ()}, id="no facts"),
        pytest.param(
            {"title": "t" * 5000, "summary": "s" * 9000, "acknowledge": "a" * 9000}, id="long texts"
        ),
        pytest.param({"facts": tuple((f"Fact {n}", "v" * 3000) for n in range(600))}, id="many facts"),
        pytest.param(
            {"title": "演習" * 200, "summary": "演習", "facts": (("期限", "🧯" * 1500),)}, id="not latin"
        ),
        pytest.param({"title": "half \ud83e", "summary": "half \ud83e and \0 nothing"}, id="without bytes"),
        pytest.param({"title": "=?utf-8?q?x?=", "summary": ".\n..\nFrom x\n\r\x0b\x85"}, id="mail syntax"),
        pytest.param({"reason": Reason.RESOLVED, "acknowledge": ""}, id="resolved"),
        pytest.param({"reason": Reason.REPEAT, "earlier_ref": FIRST, "may_repeat": True}, id="repeat"),
    ],
)
def test_a_mail_reader_finds_nothing_wrong(written: Written, overrides: dict[str, Any]) -> None:
    message, plain, tables = written(**overrides)
    assert "gordmsg-0123456789abcdef" in plain
    assert "gordmsg-0123456789abcdef" in tables.text
    assert message["To"].addresses[2].addr_spec == "three@example.invalid"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"\r\n", b"\n", id="bare line feeds"),
        pytest.param(b"Message-ID: <", b"Message-ID: ", id="bad message id"),
        pytest.param(b"From: drills@", b"From: drills@@", id="bad address"),
        pytest.param(b"\r\nDate:", b"\r\nX-Date:", id="no date"),
        pytest.param(b"boundary=", b"bound=", id="no boundary"),
    ],
)
def test_the_reader_refuses_broken_mail(
    make_notification: Callable[..., Notification], now: datetime, old: bytes, new: bytes
) -> None:
    content = make().write(make_notification(), now=now)
    parse(content)
    assert old in content
    with pytest.raises((AssertionError, ValueError)):
        parse(content.replace(old, new))


def test_says_everything_as_text_and_as_table(
    written: Written, make_notification: Callable[..., Notification]
) -> None:
    notification = make_notification()
    message, plain, tables = written()
    assert message["Subject"] == notification.title
    assert message["Date"].datetime == datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    assert message["Auto-Submitted"] == "auto-generated"
    for part in (notification.summary, notification.acknowledge, notification.footer):
        assert part in plain
        assert part in tables.text
    assert tables.rows == [list(fact) for fact in notification.facts]
    assert all(f"{label}: {value}" in plain for label, value in notification.facts)


def test_markup_of_others_stays_text(written: Written) -> None:
    hostile = '</td></table><img src="https://example.invalid/x"><script>alert(1)</script> & "quoted"'
    _, plain, tables = written(
        title=hostile, summary=hostile, acknowledge=hostile, facts=((hostile, hostile),)
    )
    assert not {"img", "script"} & set(tables.tags)
    assert tables.tags.count("table") == 1
    assert tables.rows == [[hostile, hostile]]
    assert hostile in plain


def test_no_text_can_add_a_header(written: Written) -> None:
    inject = "x\r\nBcc: victim@example.invalid\r\n\r\nbody"
    message, _, _ = written(
        title=inject, summary=inject, earlier_ref=f"{FIRST}\r\nBcc: victim@example.invalid"
    )
    assert message["Bcc"] is None
    assert message["In-Reply-To"] is None, "what is no message id is no reference"
    assert message["Subject"] == "x Bcc: victim@example.invalid body"


def test_the_head_of_the_evidence_is_a_header_that_nobody_has_to_read(
    written: Written, make_notification: Callable[..., Notification]
) -> None:
    head = f"17 {base64.b64encode(bytes(32)).decode()}"
    event = {**make_notification().event, "evidence_head": head}
    message, plain, tables = written(event=event)

    assert message["X-Rollback-Drills-Evidence-Head"].strip() == head  # its line was folded
    assert head not in plain + tables.text
    assert [each.size for each in read_witnesses(str(message))] == [17]
    assert written(event={**event, "evidence_head": ""})[0]["X-Rollback-Drills-Evidence-Head"] is None


@pytest.mark.parametrize("character", ["x", "演", "&", "🧯"])
def test_the_largest_digest_keeps_every_row(written: Written, character: str) -> None:
    count = MailConnector.most_in_one_message
    assert count > 1
    rows = tuple((f"{n}{character * 197}", f"{n}{character * 147}") for n in range(count))
    _, plain, tables = written(facts=rows)
    assert tables.rows == [list(row) for row in rows]
    assert all(f"{label}: {value}" in plain for label, value in rows)
    assert "shortened" not in plain


def test_an_attachment_goes_along_whole_and_beside_the_text(
    make_notification: Callable[..., Notification],
) -> None:
    text = json.dumps({"notes": "ü" * 300_000})
    notification = make_notification(attachment=Attachment("gordackaudit-1.json", text))

    content = make().write(notification, now=datetime.now(UTC))

    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage)
    assert mail.get_content_type() == "multipart/mixed"
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (
        "gordackaudit-1.json",
        "application/json",
    )
    assert attached.get_content() == text.encode()
    body = mail.get_body(("plain",))
    assert body is not None
    assert notification.summary in " ".join(body.get_content().split())


def test_a_possible_repeat_says_so(written: Written) -> None:
    assert "it may repeat a message" in written(may_repeat=True)[1]
    assert "it may repeat a message" not in written()[1]


def test_the_message_id_is_the_same_over_every_attempt(written: Written) -> None:
    assert written()[0]["Message-ID"] == "<gordmsg-0123456789abcdef@example.invalid>"
    assert written(may_repeat=True)[0]["Message-ID"] == written()[0]["Message-ID"]


def test_the_title_of_the_connector_comes_first(
    make_notification: Callable[..., Notification], now: datetime
) -> None:
    message, _, _ = parse(make(title="[TEST]").write(make_notification(), now=now))
    assert message["Subject"].startswith("[TEST] Rollback drill overdue")


# --- what a real server does -------------------------------------------------------------------------------


@dataclass
class Mailbox:
    """Keeps what arrives; refuses recipients and content as it is told."""

    refused: dict[str, str] = field(default_factory=dict)
    after_data: str = "250 OK"
    envelopes: list[Envelope] = field(default_factory=list)

    def contents(self) -> list[bytes]:
        return [bytes(envelope.original_content or b"") for envelope in self.envelopes]

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return self.after_data


StartServer = Callable[..., int]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture
def start(authority: trustme.CA) -> Iterator[StartServer]:
    """Start a real SMTP server on this machine."""
    controllers: list[Controller] = []

    def check_login(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        is_right = (given.login, given.password) == (b"robot", PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)

    def start_server(
        mailbox: Mailbox, *, security: str = "none", name: str = "localhost", **options: Any
    ) -> int:
        context = None
        if security != "none":
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert(name).configure_cert(context)
        with socket.create_server(("127.0.0.1", 0)) as listener:  # aiosmtpd cannot say which port it got
            port: int = listener.getsockname()[1]
        controller = Controller(
            mailbox,
            hostname="127.0.0.1",
            port=port,
            server_hostname="localhost",
            ssl_context=context if security == "tls" else None,
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            authenticator=check_login,
            auth_require_tls=security == "starttls",
            **options,
        )
        controller.start()
        controllers.append(controller)
        return port

    yield start_server
    for controller in controllers:
        controller.stop(no_assert=True)


def test_a_server_takes_the_mail_for_all_recipients(start: StartServer, send: Callable[..., Verdict]) -> None:
    mailbox = Mailbox()
    port = start(mailbox)
    verdict = send(make(port))
    assert (verdict.outcome, verdict.status_code) == (Outcome.ACCEPTED, 250)
    assert verdict.external_ref == "<gordmsg-0123456789abcdef@example.invalid>"
    (envelope,) = mailbox.envelopes
    assert envelope.mail_from == "drills@example.invalid"
    assert envelope.rcpt_tos == ["one@example.invalid", "two@example.invalid", "three@example.invalid"]
    assert verdict.request is not None
    assert (verdict.request.method, verdict.request.url) == ("MAIL", f"smtp://localhost:{port}")


def test_what_arrives_is_what_was_written(
    start: StartServer, send: Callable[..., Verdict], make_notification: Callable[..., Notification]
) -> None:
    mailbox = Mailbox()
    send(make(start(mailbox)), summary=".\n..two\n.three")
    _, plain, _ = parse(mailbox.contents()[0])
    assert ".\n..two\n.three" in plain


def test_whatever_follows_answers_the_first_mail(start: StartServer, send: Callable[..., Verdict]) -> None:
    mailbox = Mailbox()
    connector = make(start(mailbox))
    first = send(connector)
    for reason in (Reason.REPEAT, Reason.RESOLVED):
        later = send(
            connector, notification_id=f"gordmsg-{reason}", reason=reason, earlier_ref=first.external_ref
        )
        assert later.external_ref == first.external_ref
    for content in mailbox.contents()[1:]:
        message, _, _ = parse(content)
        assert message["In-Reply-To"] == message["References"] == first.external_ref
        assert message["Message-ID"] != first.external_ref
    assert parse(mailbox.contents()[0])[0]["In-Reply-To"] is None


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypts_and_logs_in(start: StartServer, send: Callable[..., Verdict], security: str) -> None:
    mailbox = Mailbox()
    port = start(mailbox, security=security, auth_required=security == "starttls")
    login = LOGIN if security == "starttls" else {}
    assert send(make(port, security=security, **login)).outcome is Outcome.ACCEPTED
    assert len(mailbox.envelopes) == 1
    assert make(port, security=security, **login).check().outcome is Outcome.DELIVERED
    assert len(mailbox.envelopes) == 1, "a trial sends nothing"


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_disables_and_is_not_shown(start: StartServer, send: Callable[..., Verdict]) -> None:
    port = start(Mailbox(), security="starttls")
    for verdict in (
        send(make(port, security="starttls", user="robot", password=Secret(value="wr0ng-Password"))),
        make(port, security="starttls", user="robot", password=Secret(value="wr0ng-Password")).check(),
    ):
        assert (verdict.outcome, verdict.status_code) == (Outcome.DISABLED, 535)
        assert "wr0ng" not in str(verdict)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_unknown_authority_is_refused(
    start: StartServer, send: Callable[..., Verdict], security: str
) -> None:
    mailbox = Mailbox()
    verdict = send(make(start(mailbox, security=security), security=security, **LOGIN))
    assert verdict.outcome is Outcome.PERMANENT
    assert "certificate" in verdict.detail
    assert mailbox.envelopes == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_name_is_refused(
    start: StartServer, send: Callable[..., Verdict], security: str
) -> None:
    port = start(Mailbox(), security=security, name="mail.example.invalid")
    assert send(make(port, security=security)).outcome is Outcome.PERMANENT


def test_a_server_without_starttls_gets_neither_password_nor_mail(
    start: StartServer, send: Callable[..., Verdict]
) -> None:
    mailbox = Mailbox()
    verdict = send(make(start(mailbox), security="starttls", **LOGIN))
    assert verdict.outcome is Outcome.PERMANENT
    assert "STARTTLS" in verdict.detail
    assert mailbox.envelopes == []


def test_who_is_refused_is_told_and_the_others_get_it(
    start: StartServer, send: Callable[..., Verdict]
) -> None:
    mailbox = Mailbox(refused={"two@example.invalid": "550 no such user two@example.invalid"})
    verdict = send(make(start(mailbox)))
    assert verdict.outcome is Outcome.ACCEPTED
    assert verdict.detail == "answered 250: queued for 2 of 3 recipients; refused: recipient 2 (550)"
    assert mailbox.envelopes[0].rcpt_tos == ["one@example.invalid", "three@example.invalid"]


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        (("550 unknown", "550 unknown", "551 moved"), Outcome.PERMANENT),
        (("550 unknown", "451 greylisted", "550 unknown"), Outcome.RETRY),
        (("450 busy", "450 busy", "452 full"), Outcome.RETRY),
    ],
)
def test_if_all_are_refused_nothing_is_sent(
    start: StartServer, send: Callable[..., Verdict], replies: tuple[str, ...], expected: Outcome
) -> None:
    mailbox = Mailbox(refused=dict(zip(make().recipients, replies, strict=True)))
    assert send(make(start(mailbox))).outcome is expected
    assert mailbox.envelopes == []


def test_a_refusal_does_not_show_addresses(start: StartServer, send: Callable[..., Verdict]) -> None:
    mailbox = Mailbox(refused={"one@example.invalid": "550 <ONE@example.invalid> unknown"})
    verdict = send(make(start(mailbox), recipients=["one@example.invalid"]))
    assert verdict.detail == "answered 550: <[redacted]> unknown"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("250 2.0.0 queued", Outcome.ACCEPTED),
        ("421 closing", Outcome.RETRY),
        ("450 busy", Outcome.RETRY),
        ("451 local error", Outcome.RETRY),
        ("452 full", Outcome.RETRY),
        ("530 encryption needed", Outcome.PERMANENT),
        ("535 who are you", Outcome.DISABLED),
        ("550 spam", Outcome.PERMANENT),
        ("552 too large", Outcome.PERMANENT),
        ("553 bad address", Outcome.PERMANENT),
        ("554 refused", Outcome.PERMANENT),
    ],
)
def test_judges_the_reply_to_the_mail(
    start: StartServer, send: Callable[..., Verdict], reply: str, expected: Outcome
) -> None:
    verdict = send(make(start(Mailbox(after_data=reply))))
    assert (verdict.outcome, verdict.status_code) == (expected, int(reply[:3]))
    assert bool(verdict.external_ref) is (expected is Outcome.ACCEPTED)


def test_a_server_that_takes_less_is_told_the_size_beforehand(
    start: StartServer, send: Callable[..., Verdict]
) -> None:
    mailbox = Mailbox()
    verdict = send(make(start(mailbox, data_size_limit=1000)))
    assert (verdict.outcome, verdict.status_code) == (Outcome.PERMANENT, 552)


# --- what only a broken server does ------------------------------------------------------------------------

RawServer = Callable[[Callable[[socket.socket], None]], int]


def script(*replies: bytes, then: Callable[[socket.socket], None] = lambda _: None) -> Callable[[Any], None]:
    """Speak first, then answer every command in turn; a reply to the mail waits for its last dot."""

    def handle(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        is_content = False
        for number, reply in enumerate(replies, 1):
            connection.sendall(reply + b"\r\n")
            if number == len(replies):
                break
            line = lines.readline()
            while is_content and line != b".\r\n":
                line = lines.readline()
            is_content = line == b"DATA\r\n" or line == b"data\r\n"
        then(connection)

    return handle


AUTH = b"250-hi\r\n250 AUTH PLAIN"
UNTIL_DATA = (b"220 hi", b"250 hi", b"250 ok", b"250 ok", b"354 go")


def read_whole_mail(connection: socket.socket) -> None:
    data = b""
    while not data.endswith(b"\r\n.\r\n"):
        data += connection.recv(65536)


@pytest.mark.parametrize(
    ("replies", "overrides"),
    [
        pytest.param((b"250 hi",), {}, id="greeting"),
        pytest.param(
            (b"220 hi", b"250-hi\r\n250 STARTTLS", b"250 go"), {"security": "starttls"}, id="STARTTLS"
        ),
        pytest.param((b"220 hi", AUTH, b"250 welcome"), LOGIN, id="AUTH"),
        pytest.param((*UNTIL_DATA[:4], b"250 ok"), {}, id="DATA"),
    ],
)
def test_a_success_before_the_mail_was_sent_is_no_delivery(
    raw_server: RawServer,
    send: Callable[..., Verdict],
    replies: tuple[bytes, ...],
    overrides: dict[str, Any],
) -> None:
    port = raw_server(script(*replies))
    recipients = ["one@example.invalid"]
    verdict = send(make(port, host="127.0.0.1", recipients=recipients, **overrides))
    assert (verdict.outcome, verdict.detail) == (
        Outcome.PERMANENT,
        "answered 250 before the mail was sent, which is not smtp; check host, port and security",
    )


@pytest.mark.parametrize(
    ("replies", "then", "expected"),
    [
        pytest.param((b"421 busy",), None, Outcome.RETRY, id="421 as greeting"),
        pytest.param((b"554 go away",), None, Outcome.PERMANENT, id="554 as greeting"),
        pytest.param((b"SSH-2.0-x",), None, Outcome.PERMANENT, id="no smtp"),
        pytest.param((b"220 hi",), None, Outcome.RETRY, id="closed after the greeting"),
        pytest.param((b"220 hi", b"250 hi", b"451 later"), None, Outcome.RETRY, id="sender refused for now"),
        pytest.param((b"220 hi", b"250 hi", b"530 login"), None, Outcome.PERMANENT, id="login needed"),
        pytest.param((*UNTIL_DATA[:4], b"451 later"), None, Outcome.RETRY, id="DATA refused for now"),
        pytest.param(UNTIL_DATA, None, Outcome.AMBIGUOUS, id="closed while the mail is on its way"),
        pytest.param(UNTIL_DATA, read_whole_mail, Outcome.AMBIGUOUS, id="closed after the mail"),
        pytest.param((*UNTIL_DATA, b"what?"), None, Outcome.AMBIGUOUS, id="no smtp after the mail"),
        pytest.param((*UNTIL_DATA, b"221 bye"), None, Outcome.AMBIGUOUS, id="farewell after the mail"),
        pytest.param((*UNTIL_DATA, b"235 in"), None, Outcome.AMBIGUOUS, id="login after the mail"),
        pytest.param((b"220 hi", b"250 " + b"x" * 300_000), None, Outcome.RETRY, id="endless line"),
    ],
)
def test_judges_a_session_that_ends_early(
    raw_server: RawServer,
    send: Callable[..., Verdict],
    replies: tuple[bytes, ...],
    then: Callable[[socket.socket], None] | None,
    expected: Outcome,
) -> None:
    port = raw_server(script(*replies, then=then or (lambda _: None)))
    verdict = send(make(port, host="127.0.0.1", recipients=["one@example.invalid"]))
    assert verdict.outcome is expected
    assert verdict.detail[0].islower()


LONG = b"x" * 9000


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param((*UNTIL_DATA, b"250 " + LONG), id="the mail"),
        pytest.param((*UNTIL_DATA, b"250-" + LONG + b"\r\n250 ok"), id="the mail, in several lines"),
        pytest.param((b"220 " + LONG, *UNTIL_DATA[1:], b"250 ok"), id="greeting"),
        pytest.param((b"220 hi", b"250-hi\r\n250 " + LONG, *UNTIL_DATA[2:], b"250 ok"), id="EHLO"),
        pytest.param((*UNTIL_DATA[:4], b"354 " + LONG, b"250 ok"), id="DATA"),
    ],
)
def test_a_reply_of_9_kilobytes_counts_by_its_code(
    raw_server: RawServer, send: Callable[..., Verdict], replies: tuple[bytes, ...]
) -> None:
    port = raw_server(script(*replies))
    verdict = send(make(port, host="127.0.0.1", recipients=["one@example.invalid"]))
    assert (verdict.outcome, verdict.detail) == (Outcome.ACCEPTED, "answered 250: queued")


def drip(connection: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection.sendall(b"2")
            time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection.sendall(b"220-and more\r\n" * 1000)


def read_and_drip(connection: socket.socket) -> None:
    read_whole_mail(connection)
    drip(connection)


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        pytest.param(drip, Outcome.RETRY, id="drips the greeting"),
        pytest.param(flood, Outcome.RETRY, id="greets without end"),
        pytest.param(lambda connection: time.sleep(60), Outcome.RETRY, id="says nothing"),
        pytest.param(script(*UNTIL_DATA, then=read_and_drip), Outcome.AMBIGUOUS, id="drips the last reply"),
    ],
)
def test_no_server_outlives_the_deadline(
    raw_server: RawServer,
    send: Callable[..., Verdict],
    handle: Callable[[socket.socket], None],
    expected: Outcome,
) -> None:
    port = raw_server(handle)
    began = time.monotonic()
    verdict = send(make(port, host="127.0.0.1", recipients=["one@example.invalid"]), timeout_seconds=1.5)
    assert verdict.outcome is expected
    assert time.monotonic() - began < 30


def test_a_farewell_that_is_not_answered_changes_nothing(
    raw_server: RawServer, send: Callable[..., Verdict]
) -> None:
    release = threading.Event()

    def wait(_: socket.socket) -> None:
        release.wait(60)

    port = raw_server(script(*UNTIL_DATA, b"250 ok", then=wait))
    began = time.monotonic()
    verdict = send(make(port, host="127.0.0.1", recipients=["one@example.invalid"]), timeout_seconds=90)
    release.set()
    assert verdict.outcome is Outcome.ACCEPTED
    assert time.monotonic() - began < 30


def test_nobody_listening_is_tried_again(send: Callable[..., Verdict]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    verdict = send(make(port, host="127.0.0.1"))
    assert (verdict.outcome, verdict.detail) == (Outcome.RETRY, "the connection was refused")


def test_a_password_is_offered_once_and_its_echo_is_not_shown(
    raw_server: RawServer, send: Callable[..., Verdict]
) -> None:
    said: list[bytes] = []

    def echo(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 hi\r\n")
        lines.readline()
        connection.sendall(b"250-hi\r\n250 AUTH LOGIN PLAIN CRAM-MD5\r\n")
        said.append(lines.readline())
        connection.sendall(b"535 you said " + said[0])

    verdict = send(make(raw_server(echo), host="127.0.0.1", **LOGIN))
    assert said == [b"AUTH PLAIN " + base64.b64encode(f"\0robot\0{PASSWORD}".encode()) + b"\r\n"]
    assert verdict.outcome is Outcome.DISABLED
    assert base64.b64encode(f"\0robot\0{PASSWORD}".encode()).decode() not in str(verdict)
    assert PASSWORD not in str(verdict)


# --- what is configured ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ({"host": "mail.example.invalid"}, "none only works on this machine"),
        ({"host": "mail.example.invalid\r\nx"}, "not a host name"),
        ({"host": "bücher.example"}, "not a host name; write an international one as xn--"),
        ({"host": "mail.example."}, "and no dot at the end"),
        ({"user": "robot"}, "set together"),
        ({"password": Secret(value=PASSWORD)}, "set together"),
        ({"user": "robot", "password": Secret(value="pässword")}, "must be ascii"),
        ({"sender": "Drills <drills@example.invalid>"}, "the sender is not"),
        ({"sender": "drills@example\n.invalid"}, "the sender is not"),
        ({"recipients": []}, "at least 1 item"),
        (
            {"recipients": ["one@example.invalid", "two@example.invalid\r\nRCPT TO:<x@y>"]},
            "recipient 2 is not",
        ),
        ({"recipients": ["a..b@example.invalid"]}, "recipient 1 is not"),
        ({"recipients": ["nobody"]}, "recipient 1 is not"),
        ({"port": 0}, "greater than or equal to 1"),
    ],
)
def test_refuses_what_cannot_work(overrides: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        make(**overrides)
    assert PASSWORD not in str(caught.value)


def test_shows_no_password() -> None:
    connector = make(**LOGIN)
    for text in (repr(connector), str(connector), connector.model_dump_json()):
        assert PASSWORD not in text
