"""GitHub workflow commands, which GitHub shows as annotations of a run.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


def write_command(kind: str, title: str, message: str, place: Mapping[str, str] = _NOWHERE) -> str:
    """Write one command.

    Args:
        kind: `error`, `warning` or `notice`.
        title: Above the message.
        message: What GitHub shows; it may have several lines.
        place: `file` and `line`, if they are known.
    """
    properties = {**place, "title": title}
    written = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    return f"::{kind} {written}::{_escape(message)}"


def _escape(text: str) -> str:
    """Escape what ends a command; the percent sign first, because it begins an escape."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
