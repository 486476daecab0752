"""A notification as a Discord message: a text, and an embed with the facts."""

from typing import Final

from blocks.http.json_values import Json, JsonObject
from blocks.text import escape_within, fit, one_line, shorten
from rollback_drills.notifications.notification import Notification

# Limits: https://docs.discord.com/developers/resources/message, "Embed Limits". All texts of an embed
# together may hold 6000 characters; these hold 5914.
_LONGEST_CONTENT: Final = 2000
_LONGEST_DESCRIPTION: Final = 3400
_LONGEST_FIELD: Final = 1024
_LONGEST_FOOTER: Final = 450
_ACKNOWLEDGE: Final = "Acknowledge"
_LINKS: Final = "Links"

_GREEN: Final = 0x2E7D32
_GREY: Final = 0x757575
_COLORS: Final = {"critical": 0xC62828, "warning": 0xF9A825, "healthy": _GREEN}


def build_message(notification: Notification, title: str) -> JsonObject:
    """Build a message within Discord's limits."""
    description = fit(notification, _describe, _LONGEST_DESCRIPTION)
    embed: dict[str, Json] = {
        "color": _GREEN if notification.is_closing else _COLORS.get(notification.alert_level, _GREY),
        "footer": {"text": shorten(notification.footer, _LONGEST_FOOTER)},
    }
    if description:
        embed["description"] = description
    fields: list[Json] = []
    if notification.acknowledge:
        value = escape_within(notification.acknowledge, _LONGEST_FIELD, _escape)
        fields.append({"name": _ACKNOWLEDGE, "value": value})
    if links := _write_links(notification):
        fields.append({"name": _LINKS, "value": links})
    if fields:
        embed["fields"] = fields
    # Outside the embed: a lock screen shows no embeds, and readers can switch them off.
    content = escape_within(f"{one_line(title)}\n{notification.summary}", _LONGEST_CONTENT, _escape)
    # An edit that does not repeat allowed_mentions notifies everybody whom its text names.
    return {"content": content, "embeds": [embed], "allowed_mentions": {"parse": []}}


def _describe(notification: Notification) -> str:
    return "\n".join(f"**{_escape(label)}**: {_escape(value)}" for label, value in notification.facts)


def _write_links(notification: Notification) -> str:
    """Write as many links as there is room for; half a link would lead nowhere."""
    links = ""
    for label, url in notification.links:
        longer = f"{links}{' · ' if links else ''}[{label}]({url})"
        if len(longer) > _LONGEST_FIELD:
            break
        links = longer
    return links


def _escape(text: str) -> str:
    """Break the links of the Markdown, which would hide their targets."""
    return text.replace("](", "]\u200b(")
