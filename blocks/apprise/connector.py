"""Every service that Apprise can reach, by its Apprise URL."""

import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl

from blocks.addresses import is_loopback
from blocks.apprise.service import discreetly, instantiate, is_encrypted, is_html
from blocks.apprise.text import write_text
from blocks.connector import Connector
from blocks.http.responses import disable, is_retryable
from blocks.secret_fields import SecretBlock, open_secret
from blocks.trial import trial_notification
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, RequestSummary, Verdict
from rollback_drills.redaction.redactor import REDACTED

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyType

# Connecting takes at most the first third and reading at most the rest, so that the time tells them apart.
_CONNECT_SHARE: Final = 1 / 3

# What all plugins log of an answer that they do not like.
_STATUS: Final = re.compile(r"\berror=([2-5]\d\d)\b")


class AppriseConnector(Connector):
    """Sends through a service that Apprise knows.

    Apprise only reports whether it worked. A success counts as accepted. A failure counts by the status that
    Apprise logged. Without a status it is retried, or counts as unanswered if it took long.

    The time limit applies to each read, not to all together.
    """

    _block_type_name: ClassVar[str | None] = "Rollback drills: Apprise"
    _block_type_slug: ClassVar[str | None] = "rollback-drills-apprise"
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://github.com/caronc/apprise/wiki")

    url: SecretBlock = Field(
        title="Apprise URL", description="Apprise URL of one service, such as gotifys://HOST/TOKEN."
    )
    title: str = Field(default="", max_length=60, description="Prefix of every title.")

    def configuration_problem(self) -> str:
        """Return what is wrong with the settings, without a secret; empty if nothing is."""
        with discreetly():
            service = instantiate(open_secret(self.url))
        if service is None:
            return "apprise cannot read this url"
        if not service.verify_certificate:
            return "the url of apprise must not disable the verification of certificates"
        if service.host and not is_encrypted(service) and not is_loopback(service.host):
            return (
                "the url of apprise must use the encrypted scheme (plain schemes only work on this machine)"
            )
        return ""

    def secret_values(self) -> list[str]:
        """Open the url; Apprise puts tokens where other URLs have a host, a port or a short path."""
        url = open_secret(self.url)
        found = urlsplit(url)
        return [url, *found.netloc.rpartition("@")[2].split(":"), *found.path.split("/")]

    def send(self, notification: Notification, *, timeout_seconds: float = 15.0) -> Verdict:
        """Send the notification once."""
        with discreetly() as complaints:
            service = instantiate(open_secret(self.url))
            if service is None:
                verdict = Verdict(Outcome.PERMANENT, "apprise cannot read this url")
            else:
                verdict = self._send(service, notification, timeout_seconds, complaints)
        scheme = open_secret(self.url).partition("://")[0]
        return self.redacted(verdict, RequestSummary("NOTIFY", f"{scheme}://{REDACTED}", {}))

    def check(self, *, timeout_seconds: float = 15.0) -> Verdict:
        """Send a test message; Apprise can only send."""
        return self.send(trial_notification(self.name), timeout_seconds=timeout_seconds)

    def _send(
        self,
        service: "NotifyBase",
        notification: Notification,
        timeout_seconds: float,
        complaints: Sequence[str],
    ) -> Verdict:
        service.socket_connect_timeout = timeout_seconds * _CONNECT_SHARE
        service.socket_read_timeout = timeout_seconds * (1 - _CONNECT_SHARE)
        from apprise import NotifyFormat

        title, body = write_text(service, notification, self.title)
        began = time.monotonic()
        try:
            # Not through the class Apprise: it would repeat by itself if the url says so.
            is_taken = service.notify(
                body=body,
                title=title,
                notify_type=_kind(notification),
                body_format=NotifyFormat.HTML if is_html(service) else NotifyFormat.TEXT,
            )
        except Exception as error:  # noqa: BLE001 - plugins raise what their libraries raise; it may hold the url
            is_taken, complaints = False, [f"it raised {type(error).__name__}"]
        if is_taken:
            return Verdict(Outcome.ACCEPTED, "apprise reported success")
        is_late = time.monotonic() - began >= service.socket_read_timeout
        return _judge_failure("; ".join(complaints) or "it gave no reason", is_late=is_late)


def _judge_failure(complaint: str, *, is_late: bool) -> Verdict:
    detail = f"apprise failed: {complaint}"
    found = _STATUS.search(complaint)
    if found is None:
        return Verdict(Outcome.AMBIGUOUS if is_late else Outcome.RETRY, detail)
    status = int(found[1])
    if status == HTTPStatus.UNAUTHORIZED:
        return disable(detail, status)
    return Verdict(Outcome.RETRY if is_retryable(status) else Outcome.PERMANENT, detail, status)


def _kind(notification: Notification) -> "NotifyType":
    from apprise import NotifyType

    if notification.is_closing:
        return NotifyType.SUCCESS
    kinds = {"critical": NotifyType.FAILURE, "warning": NotifyType.WARNING}
    return kinds.get(notification.alert_level, NotifyType.INFO)
