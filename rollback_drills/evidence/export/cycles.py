"""Compares the drills that were performed with those that were due."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class CycleState(StrEnum):
    """What became of a due instant."""

    IN_TIME = "in time"
    LATE = "late"
    OPEN = "open"
    MISSED = "missed"
    NOT_SHOWN = "not shown"  # the rows in which its drill would stand are not all here


@dataclass(frozen=True, slots=True)
class PerformedDrill:
    """A drill as the ledger has it."""

    row: int
    drill_id: str
    executed_at: datetime | None
    accepted: bool
    problems: str
    approver: str
    """Who has approved or reviewed it, if the history says so."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A due instant of a schedule, and the drill that met it."""

    due_at: datetime
    state: CycleState
    drill: PerformedDrill | None

    @property
    def late_by(self) -> timedelta:
        """How long after the due instant the drill was performed."""
        if self.drill is None or self.drill.executed_at is None:
            return timedelta(0)
        return max(self.drill.executed_at - self.due_at, timedelta(0))


class Due(NamedTuple):
    """A due time, and which drills meet it."""

    at: datetime
    counts_from: datetime | None = None
    """After which time a drill counts for it; None: every drill before counts."""
    can_be_late: bool = True
    """Whether a later drill meets it; else it is missed for good."""


def judge_cycles(
    due_times: Iterable[Due],
    drills: Sequence[PerformedDrill],
    *,
    seen_from: datetime | None,
    seen_at: datetime,
) -> Iterator[Cycle]:
    """Return for each due time whether an accepted drill met it, in time or late.

    In time is a drill after the time from which drills count, up to the due time, which counts itself.
    Without one the first accepted drill after it is late: it meets all due times before it, none after it.
    Without that the cycle is missed, or open if it was not due yet.

    Of a due time for which drills count from before the first row, only the first of these can be said: its
    drill may stand in a row that is not here.

    Args:
        due_times: Of one schedule.
        drills: Of the same schedule.
        seen_from: The oldest instant of the evidence, if there are rows before it; else None.
        seen_at: The newest instant of the evidence.
    """
    performed = [(each.executed_at, each) for each in drills if each.accepted and each.executed_at]
    performed.sort(key=lambda pair: pair[0])
    spent = datetime.min.replace(tzinfo=UTC)
    for due, counts_from, can_be_late in sorted(due_times):
        begin = counts_from or datetime.min.replace(tzinfo=due.tzinfo)
        before = [drill for at, drill in performed if max(begin, spent) < at <= due]
        after = [drill for at, drill in performed if at > due] if can_be_late else []
        if before:
            yield Cycle(due, CycleState.IN_TIME, before[-1])
        elif seen_from and begin < seen_from:
            yield Cycle(due, CycleState.NOT_SHOWN, None)
        elif after:
            spent = after[0].executed_at or spent
            yield Cycle(due, CycleState.LATE, after[0])
        else:
            yield Cycle(due, CycleState.MISSED if seen_at > due else CycleState.OPEN, None)
