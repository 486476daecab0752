"""The texts of Jira issues and comments: documents for Cloud, wiki text for Data Center."""

import re
from typing import Any

from blocks.text import paragraphs
from rollback_drills.notifications.notification import Notification

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
    content.append(_paragraph(_text(notification.footer)))
    return {"type": "doc", "version": 1, "content": content}


def wiki_text(notification: Notification) -> str:
    """Write the description as wiki text, with everything escaped that came from outside."""
    facts = [f"* {_wiki(label)}: {_wiki(value)}" for label, value in notification.facts]
    return paragraphs(
        _wiki(notification.summary),
        "\n".join(facts),
        _wiki(notification.acknowledge),
        _wiki(notification.footer),
    )


def adf_comment(notification: Notification) -> dict[str, Any]:
    """Write a comment as Atlassian Document Format; it says for itself what the matter is."""
    document = adf_document(notification)
    return {**document, "content": [_paragraph(_text(notification.title, bold=True)), *document["content"]]}


def wiki_comment(notification: Notification) -> str:
    """Write a comment as wiki text, with everything escaped that came from outside."""
    return f"{_wiki(notification.title)}\n\n{wiki_text(notification)}"


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
