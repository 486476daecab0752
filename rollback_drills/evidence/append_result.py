"""What a run added to the evidence, and what people should know of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from rollback_drills.evidence.checks.population import NOTHING_CHANGED, Changes
from rollback_drills.evidence.heads import Head
from rollback_drills.evidence.remembered_head import Setback
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.times import write_duration

_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a run added to the ledger."""

    count: int
    head: Head | None
    went_back: timedelta | None
    """How far the clock went back since the last transaction, if that was noticed."""
    behind: timedelta | None = None
    """How far the clock is behind the newest of the recent transactions, if it is too far."""
    refused: Sequence[str] = ()
    """Rows of the outbox that the evidence does not take, a sentence each."""
    changes: Changes = NOTHING_CHANGED
    """How the population of a check differs from the last one."""
    other_ledgers: int = 0
    """How many ledgers there were before the run began this one; 0 if it is not new."""
    lost: Sequence[str] = ()
    """The schedules that a check no longer finds, although nobody retired them, and that no run has named."""
    first_keys: Sequence[str] = ()
    """The keys of what is written once, and was not written before."""
    setback: Setback | None = None
    """What the evidence lacked before the run, of what the Prefect server remembers."""

    @property
    def is_new(self) -> bool:
        """Whether the run wrote the first rows of the ledger."""
        return bool(self.count and self.head and self.head.checkpoint.previous == 0)

    @property
    def notes(self) -> Sequence[str]:
        """What people should know although nothing failed, a sentence each."""
        lag = [explain_lag(self.behind)] if self.behind and not self.went_back else []  # that is a problem
        return [*lag, *([explain_new_ledger(self.other_ledgers)] if self.other_ledgers else [])]

    @property
    def problems(self) -> Sequence[str]:
        """What a run has to report as a failure, a sentence each."""
        explain = explain_clock if self.count else explain_lag
        clock = [explain(self.went_back)] if self.went_back else []
        missing = [self.setback.explain()] if self.setback else []
        lost = [explain_lost(self.lost)] if self.lost else []
        return [*missing, *clock, *self.refused[:_MOST_NAMED], *lost]

    @property
    def head_note(self) -> str:
        """The signed head, as it is published; empty if there is none."""
        return str(self.head.note) if self.head else ""


def explain_lag(behind: timedelta) -> str:
    """Explain that the clock of this machine is behind what is in the evidence already."""
    lag = write_duration(behind.total_seconds())
    return (
        f"the clock of this machine is {lag} behind the newest evidence, so drills and messages may come"
        " due late; set the clock right"
    )


def explain_new_ledger(other_ledgers: int) -> str:
    """Explain that a ledger begins beside others: on a new machine, or where a database is missing."""
    return (
        f"new evidence begins in this database, although the Prefect server has keys of"
        f" {write_count(other_ledgers, 'other ledger')}: what was notified and recorded before is not known"
        f" here; if you do not mean this, correct {VARIABLES['database_url']}"
    )


def explain_clock(went_back: timedelta) -> str:
    """Warn that the clock went back; the evidence was written, and says so too."""
    return (
        f"the clock went back by {write_duration(went_back.total_seconds())} since the newest evidence; the"
        " evidence was written and says so; set the clock of this machine right"
    )


def explain_lost(names: Sequence[str]) -> str:
    """Name the schedules that are gone: a folder that is half there forgets drills, and alarms nobody."""
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return (
        f"{write_count(len(names), 'schedule')} {are} gone, and nobody retired {them}:"
        f" {name_some(names, _MOST_NAMED)}; restore the documents, or retire schedules before you remove them"
    )
