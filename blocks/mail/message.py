"""A notification as a mail: headers, plain text and HTML."""

import html
import re
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Final

from blocks.text import one_line, paragraphs, plain_text, shorten
from rollback_drills.notifications.notification import Notification

_LONGEST_SUBJECT: Final = 200
# Seven bits and lines of at most 78 bytes: every server takes them without an extension.
_POLICY: Final = SMTP_POLICY.clone(cte_type="7bit")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?A-~]{1,200}@[!-;=?A-~]{1,200}>")


def is_message_id(text: str) -> bool:
    """Whether a text is the id of a mail, and safe in a header."""
    return _MESSAGE_ID.fullmatch(text) is not None


def write_mail(
    notification: Notification,
    *,
    sender: str,
    recipients: Sequence[str],
    prefix: str,
    message_id: str,
    now: datetime,
) -> bytes:
    """Write the mail of a notification, as an answer to the earlier one if there is one."""
    message = EmailMessage(policy=_POLICY)
    subject = shorten(one_line(f"{prefix} {notification.title}"), _LONGEST_SUBJECT)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = _encodable(subject)
    message["Date"] = now
    message["Message-ID"] = message_id
    if is_message_id(notification.earlier_ref):
        message["In-Reply-To"] = notification.earlier_ref
        message["References"] = notification.earlier_ref
    # Keeps out-of-office replies away: https://www.rfc-editor.org/rfc/rfc3834#section-5
    message["Auto-Submitted"] = "auto-generated"
    if head := notification.event.get("evidence_head"):  # a copy outside of the database
        message["X-Rollback-Drills-Evidence-Head"] = one_line(str(head))
    message.set_content(_encodable(paragraphs(notification.title, plain_text(notification))))
    message.add_alternative(_encodable(_html(notification)), subtype="html")
    if attachment := notification.attachment:
        content = attachment.text.encode(errors="replace")
        message.add_attachment(
            content, maintype="application", subtype="json", filename=attachment.name, cte="base64"
        )
    return message.as_bytes()


def attachment_size(notification: Notification) -> int:
    """Return how many bytes an attachment adds to a mail at most."""
    return 2 * len(notification.attachment.text.encode(errors="replace")) if notification.attachment else 0


def _html(notification: Notification) -> str:
    rows = "\n".join(
        f'<tr><th align="left" valign="top">{html.escape(label)}</th><td>{html.escape(value)}</td></tr>'
        for label, value in notification.facts
    )
    links = " · ".join(
        f'<a href="{html.escape(url)}">{html.escape(label)}</a>' for label, url in notification.links
    )
    parts = (
        f"<h2>{html.escape(notification.title)}</h2>",
        f"<p>{html.escape(notification.summary)}</p>",
        f'<table cellpadding="4">\n{rows}\n</table>' if rows else "",
        f"<p>{html.escape(notification.acknowledge)}</p>" if notification.acknowledge else "",
        f"<p>{links}</p>" if links else "",
        f"<p><small>{html.escape(notification.footer)}</small></p>",
    )
    body = "\n".join(filter(None, parts))
    return f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n{body}\n</body></html>'


def _encodable(text: str) -> str:
    """Replace halves of surrogate pairs, which have no bytes, and what no mail may hold."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
