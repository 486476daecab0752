"""The cycle of a schedule: the unit that is notified (contract §8.5)."""

from typing import Final

import msgspec

from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.names import ids
from rollback_drills.readiness.states import Readiness


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """The unit that is notified: one schedule and one due instant (contract §8.5), and its state."""

    schedule_id: str
    """The id of the schedule, or the path of a document that has none (contract §8.6)."""
    cycle_id: str
    status: Readiness
    retired: str = ""
    """Why its schedule is not followed any more; empty if it is."""


NOT_CONFIGURED: Final = "schedule-not-configured"


def find_cycle(source: Loaded[Schedule] | None, due_at: str, status: Readiness) -> Cycle:
    """Return the cycle of a schedule. A document without an id is known by its path (contract §8.6).

    Args:
        source: What was found at the configured path; None if no path is configured.
        due_at: The due time as reports write it; empty if it is not known.
        status: The state of the schedule.
    """
    if source is None:
        return Cycle(NOT_CONFIGURED, ids.cycle_id(NOT_CONFIGURED, due_at), status)
    if source.document and source.document.schedule_id:
        name = source.document.schedule_id
        return Cycle(name, ids.cycle_id(name, due_at), status)
    return Cycle(source.identity, ids.spelt_cycle_id(source.identity, due_at), status)
