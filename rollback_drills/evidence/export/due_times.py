"""Finds the due times of a cadence by the calendar that no plan names: they passed without any drill."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from rollback_drills.documents.cadences.cadence import CalendarCadence
from rollback_drills.documents.cadences.calendar_cadence import WrittenCadence
from rollback_drills.documents.calendars.working_days import WorkCalendar
from rollback_drills.evidence.export.cycles import Due
from rollback_drills.evidence.recorded_plan import RecordedCadence


def list_following(says: RecordedCadence, due_at: datetime, until: datetime) -> Iterator[Due]:
    """Yield the due times of a cadence after one, up to a time.

    Args:
        says: What a plan says of the cadence.
        due_at: The due time of the plan.
        until: The last time that is looked at.
    """
    cadence = _read(says)
    if cadence is None or cadence.moves_with_drills:
        return
    try:
        for at in cadence.following(due_at):
            if at > until:
                return
            yield Due(at, cadence.counts_from(at), says.can_be_late)
    except OverflowError:  # those before are listed
        return


def _read(says: RecordedCadence) -> CalendarCadence | None:
    """Read the cadence; None if an earlier version wrote the plan, or its holidays are not known here."""
    try:
        written = msgspec.convert(says.document, WrittenCadence)
        calendar = msgspec.convert(says.calendar or {}, WorkCalendar)
    except msgspec.ValidationError:
        return None
    return written.read({written.calendar_name: calendar})
