"""Whether each connector works, by what became of what it was given last."""

from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import case, func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.documents.utc import write_seconds
from rollback_drills.notifications.states import DEAD, NOTIFIED, WAITING, State
from rollback_drills.outbox.destinations import KnownDestinations, find_destinations
from rollback_drills.outbox.rows import holds_time

_FAILED = (*DEAD, State.RETRY, State.AMBIGUOUS)


class ConnectorReport(msgspec.Struct, frozen=True, gc=False):
    """One connector, as the dashboard has it."""

    provider: str
    failing: bool
    last_success_at: str | None
    last_failure_at: str | None
    waiting_count: int
    dead_letter_count: int
    disabled_at: str | None
    disabled_because: str


@dataclass(frozen=True, slots=True)
class ConnectorHealth:
    """One connector, as its deliveries show it."""

    provider: str
    succeeded_at: float | None
    failed_at: float | None
    waiting_count: int
    dead_count: int
    unsendable_count: int
    """How many cannot even be tried, because there is no such connector or it cannot be used."""
    disabled_at: float | None = None
    disabled_because: str = ""

    @property
    def is_failing(self) -> bool:
        """Whether it is disabled, missing or unusable, or its last delivery failed."""
        if self.disabled_at is not None or self.unsendable_count:
            return True
        return self.failed_at is not None and self.failed_at > (self.succeeded_at or 0.0)

    def report(self) -> ConnectorReport:
        """Return it as the dashboard has it."""
        return ConnectorReport(
            self.provider,
            self.is_failing,
            write_seconds(self.succeeded_at),
            write_seconds(self.failed_at),
            self.waiting_count,
            self.dead_count,
            write_seconds(self.disabled_at),
            self.disabled_because,
        )


def read_connectors(database: Database) -> list[ConnectorHealth]:
    """Return what is known of every connector that was ever given something, by name."""
    destinations = KnownDestinations(find_destinations(database))
    ended = holds_time(OUTBOX.c.completed_at)
    statement = select(
        OUTBOX.c.provider,
        func.max(case((OUTBOX.c.state.in_(NOTIFIED) & ended, OUTBOX.c.completed_at))),
        func.max(case((OUTBOX.c.state.in_(_FAILED) & ended, OUTBOX.c.completed_at))),
        func.sum(case((OUTBOX.c.state.in_(WAITING), 1), else_=0)),
        func.sum(case((OUTBOX.c.state.in_(list(DEAD)), 1), else_=0)),
        func.sum(case(((OUTBOX.c.state == State.PENDING) & (OUTBOX.c.detail != ""), 1), else_=0)),
    ).group_by(OUTBOX.c.provider)
    with database.read() as connection:
        rows = connection.execute(statement.order_by(OUTBOX.c.provider)).all()
    # a name that is no text is in a row that somebody changed, which the list of undelivered ones names
    found = (ConnectorHealth(provider, *facts) for provider, *facts in rows if isinstance(provider, str))
    return [
        replace(each, disabled_at=known.disabled_at, disabled_because=known.disabled_because)
        for each in found
        for known in [destinations.of(each.provider)]
    ]
