"""Explains in plain words why a text is not JSON, and what to write instead."""

import re
from collections.abc import Callable
from json import JSONDecodeError
from typing import Final

MERGE_MARK: Final = re.compile(r"^(?:<{7} |>{7} )", re.MULTILINE)
_TRAILING_COMMA: Final = re.compile(r",\s*[\]}]")
_ENDS_EARLY: Final = ("it ends too early", "add what is missing")
_BY_BEGINNING: Final = (
    (re.compile(r"\Aversion https://git-lfs"), ("it is a pointer of Git LFS", "run git lfs pull")),
    (re.compile(r"\A<(?!<{6} )"), ("it is HTML or XML", "is it the right file?")),
    (re.compile(r"[^\0]*\0"), ("it holds NUL characters", "save it as UTF-8, or restore it")),
    (re.compile(r"\A\ufeff"), ("it begins with two byte order marks", "save it as UTF-8 without them")),
)
_BY_CHARACTER: Final = (
    (re.compile(r"/[/*]|#"), ("a comment", "JSON has none, so remove it")),
    (re.compile(","), ("a comma too many", "remove it")),
    (re.compile("'"), ("a single quote", "write double quotes")),
    (re.compile("[“”„]"), ("a typographic quote", 'write "')),
    (re.compile(r"True\b|False\b|None\b"), ("a word of Python", "write true, false or null")),
)
_WITHIN_A_NUMBER: Final = re.compile(r"(?<=[\d.])\w")
_BEGINS_A_NUMBER: Final = re.compile(r"[.+]\d")
_BY_MESSAGE: Final = {
    "Expecting value": ("no value", "write a text in quotes, a number, true, false or null"),
    "Expecting property name enclosed in double quotes": ("a key without double quotes", "write them"),
    "Expecting ',' delimiter": ("a comma is missing", "write it"),
    "Expecting ':' delimiter": ("a colon is missing", "write it"),
    "Extra data": ("there is more behind the end of the document", "remove it"),
    "Unterminated string starting at": ("a text without a closing quote", "write it"),
    "Invalid control character at": ("a line break or tab within a text", r"write \n or \t"),
    "Invalid \\escape": ("a backslash that means nothing", r"write \\"),
    "Invalid \\uXXXX escape": (r"an incomplete \u", "write four hexadecimal digits"),
}


def explain_json_fault(text: str, error: JSONDecodeError, locate: Callable[[int], str]) -> str:
    """Return what is wrong with a text, where, and what to do.

    Args:
        text: What should be JSON.
        error: What the parser says about it.
        locate: Returns the place in its file of a character of the text.
    """
    before, rest = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if _TRAILING_COMMA.match(rest) or (before.endswith(",") and rest[:1] in ("]", "}")):
        comma = text.rindex(",", 0, error.pos + 1)  # from Python 3.13 on, the parser stands there itself
        return f"is not JSON: a comma before the closing bracket (remove it), {locate(comma)}"
    what, remedy = _find_fault(text, rest, error)
    return f"is not JSON: {what} ({remedy}), {locate(error.pos)}"


def _find_fault(text: str, rest: str, error: JSONDecodeError) -> tuple[str, str]:
    if MERGE_MARK.search(text):
        return "it has the marks of a merge conflict", "resolve it"
    for pattern, fault in _BY_BEGINNING:
        if pattern.match(text):
            return fault
    for pattern, fault in _BY_CHARACTER:
        if pattern.match(rest):
            return fault
    if _WITHIN_A_NUMBER.match(text, error.pos) or _BEGINS_A_NUMBER.match(rest):
        return "a number in a form that JSON does not have", "write one such as 30 or 0.5"
    if not rest:
        return _ENDS_EARLY
    message = error.msg.removesuffix(": ")
    return _BY_MESSAGE.get(message, (message.lower(), "fix it"))
