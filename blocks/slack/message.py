"""A notification as a Slack message: Block Kit, and a text for screens that show no blocks."""

from typing import Final

from blocks.http.json_values import Json, JsonObject
from blocks.text import escape_within
from rollback_drills.notifications.notification import Notification

# Limits: https://docs.slack.dev/reference/block-kit/blocks
_LONGEST_HEADER: Final = 150
_LONGEST_FIELD: Final = 2000
_LONGEST_LABEL: Final = 1000  # 200 characters, each of which may have to be escaped
_LONGEST_SECTION: Final = 3000
_MOST_FIELDS: Final = 10
# Undocumented: all blocks together fail at about 13 200 characters (slackapi/bolt-js#2509).
LARGEST_MESSAGE: Final = 12_000

NO_PREVIEWS: Final[JsonObject] = {"unfurl_links": False, "unfurl_media": False}
MOST_IN_ONE_MESSAGE: Final = 8
"""This many of the longest rows fit whole, even where each character takes three bytes."""


def build_message(notification: Notification, title: str) -> JsonObject:
    """Build text and blocks of a message."""
    facts = [_field(label, value) for label, value in notification.facts]
    header = escape_within(title, _LONGEST_HEADER, _escape)
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
        {"type": "section", "text": _mrkdwn("", notification.summary, _LONGEST_SECTION)},
    ]
    blocks += [
        {"type": "section", "fields": facts[start : start + _MOST_FIELDS]}
        for start in range(0, len(facts), _MOST_FIELDS)
    ]
    if notification.acknowledge:  # Slack refuses a block with an empty text
        blocks.append({"type": "section", "text": _mrkdwn("", notification.acknowledge, _LONGEST_SECTION)})
    if notification.links:
        links = " · ".join(f"<{_escape(url)}|{_escape(label)}>" for label, url in notification.links)
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": links, "verbatim": True}})
    # Slack cannot recognise repeated messages; a reader can, by the id.
    blocks.append({"type": "context", "elements": [_mrkdwn("", notification.footer, _LONGEST_FIELD)]})
    text = _escape(f"{title}\n{notification.summary}")
    return {"text": text, "blocks": blocks}


def _field(label: str, value: str) -> JsonObject:
    return _mrkdwn(f"*{escape_within(label, _LONGEST_LABEL, _escape)}*\n", value, _LONGEST_FIELD)


def _mrkdwn(prefix: str, text: str, longest: int) -> JsonObject:
    # verbatim: otherwise Slack makes links and mentions of names it finds in the text
    return {
        "type": "mrkdwn",
        "text": prefix + escape_within(text, longest - len(prefix), _escape),
        "verbatim": True,
    }


def _escape(text: str) -> str:
    """Escape the three control characters, without which `<!channel>` would notify everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
