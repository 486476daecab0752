"""Writes commands that people copy from notifications, pages and messages."""

import shlex


def write_command(*words: str, **options: str | bool) -> str:
    """Write a command of this program as a shell takes it.

    Args:
        words: The command, and what it is about.
        options: By name; those that are on or off are True if they are on.
    """
    written = ["drills", *map(shlex.quote, words)]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, str):
            # what begins with a dash would be taken for an option
            written += (
                [shlex.quote(f"{flag}={value}")] if value.startswith("-") else [flag, shlex.quote(value)]
            )
        elif value:
            written.append(flag)
    return " ".join(written)
