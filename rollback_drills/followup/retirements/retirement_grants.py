"""Retires a schedule, as the documents and the open cycles know it."""

from datetime import datetime

from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.followup.escalations.follow_up_rules import find_names
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.followup.retirements.retirement import (
    GivenRetirement,
    RetirementRecord,
    read_retired,
    record_retirement,
)
from rollback_drills.settings import Settings


def retire_schedule(
    given: GivenRetirement,
    settings: Settings,
    database: Database | None,
    *,
    now: datetime,
    created_at: datetime,
    signer: str,
) -> RetirementRecord:
    """Read documents and open cycles, and return the record of a retirement; nothing is written here.

    Args:
        given: What is approved.
        settings: Name the documents; without any, only open cycles are known.
        database: Has the open cycles; None if there is none yet.
        now: When it is approved.
        created_at: The clock of the evidence.
        signer: Who writes it down.

    Raises:
        UsageError: There is no such schedule, or `record_retirement` refuses what is approved.
    """
    subjects = load_fleet(settings.schedule, settings.history).subjects if settings.schedule else ()
    cycles = read_open_cycles(database, now=now) if database else ()
    known = dict.fromkeys([*find_names(subjects), *(each.schedule_id for each in cycles)])
    return record_retirement(
        given, known, read_retired(database), now=now, created_at=created_at, signer=signer
    )
