"""How far a backend is promoted, and the states of a schedule."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from rollback_drills.rendering.counts import count_each


class Mode(StrEnum):
    """How far the backend has been promoted (`DRILLS_MODE`)."""

    DISABLED = "disabled"
    SHADOW = "shadow"
    ENFORCE = "enforce"
    PROMOTED = "promoted"


class Readiness(StrEnum):
    """The state of a schedule at an instant."""

    NOT_REQUESTED = "not_requested"
    READY = "ready"
    DUE_SOON = "due_soon"
    NEEDS_ATTENTION = "needs_attention"

    __hash__ = str.__hash__  # as the text that it is, and in C: that of enumerations calls Python

    @property
    def acceptable(self) -> bool:
        """Whether production readiness accepts it (contract §3)."""
        return self is not Readiness.NEEDS_ATTENTION

    @property
    def alert_level(self) -> str:
        """`critical`, `warning` or `healthy` (contract §3)."""
        return _ALERT_LEVELS.get(self, "healthy")


_ALERT_LEVELS: Final[dict[str, str]] = {"needs_attention": "critical", "due_soon": "warning"}


PRESSING_FIRST: Final = (
    Readiness.NEEDS_ATTENTION,
    Readiness.DUE_SOON,
    Readiness.READY,
    Readiness.NOT_REQUESTED,
)
AT_REST: Final = (Readiness.READY, Readiness.NOT_REQUESTED)
"""Of these nobody has to be notified."""


def describe_states(counts: Mapping[Readiness, int]) -> str:
    """Write how many schedules are in each state, such as `Needs attention: 2, ready: 1.`."""
    found = count_each((state, counts[state]) for state in PRESSING_FIRST if counts.get(state))
    return f"{(found or 'no schedule').capitalize()}."


def worst(states: Iterable[Readiness]) -> Readiness:
    """Return the state that describes a fleet: the most pressing one."""
    found = set(states)
    return next((state for state in PRESSING_FIRST if state in found), Readiness.NOT_REQUESTED)
