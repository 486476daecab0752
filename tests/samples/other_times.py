"""The evidence of the examples: two checks, before a freeze was added to a document and after it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.subject import Subject
from tests.samples.world import World

PAYMENTS: Final = "payments_rollback_drills_monthly"
BEFORE: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
AFTER: Final = datetime(2026, 12, 1, 9, tzinfo=UTC)


def write_evidence(database: Database, fleet: Path) -> None:
    """Check the examples on the day on which their freeze was added, before it was, and a day later.

    Args:
        database: Takes the evidence.
        fleet: The folder of the documents.
    """
    world = World(database, now=BEFORE)
    subjects = load_fleet(str(fleet), None).subjects
    world.check(*map(_without_freeze, subjects))
    world.now = AFTER
    world.check(*subjects)


def _without_freeze(subject: Subject) -> Subject:
    schedule = subject.schedule
    if schedule is None or schedule.document is None:
        return subject
    document = msgspec.structs.replace(schedule.document, maintenance_windows=())
    return msgspec.structs.replace(subject, schedule=msgspec.structs.replace(schedule, document=document))
