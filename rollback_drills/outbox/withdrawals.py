"""Withdraws messages about the program's own surroundings that are not so any more."""

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, select, update

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX
from rollback_drills.names.spellings import find_spellings, keep_texts
from rollback_drills.notifications.states import DEAD, WAITING, State

_IS_LEFT: Final = OUTBOX.c.state.in_((*WAITING, *DEAD))
"""Whether a message waits, or died. What is being sent at this moment cannot be called back."""


def withdraw_notices(connection: Connection, subject_id: str) -> int:
    """Send nothing more about a subject, in any spelling; return how many messages that are."""
    spelt = find_spellings(connection, OUTBOX.c.schedule_id, [subject_id], _IS_LEFT)
    return _withdraw(connection, one_of(OUTBOX.c.schedule_id, spelt)) if spelt else 0


@repeat_on_conflict
def withdraw_settled(database: Database, prefix: str, is_open: Callable[[str], bool]) -> int:
    """Send nothing more about subjects that are settled; return how many messages that are.

    Args:
        database: Keeps the outbox.
        prefix: What the ids of such subjects begin with.
        is_open: Whether a subject is not settled yet, by the rest of its id.

    Raises:
        DatabaseError: The database cannot be used; nothing was changed.
    """
    about = OUTBOX.c.schedule_id.startswith(prefix, autoescape=True)
    left = select(OUTBOX.c.schedule_id).where(about, _IS_LEFT).distinct()
    with database.read() as connection:
        settled = _find_settled(keep_texts(connection.scalars(left)), prefix, is_open)
    if not settled:
        return 0
    with database.write() as connection:
        return _withdraw(connection, one_of(OUTBOX.c.schedule_id, settled))


def _find_settled(subjects: Iterable[str], prefix: str, is_open: Callable[[str], bool]) -> list[str]:
    return [each for each in subjects if not is_open(each.removeprefix(prefix))]


def _withdraw(connection: Connection, about: ColumnElement[bool]) -> int:
    """Withdraw messages; none of them is in a digest, since they are about no schedules."""
    over = update(OUTBOX).where(about, _IS_LEFT).values(state=State.SUPERSEDED, due_at=None)
    return connection.execute(over).rowcount
