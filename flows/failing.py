"""Ends a run that could not do its work."""

from typing import Any, Final

from prefect import State
from prefect.states import Failed

from rollback_drills.documents.terminal_text import show_path
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects

_LONGEST_MESSAGE: Final = 2000
"""In characters: an error quotes the parameter that is wrong, and a parameter may be a whole document."""


def refuse(error: DrillsError) -> State[Any]:
    """Return the failed state of a run that did nothing; its data is the error."""
    return Failed(message=write_line(str(error)), data=error)


def fail(error: DrillsError, *, effects_before: int) -> State[Any]:
    """Return the failed state of a run; `effects_before` is what `count_effects` returned when it started."""
    if count_effects() == effects_before:
        return refuse(error)
    return Failed(
        message=f"{write_line(str(error))}; the run had begun to deliver: `drills outbox list` shows what was"
        " sent, and the next run goes on with the rest"
    )


def write_line(text: str) -> str:
    """Write a message into one line that can be read, whatever a parameter has brought into it."""
    line = show_path(text)
    if len(line) <= _LONGEST_MESSAGE:
        return line
    # the end has the remedy
    half = _LONGEST_MESSAGE // 2
    return f"{line[:half]} … {line[-half:]}"
