"""What a run makes of the signs against its source: what it holds back, settles and writes down."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollback_drills.database.connections import Database
from rollback_drills.names import ids
from rollback_drills.names.ids import SOURCE_ID
from rollback_drills.names.keys import name_key
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.trust.known_history import recall
from rollback_drills.trust.last_plans import read_last_plans
from rollback_drills.trust.records import TrustedRecord, UntrustedRecord, record_distrust, record_return
from rollback_drills.trust.signs import (
    NOTHING_KNOWN,
    Distrust,
    Memory,
    OpenDistrust,
    Sign,
    depends_on_plans,
    find_distrust,
    has_lasting_name,
)


@dataclass(frozen=True, slots=True)
class Guard:
    """What may not be believed in a run."""

    distrusts: Sequence[Distrust] = ()
    cycles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By schedule and sign the cycle of its notice; those of earlier runs keep theirs."""
    new: Sequence[Distrust] = ()
    """What no earlier run has written down."""
    settled: Mapping[str, Sequence[OpenDistrust]] = field(default_factory=dict)
    """By schedule what earlier runs have written down and this one does not find any more."""
    is_partial: bool = False
    """Whether other runs look at the other schedules of the source at the same time."""

    @property
    def reasons(self) -> dict[str, str]:
        """By schedule why it is not believed."""
        found: dict[str, str] = {}
        for each in self.distrusts:
            found[each.schedule_id] = "; ".join(filter(None, (found.get(each.schedule_id), each.reason)))
        return found

    @property
    def cycle_ids(self) -> list[str]:
        """The cycles in which the platform owner is notified of it."""
        return list(dict.fromkeys(self.cycles.values()))

    def explain(self) -> Iterator[str]:
        """Explain in one part of a sentence what is not trusted and why; nothing if all is."""
        if self.distrusts:
            first, count = self.distrusts[0], len(self.reasons)
            more = f"; likewise {count - 1} more" if count > 1 else ""
            yield f"history untrusted ({first.schedule_id}: {first.reason}{more})"

    def of_cycle(self, cycle_id: str) -> list[Distrust]:
        """Return what the notice of one cycle is about."""
        return [each for each in self.distrusts if self.cycles[each.schedule_id, each.sign] == cycle_id]

    def records(self, *, created_at: datetime, signer: str) -> Iterator[UntrustedRecord | TrustedRecord]:
        """Yield the evidence of what is new and of what is settled."""
        for each in self.new:
            cycle_id = self.cycles[each.schedule_id, each.sign]
            yield record_distrust(each, cycle_id, created_at=created_at, signer=signer)
        for schedule_id, settled in self.settled.items():
            yield record_return(schedule_id, settled, created_at=created_at, signer=signer)


def guard_source(
    database: Database | None,
    checks: Sequence[ScheduleCheck],
    *,
    turned_bad_share: float,
    now: datetime,
    is_partial: bool = False,
) -> Guard:
    """Compare what a run was given to read with what the ledger has seen; writes nothing.

    Args:
        database: Keeps the ledger; without one everything is believed.
        checks: The schedules with their histories, and what was found about each.
        turned_bad_share: More than this share of the schedules must not turn bad at once.
        now: The instant of the judgements.
        is_partial: Whether other runs look at the other schedules of the source at the same time.
    """
    names = [check.schedule_id for check in checks if has_lasting_name(check.subject)]
    if database is None or not names:
        return Guard()
    memories = recall(database, names)
    plans = read_last_plans(database, names) if depends_on_plans(checks, memories) else {}
    distrusts = find_distrust(checks, memories, plans, turned_bad_share=turned_bad_share, now=now)
    return replace(weigh(distrusts, memories), is_partial=is_partial)


def weigh(distrusts: Sequence[Distrust], memories: Mapping[str, Memory]) -> Guard:
    """Find what is new among the signs of a run, and what is settled among those of earlier ones.

    All that is new is in the notice of one cycle. Its name is the same as long as it is not settled. So a run
    that was killed before it wrote anything down sends nothing twice, and another notice comes afterwards.
    """
    cycles: dict[tuple[str, str], str] = {}
    settled: dict[str, list[OpenDistrust]] = {}
    found = {(each.schedule_id, each.sign) for each in distrusts}
    for schedule_id, memory in memories.items():
        for each in memory.open:
            if (schedule_id, each.sign) in found:
                cycles[schedule_id, each.sign] = each.cycle_id
            else:
                settled.setdefault(schedule_id, []).append(each)
    new = [each for each in distrusts if (each.schedule_id, each.sign) not in cycles]
    if new:
        parts = sorted(
            f"{each.schedule_id}\x1f{each.sign}\x1f{memories.get(each.schedule_id, NOTHING_KNOWN).settled_at}"
            for each in new
        )
        cycle_id = ids.cycle_id(SOURCE_ID, "\x1e".join(parts))
        cycles |= {(each.schedule_id, each.sign): cycle_id for each in new}
    return Guard(distrusts, cycles, new, settled)


def find_over(
    guard: Guard, open_cycles: Collection[str], unsettled: Mapping[str, Collection[tuple[str, Sign]]]
) -> set[str]:
    """Return the cycles of which nothing is left to distrust.

    What other schedules have in a cycle keeps it open: this run says nothing of them. A cycle of which
    nothing was written down, because a run was killed, is over when this one distrusts nothing; not if it is
    partial, since another run may be about to write it down.

    Args:
        guard: What this run makes of its source.
        open_cycles: In which the platform owner was notified.
        unsettled: By cycle what was not settled before this run: keys of schedules, and signs.
    """
    settled = {
        (name_key(schedule_id), each.sign) for schedule_id, some in guard.settled.items() for each in some
    }
    return {
        cycle_id
        for cycle_id in open_cycles
        if cycle_id not in guard.cycle_ids
        and (
            settled.issuperset(unsettled[cycle_id])
            if cycle_id in unsettled
            else not (guard.distrusts or guard.is_partial)
        )
    }
