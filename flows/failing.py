"""Ends a run that could not do its work."""

from typing import Any

from prefect import State
from prefect.states import Failed

from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects


def refuse(error: DrillsError) -> State[Any]:
    """Return the failed state of a run that did nothing; its data is the error."""
    return Failed(message=str(error), data=error)


def fail(error: DrillsError, *, effects_before: int) -> State[Any]:
    """Return the failed state of a run; `effects_before` is what `count_effects` returned when it started."""
    if count_effects() == effects_before:
        return refuse(error)
    return Failed(
        message=f"{error}; the run had begun to deliver: `drills outbox list` shows what was sent, and the"
        " next run goes on with the rest"
    )
