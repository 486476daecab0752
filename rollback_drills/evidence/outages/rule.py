"""Decides when an outage of a connector begins and ends, from how the connector stands at one look.

A look sees levels, not events: what is disabled, what failed since the last delivery, what was delivered
since an outage began. So it does not matter how many attempts lie between two looks, or which run looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why an outage began."""

    REFUSED = "refused"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Level:
    """How a connector stands. Times are seconds since 1970."""

    disabled_at: float | None = None
    """Since when it is disabled; None if it is not."""
    refused_at: float | None = None
    """The first failed attempt since the last delivery, of what still waits or died; None without one."""
    delivered_at: float | None = None
    """The first delivery since the open outage began; None if there is none, or no outage is open."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An outage begins."""

    at: float
    cause: Cause


@dataclass(frozen=True, slots=True)
class Closed:
    """The open outage ends."""

    at: float


def find_changes(level: Level, *, is_open: bool) -> Iterator[Opened | Closed]:
    """Yield what a look finds new: nothing, an end, a beginning, or an end and the beginning of the next.

    The first delivery ends an outage, unless the connector is disabled. What failed after the last delivery
    begins the next one.
    """
    if is_open:
        if level.delivered_at is None or level.disabled_at is not None:
            return
        yield Closed(level.delivered_at)
    begins = [
        Opened(at, cause)
        for at, cause in ((level.refused_at, Cause.REFUSED), (level.disabled_at, Cause.DISABLED))
        if at is not None
    ]
    if begins:
        yield min(begins, key=lambda each: each.at)
