"""Makes texts of users safe to print: nothing in them does something to a terminal, or is a password."""

from typing import Final
from unicodedata import category

_HARMLESS: Final = ("Zs", "Cn", "Co")
"""Blanks such as the ideographic one, and characters that this version of Unicode does not know."""


def show_path(path: str) -> str:
    """Write a path so that a report, a message or a terminal can have it.

    The name of a file may hold escape sequences, or bytes that are no UTF-8; both are shown by number. A URL
    that was taken for a path may have a password.
    """
    path = _hide_password(path)
    return path if path.isprintable() else "".join(map(_show_character, path))


def show_text(text: str) -> str:
    """Write a text for a terminal; it may have several lines and tabs."""
    text = _hide_password(text)
    if text.isprintable():
        return text
    return "".join(each if each in "\n\t" else _show_character(each) for each in text)


def _hide_password(text: str) -> str:
    if ":/" not in text or "@" not in text:
        return text
    from rollback_drills.redaction.redactor import redactor_in_use  # milliseconds that only a URL takes

    return redactor_in_use().text(text)


def _show_character(character: str) -> str:
    if character.isprintable() or category(character) in _HARMLESS:
        return character
    return character.encode("unicode_escape").decode()
