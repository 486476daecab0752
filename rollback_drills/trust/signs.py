"""Which schedules may not be believed: a pure rule over what is there now and what the ledger has seen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import Final, NamedTuple

import msgspec

from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.utc import write_instant
from rollback_drills.names.keys import name_key
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.readiness.acceptance import is_in_future
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.long_lists import name_some

FEWEST_TURNED_BAD: Final = 5
"""Fewer schedules say nothing of the source, whatever their share."""
_MOST_NAMED: Final = 3


class Sign(StrEnum):
    """What makes a schedule untrusted."""

    VANISHED = "vanished"
    """Its history is missing, unusable or empty."""
    WENT_BACK = "went_back"
    """Its latest drill is gone, and all that are left are older."""
    SHRANK = "shrank"
    """Drills are gone, though not the latest."""
    TURNED_BAD = "too_many_turned_bad"
    """It turned bad at once with too many others."""


class KnownDrill(msgspec.Struct, frozen=True, gc=False):
    """A row of the ledger that holds a drill."""

    leaf_index: int
    drill_id: str
    """Empty: the drill cannot be distinguished from others."""
    executed_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenDistrust:
    """A sign that an earlier run has written down, and that nobody has settled."""

    sign: Sign
    cycle_id: str
    """Of the notice of it."""
    missing_rows: Sequence[int] = ()
    """The rows of the ledger that hold the drills that were gone."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the ledger knows of one schedule."""

    drills: Sequence[KnownDrill] = ()
    """In the order of the ledger; without those that a person has said are rightly gone."""
    open: Sequence[OpenDistrust] = ()
    settled_at: int = -1
    """The row that settled the last distrust of it; -1 if there was none."""


class LastPlan(msgspec.Struct, frozen=True, gc=False):
    """What the last plan of a schedule said of it."""

    status: str
    """Its readiness."""
    due_at: str
    """When its drill was due; empty if that was not known."""


@dataclass(frozen=True, slots=True)
class Distrust:
    """Why one schedule is not believed."""

    schedule_id: str
    sign: Sign
    reason: str
    """One sentence with numbers, without the full stop."""
    missing_rows: Sequence[int] = ()
    """The rows of the ledger that hold the drills that are gone."""


NOTHING_KNOWN: Final = Memory()


def has_lasting_name(subject: Subject) -> bool:
    """Whether the schedule has an id, by which the ledger knows it over all runs."""
    source = subject.schedule
    return bool(source and source.document and source.document.schedule_id)


def depends_on_plans(checks: Sequence[ScheduleCheck], memories: Mapping[str, Memory]) -> bool:
    """Return whether the last plans may tell that too many schedules turned bad at once.

    They cannot if only a few are bad, and none is held since an earlier run. To read all plans takes longer
    than to read all else.
    """
    bad = sum(check.judgement.readiness is Readiness.NEEDS_ATTENTION for check in checks)
    return bad >= FEWEST_TURNED_BAD or any(map(_is_held, memories.values()))


def find_distrust(
    checks: Sequence[ScheduleCheck],
    memories: Mapping[str, Memory],
    plans: Mapping[str, LastPlan],
    *,
    turned_bad_share: float,
    now: datetime,
) -> list[Distrust]:
    """Return every sign that the source is not to be believed, in the order of the schedules.

    Args:
        checks: The schedules with their histories, and what was found about each.
        memories: By schedule what the ledger knows; one that is missing counts for nothing.
        plans: By schedule its last plan, if `depends_on_plans`.
        turned_bad_share: More than this share of the schedules must not turn bad at once.
        now: The instant of the judgements.
    """
    if not memories and not plans:
        return []
    found: list[Distrust] = []
    compared: list[_Compared] = []
    for check in checks:
        name = check.schedule_id
        memory, plan = memories.get(name, NOTHING_KNOWN), plans.get(name)
        if (memory is NOTHING_KNOWN and plan is None) or not has_lasting_name(check.subject):
            continue
        if plan:
            compared.append(_Compared(check.judgement, plan, _is_held(memory)))
        if own := _find_loss(check.subject, check.schedule_id, memory.drills, now=now):
            found.append(own)
    return found + list(_find_turned_bad(compared, turned_bad_share))


