"""Looks at the connectors in the transaction that takes outcomes into the evidence, and writes what changed.

That transaction marks the outcomes as taken, and other writers of the ledger wait for it. So an outage is
neither lost nor opened twice, whatever is killed, and a run in which nothing failed reads two small tables.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from rollback_drills.documents.utc import from_seconds, write_instant
from rollback_drills.evidence.outages.acts import DisabledRecord
from rollback_drills.evidence.outages.closing import record_closure
from rollback_drills.evidence.outages.known import OpenOutage, Unfinished, find_last_end, read_unfinished
from rollback_drills.evidence.outages.levels import ConnectorRows
from rollback_drills.evidence.outages.records import OutageRecord
from rollback_drills.evidence.outages.replay_outcome import record_replay_outcome
from rollback_drills.evidence.outages.rule import Cause, Opened, find_changes
from rollback_drills.evidence.record import Record, make_once_key
from rollback_drills.evidence.record_kinds import (
    CLOSURE_KIND,
    DISABLED_KIND,
    OUTAGE_KIND,
    REPLAY_OUTCOME_KIND,
)
from rollback_drills.names import ids
from rollback_drills.names.keys import name_key
from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import NOTIFIED, State
from rollback_drills.outbox.destinations import Destination, read_disabled
from rollback_drills.readiness.acceptance import CLOCK_SKEW

_IS_OVER = frozenset({State.DISCARDED, State.SUPERSEDED})


@dataclass(slots=True)
class Touched:
    """The connectors through which something failed or was delivered since the evidence looked last."""

    refusing: dict[str, str] = field(default_factory=dict)
    delivering: dict[str, str] = field(default_factory=dict)
    """Both by the key of the name, in its first spelling."""

    def see(self, deliveries: Iterable[Delivery]) -> None:
        """Note what became of notifications."""
        for each in deliveries:
            provider = each.notification.provider
            if each.state in NOTIFIED:
                self.delivering.setdefault(name_key(provider), provider)
            elif each.attempt_count and each.state not in _IS_OVER:
                self.refusing.setdefault(name_key(provider), provider)


def watch_connectors(
    connection: Connection, touched: Touched, *, created_at: datetime, signer: str
) -> Iterator[tuple[str, Record]]:
    """Yield what changed, each with the key under which it is written once.

    That is: connectors that are disabled, outages that end or begin, and what came of replays. Each record
    must be added before the next one is asked for.

    Args:
        connection: In the transaction that writes to the ledger.
        touched: Which connectors may have changed.
        created_at: The clock of the evidence.
        signer: Who runs.
    """
    disabled = {name_key(each.provider): each for each in read_disabled(connection)}
    known = read_unfinished(connection)
    for dead in disabled.values():
        yield once_disabled(dead), record_disabled(dead, created_at=created_at, signer=signer)
    for key, provider in sorted(_find_changed(touched, disabled, known).items()):
        changes = _Connector(connection, provider, known.outages.get(key), disabled.get(key))
        yield from changes.find(created_at, signer)
    for replay in known.replays:
        record = record_replay_outcome(connection, replay, created_at=created_at, signer=signer)
        if record is not None:
            yield make_once_key(REPLAY_OUTCOME_KIND, replay.replay_id), record


def _find_changed(touched: Touched, disabled: dict[str, Destination], known: Unfinished) -> dict[str, str]:
    """Return the connectors, by key, of which a look may find something new."""
    may_begin = {**{key: each.provider for key, each in disabled.items()}, **touched.refusing}
    may_end = touched.delivering
    return {key: each for key, each in may_begin.items() if key not in known.outages} | {
        key: each for key, each in may_end.items() if key in known.outages
    }


@dataclass(frozen=True, slots=True)
class _Connector:
    """One connector, its open outage, and how it was disabled."""

    connection: Connection
    provider: str
    outage: OpenOutage | None
    disabled: Destination | None

    def find(self, created_at: datetime, signer: str) -> Iterator[tuple[str, Record]]:
        """Yield the records of what a look finds new."""
        latest = (created_at + CLOCK_SKEW).timestamp()
        rows = ConnectorRows(self.connection, self.provider, latest=latest)
        opened_at = self.outage.opened_at.timestamp() if self.outage else None
        ended_at = None if self.outage else find_last_end(self.connection, self.provider)
        level = rows.read_level(opened_at, self.disabled.disabled_at if self.disabled else None, ended_at)
        for change in find_changes(level, is_open=self.outage is not None):
            if isinstance(change, Opened):
                outage = self._record_outage(rows, change, created_at, signer)
                yield make_once_key(OUTAGE_KIND, outage.outage_id), outage
            elif self.outage is not None:
                closure = record_closure(
                    self.connection, self.outage, rows, change.at, created_at=created_at, signer=signer
                )
                yield make_once_key(CLOSURE_KIND, closure.outage_id), closure

    def _record_outage(
        self, rows: ConnectorRows, opened: Opened, created_at: datetime, signer: str
    ) -> OutageRecord:
        opened_at = write_instant(from_seconds(opened.at))
        waiting, dead = rows.count_failed(opened.at)
        by = self.disabled if opened.cause is Cause.DISABLED else None
        outage_id = ids.outage_id(self.provider, opened_at)
        return OutageRecord(
            session_id=outage_id,
            created_at=write_instant(created_at),
            signer=signer,
            provider=self.provider,
            outage_id=outage_id,
            opened_at=opened_at,
            cause=opened.cause,
            detail=by.disabled_because if by else rows.find_detail(opened.at),
            waiting_count=waiting,
            dead_letter_count=dead,
        )


def once_disabled(dead: Destination) -> str:
    """Return the key under which it is written once that a connector is disabled since some time."""
    return make_once_key(DISABLED_KIND, name_key(dead.provider), dead.disabled_at)


def record_disabled(
    dead: Destination, *, created_at: datetime, signer: str, by: str | None = None
) -> DisabledRecord:
    """Write down that a connector is disabled.

    Args:
        dead: What the outbox knows of it.
        created_at: The clock of the evidence.
        signer: Who runs.
        by: Who disabled it; None if a delivery did, because its provider said that it is gone.
    """
    disabled_at = write_instant(from_seconds(dead.disabled_at or 0.0))
    return DisabledRecord(
        session_id=ids.outage_id(dead.provider, disabled_at),
        created_at=write_instant(created_at),
        signer=signer,
        provider=dead.provider,
        disabled_at=disabled_at,
        disabled_by=by,
        is_automatic=by is None,
        reason=dead.disabled_because,
    )
