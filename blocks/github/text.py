"""The texts of GitHub issues and comments: Markdown with the text of others escaped."""

import re
from typing import Final

from blocks.http.json_values import JsonObject, fit_json
from blocks.text import escape_within, one_line, paragraphs, reference
from rollback_drills.notifications.notification import Notification

_LONGEST_TITLE: Final = 256
_LONGEST_REFERENCE: Final = 200
# GitHub takes 65 536 characters, but repeats them in its answer, of which no more than 64 KiB are read.
_LARGEST_CONTENT: Final = 20_000

# Escapes do not stop a reference: GitHub looks for it in the text that the Markdown has become. An @ within a
# word mentions nobody, and stays as it is: the command of an acknowledgement is there to be copied.
_REFERENCE = re.compile(r"(?<![A-Za-z0-9_])(?:@|(?i:gh)(?=-\d))|#(?=\d)")
_MARKUP = re.compile(r"([\\`*_\[\]<>~&$|]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_BLOCK_START = re.compile(r"^(\d{0,9})([-+=.)#])", re.ASCII)


def write_issue(notification: Notification, prefix: str, labels: list[str]) -> bytes:
    """Write a new issue."""
    title = escape_within(one_line(f"{prefix} {notification.title}"), _LONGEST_TITLE, _unreferenced)
    issue: JsonObject = {"title": title, "labels": labels}
    return fit_json(notification, lambda n: {**issue, "body": _body(n)}, _LARGEST_CONTENT)


def write_comment(notification: Notification) -> bytes:
    """Write a comment; a reader needs nothing else to understand it."""
    return fit_json(
        notification, lambda n: {"body": f"**{_plain(n.title)}**\n\n{_body(n)}"}, _LARGEST_CONTENT
    )


def marker(notification: Notification) -> str:
    """Return an invisible comment that names the notification, since GitHub's own search lags."""
    return f"{marker_start(notification)}{notification.notification_id} -->"


def marker_start(notification: Notification) -> str:
    """Return the beginning that the markers of a cycle and owner share."""
    return f"<!-- rollback-drill: {reference(notification, _LONGEST_REFERENCE)} "


def _body(notification: Notification) -> str:
    facts = "\n".join(f"- **{_plain(label)}**: {_plain(value)}" for label, value in notification.facts)
    return paragraphs(
        _plain(notification.summary),
        facts,
        _plain(notification.acknowledge),
        " · ".join(f"[{_plain(label)}](<{url}>)" for label, url in notification.links),
        _plain(notification.footer),
        marker(notification),
    )


def _plain(text: str) -> str:
    """Escape text of others into one line without markup, references and links."""
    escaped = _MARKUP.sub(r"\\\1", one_line(text))
    return _unreferenced(_BLOCK_START.sub(r"\1\\\2", escaped))


def _unreferenced(text: str) -> str:
    return _REFERENCE.sub("\\g<0>\N{ZERO WIDTH SPACE}", text)
