"""Finds rows of the outbox that no run writes, among those that are not settled in the evidence."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Boolean, Connection, Select, or_, select, type_coerce
from sqlalchemy.types import NullType

from rollback_drills.database.tables import OUTBOX
from rollback_drills.evidence.outcome_checks import read_outcome
from rollback_drills.evidence.verify.taken_outcomes import SETTLED, is_taken
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import UNCERTAIN, UNSENT, State

_ANY_TIME: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Later than all times: only the run that takes an outcome refuses one of the future."""
_IS_WRITTEN_AS_NUMBER: Final = frozenset(each.name for each in OUTBOX.c if isinstance(each.type, Boolean))


def find_impossible(connection: Connection) -> Iterator[str]:
    """Return why a row cannot be one that a run has written, a sentence for each."""
    columns = (type_coerce(each, NullType()).label(each.name) for each in OUTBOX.c)
    # the rest, which is nearly all, is compared with the evidence
    uncompared = select(*columns).where(
        or_(
            OUTBOX.c.completed_at.is_(None),
            OUTBOX.c.is_indexed.is_not(True),
            OUTBOX.c.state.not_in(SETTLED),
        )
    )
    for row in connection.execute(uncompared, execution_options={"yield_per": 1000}):
        is_compared = is_taken(row) and row.state in SETTLED
        if not is_compared and (problem := _find_problem(row)):
            yield _explain(row.notification_id, problem)
    for notification_id in connection.scalars(_find_strays()):
        yield _explain(notification_id, "it is sent in a message of another owner or provider")


def _explain(notification_id: object, problem: str) -> str:
    return f"the row of {notification_id} in the outbox is not as a run writes it: {problem}"


def _find_strays() -> Select[tuple[Any]]:
    """Select notifications of a digest whose first one is missing, or has another owner or provider."""
    first = OUTBOX.alias()
    of_another = or_(
        first.c.notification_id.is_(None),
        *(first.c[name] != OUTBOX.c[name] for name in ("provider", "owner")),
    )
    return (
        select(type_coerce(OUTBOX.c.notification_id, NullType()))
        .outerjoin(first, first.c.notification_id == OUTBOX.c.message_id)
        .where(OUTBOX.c.message_id != OUTBOX.c.notification_id, of_another)
    )


def _find_problem(row: Any) -> str:
    outcome = read_outcome(_as_values(row), created_at=_ANY_TIME)
    if outcome.problem:
        return outcome.problem
    if outcome.delivery and outcome.delivery.notification.route_key not in ("", row.route_key):
        return "its column route_key is not that of its text"
    if row.state == State.SUPPRESSED and row.reason != Reason.DEFERRED:
        return f"it is suppressed, but of reason {row.reason}"
    if row.due_at is None and row.state in (UNSENT | UNCERTAIN) - {State.SUPPRESSED}:
        return f"its state is {row.state}, and it is never due"
    return ""


def _as_values(row: Any) -> SimpleNamespace:
    """Return a row with the booleans that SQLite keeps as numbers; any other value stays what it is."""
    values = dict(zip(OUTBOX.c.keys(), row, strict=True))
    for name in _IS_WRITTEN_AS_NUMBER:
        if values[name] in (0, 1):
            values[name] = bool(values[name])
    return SimpleNamespace(**values)
