"""Writes commands that people copy from notifications, pages and messages."""

import shlex
from collections.abc import Sequence


def write_command(*words: str, **options: str | bool | Sequence[str]) -> str:
    """Write a command of this program as a shell takes it.

    Args:
        words: The command, and what it is about.
        options: By name: a value, several values, or True for one that is on.
    """
    written = ["drills", *map(shlex.quote, words)]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            written += [flag] * value
            continue
        for each in [value] if isinstance(value, str) else value:
            # what begins with a dash would be taken for an option
            written += [shlex.quote(f"{flag}={each}")] if each.startswith("-") else [flag, shlex.quote(each)]
    return " ".join(written)
