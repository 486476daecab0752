"""An SMTP session that keeps one deadline, and what the replies of the server mean."""

import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from blocks.http.failures import judge_failure
from blocks.http.proxies import SettingError
from blocks.http.responses import disable
from rollback_drills.notifications.outcome import Outcome, Verdict

_LARGEST_ANSWERS: Final = 256 * 1024
_LONGEST_LINE: Final = 8192
_PIECE: Final = 16 * 1024  # what one TLS record holds
_LONGEST_FAREWELL_SECONDS: Final = 1.0

_TAKEN: Final = range(200, 300)
_QUEUED: Final = 250
"""The one success after a mail: https://www.rfc-editor.org/rfc/rfc5321#section-4.3.2"""
_REFUSED_FOR_NOW: Final = range(400, 500)
_REFUSED: Final = range(500, 600)
# 534 and 538 ask for another way to log in: https://www.rfc-editor.org/rfc/rfc4954#section-6
_LOGIN_REFUSED: Final = frozenset({534, 535, 538})


class _Answers(io.RawIOBase):
    """The answers of the server, read within the time that is left."""

    def __init__(self, connection: socket.socket, time_left: Callable[[], float]) -> None:
        super().__init__()
        self._connection = connection
        self._time_left = time_left
        self._left = _LARGEST_ANSWERS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # what a buffered reader passes
        self._connection.settimeout(self._time_left())
        count = self._connection.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise ConnectionError("the server does not stop sending")
        return count


class _Lines(io.BufferedReader):
    """The answers in lines, cut to what smtplib reads: it takes a longer line for a refusal."""

    def readline(self, size: int | None = -1, /) -> bytes:
        del size
        return super().readline()[:_LONGEST_LINE]


