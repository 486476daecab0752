"""What a judgement is made against: when a drill is due soon, and how long one is fresh."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from rollback_drills.readiness.states import Mode


@dataclass(frozen=True)
class Criteria:
    """What a judgement is made against."""

    mode: Mode = Mode.DISABLED
    due_soon_days: float = 14
    """A drill is due soon from this many days before it is due; the exact bound counts."""
    max_age_days: float = 90
    """The latest drill is fresh up to this age; the exact bound counts."""

    @cached_property
    def due_soon(self) -> timedelta:
        """`due_soon_days` as a duration."""
        return timedelta(days=self.due_soon_days)

    @cached_property
    def max_age(self) -> timedelta:
        """`max_age_days` as a duration."""
        return timedelta(days=self.max_age_days)
