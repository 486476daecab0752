"""Finds keys that stand twice in one JSON object, of which every reader of JSON drops one."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

Location = tuple[int | str, ...]

_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]')
_encode: Final = msgspec.json.Encoder().encode


class Origin(NamedTuple):
    """Where in its file a document begins; both count from 1."""

    line: int = 1
    column: int = 1

    def locate(self, text: str, at: int) -> str:
        """Return line and column in the file of a character of the document."""
        line = text.count("\n", 0, at)
        column = at - text.rfind("\n", 0, at) + (self.column - 1 if line == 0 else 0)
        return f"line {self.line + line} column {column}"


START: Final = Origin()


class Repeat(NamedTuple):
    """A key that stands twice in one object: its path, and where in the text it stands."""

    loc: Location
    first_at: int
    again_at: int


def certainly_has_no_repeats(document: msgspec.Struct, data: bytes) -> bool:
    """Whether the document certainly says all that the JSON does; False if it takes a closer look.

    Every further member of an object costs a comma. A document that is written without its absent fields has
    as many commas as the JSON it was read from, or fewer: if keys stand twice, or if a value is as it would
    be without its key. Four times as fast as to read the JSON again.
    """
    return b"\\" not in data and has_as_many_commas(document, data)


def has_as_many_commas(document: msgspec.Struct, data: bytes) -> bool:
    """Whether a document has as many commas as the JSON it was read from, in which none is escaped."""
    return data.count(b",") == _encode(document).count(b",")


def parse_json(text: str) -> tuple[Any, bool]:
    """Parse JSON, and return whether a key stands twice in one of its objects.

    Raises:
        ValueError: The text is no JSON.
        RecursionError: It is nested too deeply.
    """
    has_repeats = False

    def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_repeats
        read = dict(pairs)
        has_repeats = has_repeats or len(read) < len(pairs)
        return read

    return json.loads(text, object_pairs_hook=read_object), has_repeats


def find_repeats(text: str) -> Iterator[Repeat]:
    """Find the keys that stand twice in an object, in the order of a text that is JSON."""
    loc: list[int | str] = []
    seen: list[dict[str, int] | None] = []
    """Of each open object where its keys stand; None for a list."""
    is_key = False
    for token in _TOKEN.finditer(text):
        match token[0][0]:
            case "{":
                seen.append({})
                loc.append("")
                is_key = True
            case "[":
                seen.append(None)
                loc.append(0)
                is_key = False
            case "}" | "]":
                seen.pop()
                loc.pop()
                is_key = False
            case ",":
                is_key = seen[-1] is not None
                loc[-1] = "" if isinstance(loc[-1], str) else loc[-1] + 1
            case _ if is_key and (keys := seen[-1]) is not None:
                loc[-1] = key = json.loads(token[0])
                first_at = keys.setdefault(key, token.start())
                if first_at != token.start():
                    yield Repeat(tuple(loc), first_at, token.start())
                is_key = False