def _find_loss(
    subject: Subject, schedule_id: str, known: Sequence[KnownDrill], *, now: datetime
) -> Distrust | None:
    """Return what a history has lost of the drills that are known of it; None if it has lost none."""
    if not known:
        return None
    history = subject.history.document if subject.history else None
    if history is None or not history.drills:
        what = "is empty" if history else _explain_unreadable(subject.history)
        reason = f"its history {what}, and the evidence knows {_count_drills(known)} of it"
        return Distrust(schedule_id, Sign.VANISHED, reason, _rows(known))
    present = {drill.drill_id for drill in history.drills}
    gone = [each for each in known if each.drill_id and each.drill_id not in present]
    if gone:  # an id that is spelt in another way is not
        keys = set(map(name_key, present))
        gone = [each for each in gone if name_key(each.drill_id) not in keys]
    nameless = [each for each in known if not each.drill_id]
    latest = _find_latest_at(history, now=now)
    lost = [each for each in [*_newest(gone), *nameless] if _is_later(each, latest)]
    if lost:
        last = max(each.executed_at for each in lost if each.executed_at)
        rows = _rows(sorted({*gone, *lost}, key=lambda each: each.leaf_index))
        left = f"is of {write_instant(latest)}" if latest else "has no date"
        reason = f"its latest drill {left}, and the evidence knows one of {write_instant(last)} that is gone"
        return Distrust(schedule_id, Sign.WENT_BACK, reason, rows)
    if gone:
        names = list(dict.fromkeys(each.drill_id for each in gone))
        reason = (
            f"{_count_drills(gone)} that the evidence knows {'is' if len(names) == 1 else 'are'} gone"
            f" ({name_some(names, _MOST_NAMED)}), and the history has {len(history.drills)}"
        )
        return Distrust(schedule_id, Sign.SHRANK, reason, _rows(gone))
    return None


def _explain_unreadable(source: Loaded[History] | None) -> str:
    if source is None:
        return "is missing"
    fault = source.problem.removeprefix(f"{source.path}: ")
    return f"cannot be read ({PurePath(source.path).name}: {fault})"


def _newest(known: Sequence[KnownDrill]) -> Iterator[KnownDrill]:
    """Yield of every drill the row that was written last: what was changed counts as it is now."""
    yield from {each.drill_id: each for each in known}.values()


def _is_later(drill: KnownDrill, latest: datetime | None) -> bool:
    return drill.executed_at is not None and (latest is None or drill.executed_at > latest)


def _find_latest_at(history: History, *, now: datetime) -> datetime | None:
    dated = (each.executed_at for each in history.drills if not is_in_future(each, now=now))
    return max((instant for instant in dated if instant is not None), default=None)


def _rows(known: Sequence[KnownDrill]) -> tuple[int, ...]:
    return tuple(each.leaf_index for each in known)


def _count_drills(known: Sequence[KnownDrill]) -> str:
    count = len({each.drill_id or each.leaf_index for each in known})
    return f"{count} drill{'s' if count > 1 else ''}"


class _Compared(NamedTuple):
    """A schedule with its last plan."""

    judgement: Judgement
    plan: LastPlan
    is_held: bool
    """Whether it turned bad with too many others in an earlier run, and nobody has settled it."""

    @property
    def schedule_id(self) -> str:
        return self.judgement.cycle.schedule_id


def _find_turned_bad(compared: Sequence[_Compared], turned_bad_share: float) -> Iterator[Distrust]:
    """Yield the schedules that turned bad since their last plan, if they are too many at once.

    Those of an earlier run count as long as they are bad and nobody has settled it; too few schedules, such
    as the one of a run on demand, cannot settle it either.
    """
    turned = [
        each
        for each in compared
        if each.judgement.readiness is Readiness.NEEDS_ATTENTION and (each.is_held or _turned_bad(each))
    ]
    if len(compared) < FEWEST_TURNED_BAD:
        reason = "it turned bad at once with too many others, and is bad still"
        yield from (Distrust(each.schedule_id, Sign.TURNED_BAD, reason) for each in turned if each.is_held)
    elif len(turned) >= FEWEST_TURNED_BAD and len(turned) > turned_bad_share * len(compared):
        reason = (
            f"{len(turned)} of {len(compared)} schedules turned bad at once,"
            f" more than {turned_bad_share * 100:g} %"
        )
        yield from (Distrust(each.schedule_id, Sign.TURNED_BAD, reason) for each in turned)


def _is_held(memory: Memory) -> bool:
    return any(each.sign is Sign.TURNED_BAD for each in memory.open)


def _turned_bad(compared: _Compared) -> bool:
    """Whether a schedule was good by its last plan and is not now, without that plan having said so.

    A due instant that passes as the last plan foretold says nothing against the source, however many
    schedules share it.
    """
    schedule, plan = compared.judgement.schedule, compared.plan
    foretold = schedule.stale and schedule.next_due_at and schedule.next_due_at == plan.due_at
    return plan.status in (Readiness.READY, Readiness.DUE_SOON) and not foretold
