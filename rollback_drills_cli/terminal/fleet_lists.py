"""How a long fleet is listed in a terminal: the most pressing first, and not more than people read."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rollback_drills.readiness.states import PRESSING_FIRST, Readiness, describe_states
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills_cli.terminal.output import print_left_out, print_line

T = TypeVar("T")


def choose_listed(schedules: Iterable[T], state_of: Callable[[T], Readiness]) -> Sequence[T]:
    """Return what is listed of a fleet: the most pressing first, else in the order of the documents."""
    ranks = {state: rank for rank, state in enumerate(PRESSING_FIRST)}
    return sorted(schedules, key=lambda each: ranks[state_of(each)])[:MOST_ROWS]


def print_states(states: Sequence[Readiness]) -> None:
    """Print how many schedules are in which state, and how many of them were not listed."""
    print_line(describe_states(Counter(states)))
    print_left_out(len(states) - MOST_ROWS)
