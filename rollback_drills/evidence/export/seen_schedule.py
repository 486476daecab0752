"""A schedule as the rows of an export show it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from rollback_drills.evidence.export.cycles import Due, PerformedDrill
from rollback_drills.evidence.export.due_times import list_following
from rollback_drills.evidence.recorded_plan import RecordedCadence


class Followed(NamedTuple):
    """A cadence by the calendar, as plans had it for a while."""

    says: RecordedCadence
    due_at: datetime
    """Of the first plan that has it."""
    since: datetime


@dataclass(slots=True)
class SeenSchedule:
    """A schedule of the population, as the ledger saw it."""

    schedule_id: str
    environment: str = ""
    cadence: str = ""
    runbook_ref: str = ""
    state: str = ""
    owners: tuple[str, ...] = ()
    changes: int = 0
    """How many plans the period has: a check writes one when something changed or somebody is notified."""
    row: int | None = None
    """The newest plan, which says all of the above; None if there are only drills."""
    due_times: dict[str, Due] = field(default_factory=dict)
    """Those that plans name, by how documents write them."""
    cadences: list[Followed] = field(default_factory=list)
    """The cadences by the calendar, each from the first plan that has it."""
    by_drill: dict[tuple[str, str], PerformedDrill] = field(default_factory=dict)

    def follow(self, says: RecordedCadence | None, due_at: datetime, since: datetime) -> None:
        """Take in what a plan says of the cadence, if that is news."""
        says = says or RecordedCadence()
        known = self.cadences[-1].says.document if self.cadences else None
        if says.document != known:
            self.cadences.append(Followed(says, due_at, since))

    def list_due_times(self, until: datetime) -> Iterator[Due]:
        """Yield the due times that plans name, and those that came in between, when nothing moved them."""
        yield from self.due_times.values()
        known = {each.at for each in self.due_times.values()}
        ends = [*(each.since for each in self.cadences), until][1:]
        for followed, end in zip(self.cadences, ends, strict=True):
            for due in list_following(followed.says, followed.due_at, end):
                if due.at not in known:
                    yield due

    @property
    def drills(self) -> Sequence[PerformedDrill]:
        """Each drill as its newest row has it: a drill that was changed in the history has several."""
        return list(self.by_drill.values())