class SmtpSession(smtplib.SMTP):
    """An SMTP session that keeps one deadline, however slowly the server drips; smtplib's is per read."""

    def __init__(self, timeout_seconds: float, local_hostname: str) -> None:
        super().__init__(local_hostname=local_hostname)
        self.timeout_seconds = timeout_seconds
        self.has_sent = False
        self._until = time.monotonic() + timeout_seconds
        self._tls: ssl.SSLContext | None = None

    def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Connect, and read the greeting."""
        self._host = host  # starttls verifies the certificate for it
        self._tls = tls
        code, text = self.connect(host, port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)

    def log_in(self, user: str, password: str) -> None:
        """Log in once: smtplib's login tries the next mechanism when a password is refused."""
        self.user, self.password = user, password
        offered = self.esmtp_features.get("auth", "").upper().split()
        for mechanism, answer in (
            ("PLAIN", self.auth_plain),
            ("LOGIN", self.auth_login),
            ("CRAM-MD5", self.auth_cram_md5),
        ):
            if mechanism in offered:
                self.auth(mechanism, answer)
                return
        raise smtplib.SMTPNotSupportedError("a login with a password")

    def say_goodbye(self) -> None:
        """End the session, but wait only a moment: the mail has been answered."""
        with suppress(OSError):
            self._until = time.monotonic() + min(_LONGEST_FAREWELL_SECONDS, self._time_left())
            self.quit()

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply within the time that is left."""
        if self.file is None and self.sock is not None:
            self.file = _Lines(_Answers(self.sock, self._time_left))
        return super().getreply()

    def send(self, s: bytes | str) -> None:  # type: ignore[override]  # smtplib passes nothing else
        """Send within the time that is left."""
        data = s.encode("ascii") if isinstance(s, str) else s
        for start in range(0, len(data), _PIECE):
            if self.sock is not None:
                self.sock.settimeout(self._time_left())
            super().send(data[start : start + _PIECE])

    def send_content(self, content: bytes) -> tuple[int, bytes]:
        """Send a mail after DATA; no server may accept it before its last dot."""
        self.send(re.sub(rb"(?m)^\.", b"..", content))
        self.has_sent = True
        self.send(b".\r\n")
        return self.getreply()

    def _time_left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del timeout
        failure: OSError | None = None
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            left = self._time_left()
            try:
                connection = socket.create_connection((str(address[0]), port), left)
            except OSError as error:
                failure = error
                continue
            if self._tls is None:
                return connection
            connection.settimeout(self._time_left())
            return self._tls.wrap_socket(connection, server_hostname=host)
        raise failure or OSError("the host has no address")


def submit(smtp: SmtpSession, sender: str, recipients: Sequence[str], content: bytes) -> Verdict:
    """Hand a mail over for all recipients; the verdict names those who were refused."""
    options = [f"size={len(content)}"] if smtp.has_extn("size") else []
    reply = smtp.mail(sender, options)
    if reply[0] not in _TAKEN:
        return judge_reply(*reply)
    replies = [smtp.rcpt(recipient) for recipient in recipients]
    refused = [(number, reply) for number, reply in enumerate(replies, 1) if reply[0] not in _TAKEN]
    if len(refused) == len(recipients):
        # Whoever is refused for now may be taken later.
        for_now = [reply for _, reply in refused if reply[0] in _REFUSED_FOR_NOW]
        return judge_reply(*(for_now or [refused[0][1]])[0])
    reply = smtp.docmd("DATA")
    if reply[0] == 354:
        reply = smtp.send_content(content)
    elif reply[0] in _TAKEN:
        return _judge_misplaced(reply[0])
    verdict = judge_reply(*reply, sent=smtp.has_sent)
    if verdict.succeeded and refused:
        names = ", ".join(f"recipient {number} ({reply[0]})" for number, reply in refused)
        count = f"{len(recipients) - len(refused)} of {len(recipients)} recipients"
        return replace(verdict, detail=f"answered {reply[0]}: queued for {count}; refused: {names}")
    return verdict


def judge_reply(code: int, text: bytes | str, *, sent: bool = False) -> Verdict:
    """Judge a reply; after an unknown one, a mail that was sent may have arrived."""
    said = text if isinstance(text, str) else text.decode(errors="replace")
    detail = f"answered {code}: {said}"
    if code == _QUEUED or (code in _TAKEN and not sent):
        return Verdict(Outcome.ACCEPTED, f"answered {code}: queued", code)
    if code in _LOGIN_REFUSED:
        return disable(detail, code)
    if code in _REFUSED_FOR_NOW:
        return Verdict(Outcome.RETRY, detail, code)
    if code in _REFUSED:
        return Verdict(Outcome.PERMANENT, detail, code)
    if sent:
        return Verdict(Outcome.AMBIGUOUS, "sent, but the answer is not smtp")
    return Verdict(Outcome.PERMANENT, "the answer is not smtp; check host, port and security")


def _judge_misplaced(code: int) -> Verdict:
    """Judge a success where a server that speaks SMTP says something else: nothing was handed over."""
    detail = f"answered {code} before the mail was sent, which is not smtp; check host, port and security"
    return Verdict(Outcome.PERMANENT, detail, code)


def judge_error(error: Exception, smtp: SmtpSession) -> Verdict:
    """Judge the error with which a session ended."""
    sent, timeout_seconds = smtp.has_sent, smtp.timeout_seconds
    if isinstance(error, smtplib.SMTPResponseException):
        if error.smtp_code in _TAKEN:
            return _judge_misplaced(error.smtp_code)
        return judge_reply(error.smtp_code, error.smtp_error, sent=sent)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Verdict(Outcome.PERMANENT, f"the server does not support what is needed: {error}")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        cause = error.__context__
        if not sent and not isinstance(cause, TimeoutError | ssl.SSLError):
            return Verdict(Outcome.RETRY, "the server closed the connection")
        error = cause if isinstance(cause, OSError) else error
    if not sent and isinstance(error, TimeoutError):
        return Verdict(Outcome.RETRY, f"the mail was not accepted within {timeout_seconds:.3g} s")
    if isinstance(error, OSError | SettingError):
        return judge_failure(error, sent=sent, timeout_seconds=timeout_seconds)
    outcome = Outcome.AMBIGUOUS if sent else Outcome.PERMANENT
    return Verdict(outcome, "the server violates the smtp protocol; check host, port and security")
