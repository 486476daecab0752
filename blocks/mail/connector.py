"""Mail, handed to a submission server over SMTP within one deadline."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, Final, Literal

from pydantic import Field, HttpUrl

from blocks.addresses import is_loopback
from blocks.connector import Connector
from blocks.http.client import tls_context
from blocks.mail.message import attachment_size, is_message_id, write_mail
from blocks.mail.smtp import SmtpSession, judge_error, judge_reply, submit
from blocks.secret_fields import OptionalSecretBlock, open_secret
from blocks.text import fit
from blocks.trial import trial_notification
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.redaction.redactor import REDACTED

_LARGEST_MESSAGE: Final = 256 * 1024  # servers take 10 MB and more; Gmail clips a page of 102 KB

# Addresses without quotes and comments: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
_HOST: Final = (
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
_ADDRESS: Final = re.compile(rf"(?=.{{3,254}}\Z){_ATOM}(?:\.{_ATOM})*@{_HOST}")


class MailConnector(Connector):
    """Sends mail through a submission server.

    Every mail goes to all recipients. If the server refuses some of them, the others get it, and it is not
    sent again. The verdict lists the refused recipients.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Mail"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-mail"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://www.rfc-editor.org/rfc/rfc6409")

    most_in_one_message: ClassVar[int] = 50

    host: str = Field(max_length=253, description="Name of the submission server.")
    port: int = Field(
        default=587, ge=1, le=65535, description="Port of the server: 587 with starttls, 465 with tls."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the connection is encrypted; none is for a server on this machine only.",
    )
    user: str = Field(default="", description="User name for the login; no login if it is empty.")
    password: OptionalSecretBlock = Field(default=None, title="Password", description="Password of the user.")
    sender: str = Field(description="Address in the From line; its domain is also part of the message ids.")
    recipients: list[str] = Field(
        min_length=1, max_length=100, description="Addresses that get every mail; they see each other."
    )
    title: str = Field(default="", max_length=60, description="Prefix of every title.")

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        if not re.fullmatch(_HOST, self.host) and not is_loopback(self.host):
            what = "write an international one as xn--…, and no dot at the end"
            return f"the host of the mail server is not a host name; {what}"
        if self.security == "none" and not is_loopback(self.host):
            return "the security of the mail server must be starttls or tls (none only works on this machine)"
        if bool(self.user) != (self.password is not None):
            return "user and password of the mail server must be set together"
        login = self.user + (open_secret(self.password) if self.password else "")
        if not (login.isascii() and login.isprintable()):
            return "user and password of the mail server must be ascii without control characters"
        if not _ADDRESS.fullmatch(self.sender):
            return "the sender is not an e-mail address"
        for number, recipient in enumerate(self.recipients, 1):
            if not _ADDRESS.fullmatch(recipient):
                return f"recipient {number} is not an e-mail address"
        return ""

    def message_problem(self) -> str:
        """Return what keeps a message of this connector from ever being sent; empty if nothing does."""
        self.write(trial_notification(self.name), now=datetime.fromtimestamp(0, UTC))
        return ""

    def secret_values(self) -> list[str]:
        """Open the password, also as it goes over the line: https://www.rfc-editor.org/rfc/rfc4616."""
        passwords = super().secret_values()
        return [*passwords, *(f"\0{self.user}\0{password}" for password in passwords)]

    def send(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict:
        """Send the mail once; an answer after all of it means that the server has queued it."""
        message_id = self.message_id(notification)
        content = self.write(notification, now=datetime.now(UTC))
        smtp = SmtpSession(timeout_seconds, self._domain)
        try:
            with self._open(smtp):
                verdict = submit(smtp, self.sender, self.recipients, content)
        except Exception as error:  # noqa: BLE001 - whatever the server does must end in a verdict
            verdict = judge_error(error, smtp)
        if verdict.succeeded:
            # The first mail stays the one to come back to, so that all are one thread.
            earlier = notification.earlier_ref
            verdict = replace(verdict, external_ref=earlier if is_message_id(earlier) else message_id)
        return self._concluded(verdict, {"message-id": message_id})

    def check(self, *, timeout_seconds: float = 15.0) -> Verdict:
        """Connect, encrypt and log in; no mail is sent."""
        smtp = SmtpSession(timeout_seconds, self._domain)
        try:
            with self._open(smtp):
                code, text = smtp.noop()
                verdict = judge_reply(code, text)
        except Exception as error:  # noqa: BLE001 - as above
            verdict = judge_error(error, smtp)
        if verdict.succeeded:
            verdict = replace(verdict, outcome=Outcome.DELIVERED, detail="connected; no mail was sent")
        return self._concluded(verdict, {})

    def message_id(self, notification: Notification) -> str:
        """Name the mail of a notification; the same over every attempt, so that many mailboxes keep one."""
        return f"<{notification.notification_id}@{self._domain}>"

    def write(self, notification: Notification, *, now: datetime) -> bytes:
        """Write the mail. Pure: no network, no clock."""
        write = partial(
            write_mail,
            sender=self.sender,
            recipients=self.recipients,
            prefix=self.title,
            message_id=self.message_id(notification),
            now=now,
        )
        return fit(notification, write, _LARGEST_MESSAGE + attachment_size(notification))

    @property
    def _domain(self) -> str:
        return self.sender.rpartition("@")[2]

    @contextmanager
    def _open(self, smtp: SmtpSession) -> Iterator[None]:
        """Connect, encrypt and log in; quit and close at the end."""
        context = None if self.security == "none" else tls_context()
        try:
            smtp.open(self.host, self.port, context if self.security == "tls" else None)
            smtp.ehlo_or_helo_if_needed()
            if context is not None and self.security == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo_or_helo_if_needed()
            if self.password is not None:
                smtp.log_in(self.user, open_secret(self.password))
            yield
            smtp.say_goodbye()
        finally:
            smtp.close()

    def _concluded(self, verdict: Verdict, headers: dict[str, str]) -> Verdict:
        """Redact passwords and addresses in a verdict: a server quotes the recipients that it refuses."""
        detail = verdict.detail
        for address in sorted((self.sender, *self.recipients), key=len, reverse=True):
            detail = re.sub(re.escape(address), REDACTED, detail, flags=re.IGNORECASE)
        scheme = "smtps" if self.security == "tls" else "smtp"
        request = RequestSummary("MAIL", f"{scheme}://{self.host}:{self.port}", headers)
        return self.redacted(replace(verdict, detail=detail), request)
