"""A notification as title and body for a plugin of Apprise."""

import html
import re
from typing import TYPE_CHECKING, Final

from blocks.apprise.service import is_html
from blocks.text import SHORTENED, escape_within, fact_lines, fit, link_lines, one_line, shorten
from rollback_drills.notifications.notification import Notification

if TYPE_CHECKING:
    from apprise import NotifyBase

_LONGEST_TITLE: Final = 200

# `@` where it can begin a name that somebody answers to; in a cycle id a digit follows.
# Apprise turns even `!channel>` back into a bell of Slack, after it has escaped the text.
_BELL: Final = re.compile(r"(?<!\w)@|@(?!\d)|<|!(?=\w)")


def write_text(service: "NotifyBase", notification: Notification, prefix: str) -> tuple[str, str]:
    """Write title and body in the format of the service and within its limits."""
    headline = shorten(_quiet(one_line(f"{prefix} {notification.title}")), _LONGEST_TITLE)
    title = shorten(headline, service.title_maxlen) if service.title_maxlen > 0 else ""
    room = service.body_maxlen - (len(title) if service.overflow_amalgamate_title else 0)

    # Some services take the first line only.
    separator = "<br/>\n" if is_html(service) else " " if service.body_max_line_count else "\n"

    def render(shorter: Notification) -> str:
        said = (shorter.summary, *fact_lines(shorter), shorter.acknowledge)
        parts = ("" if title else headline, *said)
        quiet = [_quiet(part) for part in parts if part]
        lines = "\n".join([*quiet, *link_lines(shorter), _quiet(shorter.footer)])
        return _escape(lines).replace("\n", separator)

    body = fit(notification, render, room)
    if len(body) > room:  # a text message of a telephone
        end = f" {SHORTENED}{separator}{notification.footer}"
        body = escape_within(headline, max(room - len(end), 0), _escape) + end
    # Where it is not escaped for good, the plugin may do it: the limit was kept for both.
    return title, body if is_html(service) else html.unescape(body)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _quiet(text: str) -> str:
    """Break everything that a service could read as a mention."""
    return _BELL.sub("\\g<0>\N{ZERO WIDTH SPACE}", text)
