"""Standard output and error, whatever they lead to: another encoding, a full disk, nobody."""

import io
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO


def prepare_streams() -> None:
    """Let text be written that the encoding of the terminal does not have, or to an output that is closed."""
    _open_closed()
    if sys.stdout is None:  # it was closed before the command began
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it lives as long as the command
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the same
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _open_closed() -> None:
    """Lead closed standard streams to nowhere, for the programs that this one starts.

    The Prefect server of a command does not start without them. A database that was opened under such a
    number would take what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # under the lowest number that is free: this one
            os.set_inheritable(nowhere, True)


def write_bytes(content: bytes) -> None:
    """Write bytes as they are: JSON and calendars are UTF-8 on every terminal."""
    write_parts((content,))


def write_parts(parts: Iterable[bytes]) -> None:
    """Write bytes part by part, so that a large text is never in memory as a whole."""
    try:
        sys.stdout.flush()
        for part in parts:  # no writelines: what stands in for standard output may not copy those
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard_output()


def flush_output() -> None:
    """Write what is left. A reader such as `head` that has seen enough does not change how a command ends."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def write_error(line: str) -> None:
    """Write a line to standard error; if nothing can be written there, nobody can be told."""
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError):
        _discard(sys.stderr)


def discard_output() -> None:
    """Throw away what could not be written, so that the interpreter does not try it again at its end."""
    _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
