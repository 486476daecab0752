"""The report of a recording: what was written, and what it changed for the schedule."""

from collections.abc import Sequence
from typing import Final

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.cadences.interval_cadence import DuePolicy
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.documents.utc import write_instant
from rollback_drills.readiness.states import Readiness
from rollback_drills.recording.drill_entry import drill_to_wire
from rollback_drills.recording.recorder import Recorded

RECORD_SCHEMA: Final = "rollback-drills.record.v1"


class RecordReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What came of a recording."""

    schema_version: str = RECORD_SCHEMA
    product: str = PRODUCT
    recorded_at: str
    schedule_id: str
    history_path: str
    drill_id: str
    drill: PlainJson
    is_new: bool
    accepted: bool
    problems: Sequence[str]
    due_policy: DuePolicy
    cycle_id: str
    closes_cycle: bool
    status_before: Readiness
    status: Readiness
    next_due_at_before: str
    next_due_at: str
    advanced_to: str
    """Where `next_due_at` was moved to; empty if it was not."""
    not_advanced_because: str
    retest_due_at: str
    """By when the drill has to be performed again; empty if it has not."""


class RecordResult(RecordReport, frozen=True, gc=False, kw_only=True):
    """What came of a recording, of its evidence, and of telling the owners."""

    evidence_problem: str
    """Why the drill is not yet in the evidence; empty if it is."""
    run: PlainJson | None
    """The result of the run that notified the owners; None if there was none."""


def write_report(recorded: Recorded) -> RecordReport:
    """Write down what came of a recording."""
    schedule, retest = recorded.target.schedule, recorded.find_retest()
    problems, advanced = recorded.problems, recorded.advanced
    return RecordReport(
        recorded_at=write_instant(recorded.now),
        schedule_id=schedule.schedule_id,
        history_path=recorded.target.history_shown,
        drill_id=recorded.drill.drill_id,
        drill=drill_to_wire(recorded.drill),
        is_new=recorded.is_new,
        accepted=not problems,
        problems=problems,
        due_policy=schedule.due_policy,
        cycle_id=recorded.before.cycle.cycle_id,
        closes_cycle=recorded.closes_cycle,
        status_before=recorded.before.readiness,
        status=recorded.after.readiness,
        next_due_at_before=recorded.before.schedule.next_due_at,
        next_due_at=recorded.after.schedule.next_due_at,
        advanced_to=write_instant(advanced.to) if advanced.to else "",
        not_advanced_because=advanced.problem,
        retest_due_at=retest.retest_due_at if retest else "",
    )
