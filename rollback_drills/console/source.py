"""What every page of the console is made from."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.documents.subject import Subject
from rollback_drills.documents.unknown_name import explain_unknown
from rollback_drills.errors import UsageError
from rollback_drills.followup.retirements.retirement import apply_retirements, read_retired
from rollback_drills.names.keys import find_spelling
from rollback_drills.readiness.judgement import Judgement

NO_EVIDENCE: Final = "no drill check has written evidence yet, or it is kept elsewhere"


@dataclass(frozen=True, slots=True)
class Console:
    """The judged documents and the evidence, at an instant."""

    subjects: Sequence[Subject]
    judgements: Sequence[Judgement]
    """What is said of them, in the same order."""
    at: datetime
    database: Database | None = None
    problem: str = NO_EVIDENCE
    """Why there is no database."""
    by_id: dict[str, int] = field(default_factory=dict)
    """By schedule id: the place among the judgements."""
    explain: Callable[[DatabaseError], str] = str
    """Says on a page why the evidence cannot be read."""
    warnings: Sequence[str] = ()
    """What of the documents is left out or unclear, a sentence each."""

    def evidence(self) -> Database:
        """Return the database.

        Raises:
            DatabaseError: There is none; the message says why.
        """
        if self.database is None:
            raise DatabaseError(self.problem)
        return self.database

    def find(self, schedule_id: str) -> int:
        """Return the place of a schedule.

        Raises:
            UsageError: There is no such schedule.
        """
        spelling = find_spelling(schedule_id, self.by_id)
        if spelling is None:
            raise UsageError(explain_unknown("schedule", schedule_id, sorted(self.by_id)))
        return self.by_id[spelling]


def read_console(
    database: Database | str | None,
    subjects: Sequence[Subject],
    judgements: Sequence[Judgement],
    *,
    now: datetime,
    explain: Callable[[DatabaseError], str] = str,
    warnings: Sequence[str] = (),
) -> Console:
    """Put together what pages are made from; each page reads what it needs of the evidence.

    Args:
        database: Keeps evidence and outbox; None if there is none yet; a text says why it cannot be used.
        subjects: The schedules with their histories.
        judgements: What is said of them, in the same order.
        now: The instant of the judgements.
        explain: Says why the evidence cannot be read; by default as the error does.
        warnings: What of the documents is left out or unclear, a sentence each.
    """
    if isinstance(database, Database):
        with suppress(DatabaseError):  # the pages say what is wrong with it
            judgements = apply_retirements(judgements, read_retired(database))
    by_id = {each.cycle.schedule_id: place for place, each in enumerate(judgements)}
    if isinstance(database, Database):
        return Console(subjects, judgements, now, database, by_id=by_id, explain=explain, warnings=warnings)
    return Console(subjects, judgements, now, None, database or NO_EVIDENCE, by_id, explain, warnings)
