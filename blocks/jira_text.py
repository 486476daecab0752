"""The description of a Jira issue: a document for Cloud, wiki text for Data Center."""

import re
from typing import Any

from rollback_drills.notification import Notification

# Characters that start markup, macros ({code}), links ([~user]), images (!a!) or emoticons.
_WIKI_MARKUP = re.compile(r"([\\{}\[\]*_?^~+!|#@()])")
# Marks that count only at the start of a line: headings, lists, quotes, rules.
_WIKI_LINE_START = re.compile(r"(?m)^([ \t]*)(-+|bq\.|h([1-6])\.)")


def adf_document(notification: Notification) -> dict[str, Any]:
    """Write the description as Atlassian Document Format, whose texts are inert."""
    content = [_paragraph(_text(notification.summary))]
    if notification.facts:
        items = [
            {"type": "listItem", "content": [_paragraph(_text(f"{label}: ", bold=True) + _text(value))]}
            for label, value in notification.facts
        ]
        content.append({"type": "bulletList", "content": items})
    content.append(_paragraph(_text(notification.acknowledge)))
    content.append(_paragraph(_text(f"Notification {notification.notification_id}")))
    return {"type": "doc", "version": 1, "content": content}


def wiki_text(notification: Notification) -> str:
    """Write the description as wiki text, with everything escaped that came from outside."""
    facts = [f"* {_wiki(label)}: {_wiki(value)}" for label, value in notification.facts]
    paragraphs = (
        _wiki(notification.summary),
        "\n".join(facts),
        _wiki(notification.acknowledge),
        f"Notification {_wiki(notification.notification_id)}",
    )
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _paragraph(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "paragraph", "content": content}


def _text(text: str, *, bold: bool = False) -> list[dict[str, Any]]:
    if not text:
        return []  # the format knows no empty text
    node: dict[str, Any] = {"type": "text", "text": text}
    return [{**node, "marks": [{"type": "strong"}]}] if bold else [node]


def _wiki(text: str) -> str:
    escaped = _WIKI_MARKUP.sub(r"\\\1", text)
    return _WIKI_LINE_START.sub(lambda m: m[1] + "\\" + m[2], escaped)
