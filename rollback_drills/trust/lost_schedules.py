"""The schedules that a check does not find any more, although nobody has retired them."""

from collections.abc import Sequence
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.documents.fleets.document_search import DOCUMENT_ENDINGS, RECORDS_ENDING
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.names.keys import name_key
from rollback_drills.readiness.states import Readiness
from rollback_drills.trust.last_plans import read_last_plans

_ENDINGS_OF_PATHS: Final = (*DOCUMENT_ENDINGS, RECORDS_ENDING)


def find_lost(database: Database, unnamed: Sequence[str], changes: Changes) -> list[str]:
    """Return the schedules that are gone since the last check, and that were asked for a drill by then.

    Nobody would look at them again. A schedule that is retired first, by its document or by approval, is
    asked for none. If as many documents came that have no id, such as those that cannot be read, they may be
    what is missing. A file that was cut off has one such record, and lacks all that came after it.

    Args:
        database: Keeps the ledger.
        unnamed: What earlier checks have lost, whose runs were killed before they named it.
        changes: What changed since the last check.

    Raises:
        DatabaseError: The database cannot be read.
    """
    came = set(map(name_key, changes.came))  # also a name that is spelt in another way
    gone = [
        name
        for name in sorted({*unnamed, *changes.gone})
        if not _is_path(name) and name_key(name) not in came
    ]
    if not gone:
        return []
    plans = read_last_plans(database, gone)
    lost = [name for name in gone if name in plans and plans[name].status != Readiness.NOT_REQUESTED]
    unreadable = sum(map(_is_path, changes.came))
    return lost if len(lost) > unreadable else []


def _is_path(name: str) -> bool:
    """Whether a name is that of a document without an id: its path, and of a record its line."""
    return name.rpartition(":")[0].endswith(RECORDS_ENDING) or name.endswith(_ENDINGS_OF_PATHS)
