"""The Apprise plugin of a URL, and its logs, which hold URLs and whole requests."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apprise import NotifyBase

_complaints: ContextVar[list[str] | None] = ContextVar("complaints", default=None)


def _keep_to_ourselves(record: logging.LogRecord) -> bool:
    """Hide log records while a notification is sent: they hold URLs and whole requests."""
    complaints = _complaints.get()
    if complaints is None:
        return True
    if record.name == "apprise" and record.levelno >= logging.WARNING:
        complaints.append(record.getMessage())
    return False


# Apprise logs through one logger, and sends through requests, whose urllib3 logs paths at DEBUG.
for _name in ("apprise", "urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_keep_to_ourselves)


@contextmanager
def discreetly() -> Iterator[list[str]]:
    """Hide what Apprise logs in this thread, and yield its warnings."""
    complaints: list[str] = []
    token = _complaints.set(complaints)
    try:
        yield complaints
    finally:
        _complaints.reset(token)


def instantiate(url: str) -> "NotifyBase | None":
    """Make the plugin of a URL; None if there is none."""
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(
        app_id="rollback-drills",
        app_desc="rollback-drills",
        image_url_mask="",  # every reader would fetch it from a third party
        image_url_logo="",
    )
    service = Apprise.instantiate(url, asset=asset)
    if service is not None:
        service.redirects = False  # a redirect could carry the secrets to another host
    return service


def is_encrypted(service: "NotifyBase") -> bool:
    """Whether a plugin encrypts what it sends."""
    schemes: str | Sequence[str] | None = service.secure_protocol  # Apprise knows it as None only
    is_secure = service.schema in ((schemes,) if isinstance(schemes, str) else schemes or ())
    return is_secure and getattr(service, "secure_mode", "") != "insecure"  # mailtos://…?mode=insecure


def is_html(service: "NotifyBase") -> bool:
    """Whether a plugin takes HTML."""
    return service.notify_format == "html"
