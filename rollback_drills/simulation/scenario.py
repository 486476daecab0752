"""What is simulated: the period, how often runs look, and what people do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.simulation.assumptions import Assumptions

LONGEST: Final = timedelta(days=5 * 366)
MOST_RUNS: Final = 20_000
"""Of one schedule; more than its checks and follow-ups of five years, unless drills are due all the time."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST, _RAREST = timedelta(minutes=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated.

    Raises:
        UsageError: The period is empty or too long, or runs look too often or too rarely.
    """

    since: datetime
    until: datetime
    """The end, which is not in it."""
    every: timedelta = _SHORTEST
    """How often a run looks: at the multiples of it since 1970 in UTC."""
    criteria: Criteria = field(default_factory=Criteria)
    assumptions: Assumptions = field(default_factory=Assumptions)
    policy: RoutingPolicy | None = None
    requested: frozenset[str] | None = None
    """The keys of the requested providers; None means all."""
    connectors: Sequence[str] = ()
    """Names of configured connectors, for schedules that name no provider."""

    def __post_init__(self) -> None:
        """Ensure that it can be simulated."""
        start, end = write_instant(self.since), write_instant(self.until)
        if self.since >= self.until:
            raise UsageError(f"is {end}; must be later than the beginning, {start}", field="to")
        if self.until - self.since > LONGEST:
            raise UsageError(
                f"is {end}, more than five years after the beginning, {start}; choose a shorter period",
                field="to",
            )
        if not _SHORTEST <= self.every <= _RAREST:
            raise UsageError("must be from 1 minute to 7 days", field="every")

    def first_run(self, at: datetime) -> datetime:
        """Return the first run from a time on."""
        return _EPOCH - (_EPOCH - at) // self.every * self.every
