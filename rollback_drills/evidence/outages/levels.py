"""Reads from the outbox how a connector stands, and what waited for it; only where something changed."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select

from rollback_drills.database.tables import OUTBOX
from rollback_drills.evidence.outages.rule import Level
from rollback_drills.names.spellings import find_spellings_by_index
from rollback_drills.notifications.states import DEAD, NOTIFIED, WAITING, State

_FAILED: Final = (*DEAD, State.RETRY, State.AMBIGUOUS)
_TAKEN_OUT: Final = (State.DISCARDED, State.SUPERSEDED)
_STILL_THERE: Final = (*WAITING, State.SENDING)
_ROUNDED: Final = 1e-6
"""Records round the beginning of an outage to this many seconds, up or down; the outbox does not."""


class ConnectorRows:
    """The notifications of one connector."""

    def __init__(self, connection: Connection, provider: str, *, latest: float) -> None:
        """Read those of a provider, in any spelling.

        Args:
            connection: Reads the outbox.
            provider: Its name.
            latest: Attempts after this time cannot be: somebody changed the outbox, or a clock is wrong.
        """
        self._connection = connection
        spellings = find_spellings_by_index(connection, OUTBOX.c.provider, [provider])
        self._own = OUTBOX.c.provider.in_(spellings)
        self._possible = OUTBOX.c.completed_at <= latest

    def read_level(
        self, opened_at: float | None, disabled_at: float | None, ended_at: float | None = None
    ) -> Level:
        """Return how the connector stands.

        Args:
            opened_at: When its open outage began; None if none is open.
            disabled_at: Since when it is disabled; None if it is not.
            ended_at: When its last outage ended; what was so before begins no new one. None if it had none.
        """
        if disabled_at is not None and ended_at is not None and disabled_at <= ended_at:
            disabled_at = None
        delivered = self._own, self._possible, OUTBOX.c.state.in_(NOTIFIED)
        last = self._scalar(func.max(OUTBOX.c.completed_at), *delivered)
        since = None
        if opened_at is not None:
            since = self._scalar(
                func.min(OUTBOX.c.completed_at), *delivered, OUTBOX.c.completed_at > opened_at
            )
        after = max(last or 0.0, ended_at or 0.0)
        began = case(
            (OUTBOX.c.started_at > after, OUTBOX.c.started_at),
            else_=OUTBOX.c.completed_at,
        )
        failed = *self._failed(), OUTBOX.c.completed_at > after
        return Level(disabled_at, self._scalar(func.min(began), *failed), since)

    def count_failed(self, since: float) -> tuple[int, int]:
        """Return how many notifications wait and how many are dead letters, of those that failed since."""
        dead = func.sum(case((OUTBOX.c.state.in_(list(DEAD)), 1), else_=0))
        statement = select(func.count(), dead).where(*self._failed(), OUTBOX.c.completed_at >= since)
        total, of_them = self._connection.execute(statement).one()
        return total - (of_them or 0), of_them or 0

    def find_detail(self, since: float) -> str:
        """Return why the first of those failed that have failed since."""
        failed = select(OUTBOX.c.detail).where(*self._failed(), OUTBOX.c.completed_at >= since)
        return self._connection.scalar(failed.order_by(OUTBOX.c.completed_at).limit(1)) or ""

    def find_waited(
        self, opened_at: float, closed_at: float
    ) -> Sequence[Row[tuple[str, str, str, str, int]]]:
        """Return what was committed before an outage ended and was not delivered when it began.

        Dead letters from before it did not wait for its end. What a window or an absence keeps back did not
        wait for the connector.
        """
        attempted = OUTBOX.c.completed_at >= opened_at - _ROUNDED
        waited = or_(
            and_(OUTBOX.c.state.in_([*NOTIFIED, *DEAD]), attempted),
            OUTBOX.c.state.in_(_STILL_THERE),
            and_(OUTBOX.c.state.in_(_TAKEN_OUT), or_(attempted, OUTBOX.c.queued_at >= opened_at)),
        )
        in_time = or_(OUTBOX.c.queued_at <= closed_at, OUTBOX.c.completed_at <= closed_at)
        columns = (OUTBOX.c[name] for name in ("notification_id", "schedule_id", "owner", "state"))
        statement = select(*columns, OUTBOX.c.attempt_count).where(self._own, waited, in_time)
        return self._connection.execute(statement.order_by(OUTBOX.c.sequence)).all()

    def _failed(self) -> tuple[ColumnElement[bool], ...]:
        return (
            self._own,
            self._possible,
            OUTBOX.c.state.in_(_FAILED),
            OUTBOX.c.attempt_count > 0,
        )

    def _scalar(self, wanted: ColumnElement[float], *conditions: ColumnElement[bool]) -> float | None:
        found: float | None = self._connection.scalar(select(wanted).where(*conditions))
        return found
