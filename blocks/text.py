"""Writes a notification as text, within the limits of a provider."""

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final, TypeVar

from rollback_drills.notifications.notification import Notification

T = TypeVar("T", bytes, str)

SHORTENED: Final = "… (shortened)"

# Longest text and most facts, tried in this order until the message fits.
_STEPS: Final = ((4000, 200), (1000, 100), (400, 50), (200, 20), (100, 10), (60, 5))


def one_line(text: str) -> str:
    """Return the text without line breaks, tabs and other control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def shorten(text: str, longest: int) -> str:
    """Return the text, cut and marked as such if it is longer than allowed."""
    if len(text) <= longest:
        return text
    return text[: max(longest - len(SHORTENED), 0)].rstrip() + SHORTENED[:longest]


def fact_lines(notification: Notification) -> list[str]:
    """Write each fact as a line; lines, not an object, because two facts may have the same label."""
    return [f"{label}: {value}" for label, value in notification.facts]


def link_lines(notification: Notification) -> list[str]:
    """Write each link as a line."""
    return [f"{label}: {url}" for label, url in notification.links]


def plain_text(notification: Notification) -> str:
    """Write everything but the title as plain text."""
    facts, links = "\n".join(fact_lines(notification)), "\n".join(link_lines(notification))
    return paragraphs(notification.summary, facts, notification.acknowledge, links, notification.footer)


def paragraphs(*texts: str) -> str:
    """Join the texts that are not empty, with an empty line between them."""
    return "\n\n".join(filter(None, texts))


def escape_within(text: str, longest: int, escape: Callable[[str], str]) -> str:
    """Escape a text so that the result keeps a limit; never cuts through an escape."""
    kept = longest
    escaped = escape(shorten(text, kept))
    while len(escaped) > longest and kept:
        kept = max(kept - max((len(escaped) - longest) // 6, 1), 0)
        escaped = escape(shorten(text, kept))
    return escaped


def fit(notification: Notification, render: Callable[[Notification], T], largest: int) -> T:
    """Render a notification within a limit, with its longest texts shortened where needed."""
    *larger, smallest = _STEPS
    for longest, most_facts in larger:
        rendered = render(_trimmed(notification, longest, most_facts))
        if len(rendered) <= largest:
            return rendered
    return render(_trimmed(notification, *smallest))


def reference(notification: Notification, longest: int) -> str:
    """Name the cycle and owner of a notification in characters that every query language takes.

    The readable part may be cut; the digest keeps it unique.
    """
    cycle_and_owner = f"{notification.cycle_id}\n{notification.owner_key or notification.owner}"
    digest = sha256(cycle_and_owner.encode(errors="replace")).hexdigest()[:12]
    readable = re.sub(r"[^\w.:-]+", "-", notification.cycle_id, flags=re.ASCII).strip("-")
    return f"{readable[: longest - len(digest) - 1]}:{digest}"


def _trimmed(notification: Notification, longest: int, most_facts: int) -> Notification:
    left_out = len(notification.facts) - most_facts
    facts = tuple(
        (shorten(one_line(k), longest), shorten(v, longest)) for k, v in notification.facts[:most_facts]
    )
    if left_out > 0:
        facts += (("More", f"{left_out} more facts {SHORTENED}"),)
    return replace(
        notification,
        title=shorten(one_line(notification.title), longest),
        summary=shorten(notification.summary, longest),
        acknowledge=shorten(notification.acknowledge, longest),
        facts=facts,
    )
