"""Edits the text of a document: adds a drill, moves the due instant, and leaves every other byte alone."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from rollback_drills.documents.history import History
from rollback_drills.documents.plain_json import PlainJson

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_INDENT: Final = "  "
_decoder: Final = json.JSONDecoder()


def new_history(empty: History, drill: PlainJson) -> bytes:
    """Write a history that has nothing but one drill."""
    document = {"schema_version": empty.schema_version, "environment": empty.environment, "drills": [drill]}
    return (json.dumps(document, ensure_ascii=False, indent=_INDENT) + "\n").encode()


def append_drill(data: bytes, drill: PlainJson) -> bytes:
    """Add a drill at the end of a history, written as the drills before it are.

    Args:
        data: A history that can be read.
        drill: The drill as JSON has it.
    """
    text = data.decode()
    root = _read_container(text, text.index("{"))
    layout = _Layout.of(text, root)
    drills = root.find("drills")
    if drills is None:
        write = partial(_write_member, "drills", [drill], layout)
        return _add(text, root, write, layout, depth=0).encode()
    listed = _read_container(text, drills.value_at)
    like = text[listed.children[-1].start : listed.children[-1].end] if listed.children else None
    return _add(text, listed, partial(_write, drill, layout, like), layout, depth=1).encode()


def move_due(data: bytes, next_due_at: str) -> bytes:
    """Write another `next_due_at` into a schedule that can be read and has one."""
    text = data.decode()
    member = _read_container(text, text.index("{")).find("next_due_at")
    if member is None:
        raise KeyError("next_due_at")
    return (text[: member.value_at] + json.dumps(next_due_at) + text[member.end :]).encode()


class _Child(NamedTuple):
    """A member of an object or an item of a list, by its place in the text."""

    key: str
    start: int
    value_at: int
    end: int


@dataclass(frozen=True, slots=True)
class _Container:
    """An object or a list, by its place in the text."""

    start: int
    end: int
    children: list[_Child]

    def find(self, key: str) -> _Child | None:
        """Find a member; of several with one key the last counts, as for everybody who reads JSON."""
        return next((child for child in reversed(self.children) if child.key == key), None)


def _read_container(text: str, start: int) -> _Container:
    children = []
    at = _skip(text, start + 1)
    while text[at] not in "]}":
        child_at, key = at, ""
        if text[start] == "{":
            key, at = _decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # over the colon
        _, end = _decoder.raw_decode(text, at)
        children.append(_Child(key, child_at, at, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return _Container(start, at + 1, children)


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _space_before(text: str, at: int) -> str:
    start = at
    while text[start - 1] in " \t\r\n":
        start -= 1
    return text[start:at]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a document is laid out."""

    newline: str
    indent: str | None
    """None: it stands on one line."""
    separators: tuple[str, str]

    @classmethod
    def of(cls, text: str, root: _Container) -> "_Layout":
        space = _space_before(text, root.children[0].start) if root.children else ""
        indent = space.rpartition("\n")[2] or _INDENT if "\n" in space else None
        separators = (", ", ": ") if '": ' in text else (",", ":")
        return cls("\r\n" if "\r\n" in text else "\n", indent, separators)


_WriteChild = Callable[[str | None], str]
"""Writes a child whose first line is indented so far; on one line if None."""


def _add(text: str, container: _Container, write: _WriteChild, layout: _Layout, *, depth: int) -> str:
    """Add a child at the end of a container that stands so deep below the root."""
    if not container.children:
        if layout.indent is None:
            inner = write(None)
        else:
            outer = layout.newline + layout.indent * depth
            inner = outer + layout.indent + write(layout.indent * (depth + 1)) + outer
        return text[: container.start + 1] + inner + text[container.end - 1 :]
    last = container.children[-1]
    space = _space_before(text, last.start)
    if "\n" in space:
        indent = space.rpartition("\n")[2]
        child = layout.newline + indent + write(indent)
    else:
        child = layout.separators[0][1:] + write(None)
    return text[: last.end] + "," + child + text[last.end :]


def _write_member(key: str, value: Any, layout: _Layout, indent: str | None) -> str:
    return json.dumps(key) + layout.separators[1] + _write(value, layout, None, indent)


def _write(value: Any, layout: _Layout, like: str | None, indent: str | None) -> str:
    """Write a value as its neighbour `like` is written: on one line, or indented."""
    if indent is None or (like is not None and "\n" not in like):
        return json.dumps(value, ensure_ascii=False, separators=layout.separators)
    step = layout.indent or _INDENT
    if like is not None:
        inner = _space_before(like, _skip(like, 1)).rpartition("\n")[2]
        step = inner.removeprefix(indent) or step
    return json.dumps(value, ensure_ascii=False, indent=step).replace("\n", layout.newline + indent)
