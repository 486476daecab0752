"""The texts of Jira issues and comments: documents for Cloud, wiki text for Data Center."""

import re
from collections.abc import Iterator

from blocks.http.json_values import JsonObject
from blocks.text import paragraphs
from rollback_drills.notifications.notification import Notification

# Characters that start markup, macros ({code}), links ([~user]), images (!a!) or emoticons.
_WIKI_MARKUP = re.compile(r"([\\{}\[\]*_?^~+!|#@()])")
# Marks that count only at the start of a line: headings, lists, quotes, rules.
_WIKI_LINE_START = re.compile(r"(?m)^([ \t]*)(-+|bq\.|h([1-6])\.)")


def adf_document(notification: Notification) -> JsonObject:
    """Write the description as Atlassian Document Format, whose texts are inert."""
    return _document(_content(notification))


def wiki_text(notification: Notification) -> str:
    """Write the description as wiki text, with everything escaped that came from outside."""
    facts = [f"* {_wiki(label)}: {_wiki(value)}" for label, value in notification.facts]
    return paragraphs(
        _wiki(notification.summary),
        "\n".join(facts),
        _wiki(notification.acknowledge),
        " ".join(f"[{_wiki(label)}|{url}]" for label, url in notification.links),
        _wiki(notification.footer),
    )


def adf_comment(notification: Notification) -> JsonObject:
    """Write a comment as Atlassian Document Format; a reader needs nothing else to understand it."""
    return _document([_paragraph(_text(notification.title, bold=True)), *_content(notification)])


def wiki_comment(notification: Notification) -> str:
    """Write a comment as wiki text, with everything escaped that came from outside."""
    return f"{_wiki(notification.title)}\n\n{wiki_text(notification)}"


def _document(content: list[JsonObject]) -> JsonObject:
    return {"type": "doc", "version": 1, "content": content}


def _content(notification: Notification) -> list[JsonObject]:
    content = [_paragraph(_text(notification.summary))]
    if notification.facts:
        items: list[JsonObject] = [
            {"type": "listItem", "content": [_paragraph(_text(f"{label}: ", bold=True) + _text(value))]}
            for label, value in notification.facts
        ]
        content.append({"type": "bulletList", "content": items})
    content.append(_paragraph(_text(notification.acknowledge)))
    if notification.links:
        content.append(_paragraph(list(_links(notification))))
    return [*content, _paragraph(_text(notification.footer))]


def _links(notification: Notification) -> Iterator[JsonObject]:
    for place, (label, url) in enumerate(notification.links):
        if place:
            yield {"type": "text", "text": " · "}
        yield {"type": "text", "text": label, "marks": [{"type": "link", "attrs": {"href": url}}]}


def _paragraph(content: list[JsonObject]) -> JsonObject:
    return {"type": "paragraph", "content": content}


def _text(text: str, *, bold: bool = False) -> list[JsonObject]:
    if not text:
        return []  # the format knows no empty text
    node: JsonObject = {"type": "text", "text": text}
    return [{**node, "marks": [{"type": "strong"}]}] if bold else [node]


def _wiki(text: str) -> str:
    escaped = _WIKI_MARKUP.sub(r"\\\1", text)
    return _WIKI_LINE_START.sub(lambda m: m[1] + "\\" + m[2], escaped)
