"""Lists outages of connectors, open and closed, the newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from rollback_drills import PRODUCT
from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.index import iterate_records, read_all
from rollback_drills.evidence.outages.closing import record_closure
from rollback_drills.evidence.outages.known import OpenOutage
from rollback_drills.evidence.outages.levels import ConnectorRows
from rollback_drills.evidence.outages.records import ActReport, ClosureRecord, WaitedReport
from rollback_drills.evidence.record_kinds import OUTAGE_KIND
from rollback_drills.names.keys import is_same

OUTAGES_SCHEMA: Final = "rollback-drills.connector-outages.v1"
_MOST_OPEN: Final = 1000


class OutageReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One outage, as it was when it ended, or as it is now."""

    outage_id: str
    provider: str
    is_open: bool
    opened_at: str
    closed_at: str | None
    closed_by: str | None
    """Who closed it without a delivery; None if a delivery did, or it is open."""
    closed_because: str | None
    """Why that person did."""
    cause: str
    detail: str
    duration_seconds: float
    waited_count: int
    delivered_count: int
    waiting_count: int
    dead_letter_count: int
    discarded_count: int
    superseded_count: int
    notifications: Sequence[WaitedReport]
    replayed: Sequence[ActReport]
    discarded: Sequence[ActReport]
    enabled: Sequence[ActReport]
    flow_run_ids: Sequence[str]


class OpenOutageReport(msgspec.Struct, frozen=True, gc=False):
    """An outage that is open, as the dashboard has it."""

    outage_id: str
    provider: str
    opened_at: str
    cause: str
    detail: str
    waiting_count: int
    dead_letter_count: int


class OutagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of outages."""

    schema_version: str = OUTAGES_SCHEMA
    product: str = PRODUCT
    generated_at: str
    items: Sequence[OutageReport]
    total: int
    open_count: int
    limit: int
    offset: int


class _Begun(OpenOutage, frozen=True, gc=False, kw_only=True):
    cause: str
    detail: str


@dataclass(frozen=True, slots=True)
class OutageFilter:
    """Which outages are wanted; None matches everything."""

    provider: str | None = None
    is_open: bool | None = None


def find_outages(
    database: Database | None, wanted: OutageFilter, *, now: datetime, limit: int = 100, offset: int = 0
) -> OutagePage:
    """Return outages, those that are open first, then the newest.

    Args:
        database: Keeps evidence and outbox; None if there is none yet.
        wanted: Which ones.
        now: Until when the open ones are described.
        limit: At most so many.
        offset: So many are passed over.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    found: list[OutageReport] = []
    open_count = total = 0
    if database is not None:
        with database.snapshot() as connection:
            matching = [
                (begun, closure)
                for begun, closure in _read(connection)
                if (wanted.provider is None or is_same(begun.provider, wanted.provider))
                and (wanted.is_open is None or wanted.is_open is (closure is None))
            ]
            matching.sort(key=lambda each: (each[1] is not None, -each[0].leaf_index))
            total, open_count = len(matching), sum(closure is None for _, closure in matching)
            found = [
                _report(connection, begun, closure, now)
                for begun, closure in matching[offset : offset + limit]
            ]
    return OutagePage(
        generated_at=write_instant(now),
        items=found,
        total=total,
        open_count=open_count,
        limit=limit,
        offset=offset,
    )


def read_open_outages(database: Database, *, now: datetime) -> list[OpenOutageReport]:
    """Return the open outages, the newest first, with what waits now.

    Raises:
        DatabaseError: The evidence cannot be read.
    """
    page = find_outages(database, OutageFilter(is_open=True), now=now, limit=_MOST_OPEN)
    return [
        OpenOutageReport(
            *(each.outage_id, each.provider, each.opened_at, each.cause, each.detail),
            each.waiting_count,
            each.dead_letter_count,
        )
        for each in page.items
    ]


def _read(connection: Connection) -> Iterator[tuple[_Begun, ClosureRecord | None]]:
    """Yield each outage with its closure; an outage whose beginning was pruned is left out."""
    by_outage = {each.session_id: each for each in read_all(connection, ClosureRecord)}
    for outage in iterate_records(connection, _Begun, LEDGER.c.metadata_kind == OUTAGE_KIND):
        yield outage, by_outage.get(outage.outage_id)


def _report(
    connection: Connection, begun: _Begun, closure: ClosureRecord | None, now: datetime
) -> OutageReport:
    facts = closure or _close_now(connection, begun, now)
    return OutageReport(
        outage_id=begun.outage_id,
        provider=begun.provider,
        is_open=closure is None,
        opened_at=write_instant(begun.opened_at),
        closed_at=closure.closed_at if closure else None,
        closed_by=facts.closed_by or None,
        closed_because=facts.reason or None,
        cause=begun.cause,
        detail=begun.detail,
        duration_seconds=float(facts.duration_seconds),
        waited_count=facts.waited_count,
        delivered_count=facts.delivered_count,
        waiting_count=facts.waiting_count,
        dead_letter_count=facts.dead_letter_count,
        discarded_count=facts.discarded_count,
        superseded_count=facts.superseded_count,
        notifications=facts.notifications,
        replayed=facts.replayed,
        discarded=facts.discarded,
        enabled=facts.enabled,
        flow_run_ids=facts.flow_run_ids,
    )


def _close_now(connection: Connection, begun: _Begun, now: datetime) -> ClosureRecord:
    """Return what would be written down if an open outage ended now."""
    rows = ConnectorRows(connection, begun.provider, latest=now.timestamp())
    return record_closure(connection, begun, rows, now.timestamp(), created_at=now, signer="")
