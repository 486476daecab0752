"""Reads requests for exceptions out of the evidence, with their decisions."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import read_all
from rollback_drills.evidence.record_kinds import PLAN_KIND
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.followup.exceptions.exception_requests import (
    DeclineRecord,
    ExceptionRequestRecord,
    FoundRequest,
    RequestedException,
    RequestState,
    read_decision,
)
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import group_spellings


def read_open_requests(
    database: Database, *, now: datetime, schedule_ids: Collection[str] | None = None
) -> list[RequestedException]:
    """Return the requests that wait for a decision, those that expire first at the top.

    Args:
        database: Has the evidence.
        now: When they are open.
        schedule_ids: Only requests of these schedules; None for all.
    """
    wanted = None if schedule_ids is None else set(map(name_key, schedule_ids))
    with database.read() as connection:
        requests = [
            each
            for each in _read_requests(connection)
            if now < each.open_until and (wanted is None or name_key(each.schedule_id) in wanted)
        ]
        found = _find_ends(connection, requests)
    waiting = [each.request for each in found if each.state_at(now) is RequestState.OPEN]
    return sorted(waiting, key=lambda each: (each.open_until, each.request_id))


def find_request(database: Database, request_id: str) -> FoundRequest | None:
    """Return a request by its id; None if there is none."""
    with database.read() as connection:
        named = [each for each in _read_requests(connection) if each.request_id == request_id]
        return next(iter(_find_ends(connection, named[:1])), None)


def get_request(database: Database | None, request_id: str) -> FoundRequest:
    """Return a request by its id.

    Raises:
        UsageError: There is none.
    """
    found = find_request(database, request_id) if database else None
    if found is None:
        raise UsageError(
            f"is {show(request_id)}, which the evidence does not have; `drills requests list` shows the ids",
            field="request_id",
        )
    return found


def ensure_decided(database: Database | None, record: ExceptionRecord | DeclineRecord) -> None:
    """Ensure that a decision is the one that was written, and not another one at the same time.

    Raises:
        UsageError: Somebody else was first.
    """
    request_id, written = str(record.request_id), read_decision(record)
    decision = get_request(database, request_id).decision
    if decision is None or (decision.is_approved, decision.by) != (written.is_approved, written.by):
        first = f" by {decision.by}" if decision else ""
        raise UsageError(f"{request_id} was decided meanwhile{first}; nothing was written")


def _read_requests(connection: Connection) -> Iterable[RequestedException]:
    """Return every request: people make them, so that there are few."""
    return [each.to_request() for each in read_all(connection, ExceptionRequestRecord)]


def _find_ends(connection: Connection, requests: Sequence[RequestedException]) -> list[FoundRequest]:
    is_decision = one_of(LEDGER.c.once_key, (each.request_id for each in requests))
    decided: list[ExceptionRecord | DeclineRecord] = [
        *read_all(connection, ExceptionRecord, is_decision),
        *read_all(connection, DeclineRecord, is_decision),
    ]
    decisions = {str(each.once_key): read_decision(each) for each in decided}
    current = _find_current_cycles(connection, {each.schedule_id for each in requests})
    return [FoundRequest(each, decisions.get(each.request_id), _is_over(each, current)) for each in requests]


def _is_over(request: RequestedException, current: dict[str, tuple[int, str]]) -> bool:
    row, cycle_id = current.get(name_key(request.schedule_id), (-1, ""))
    return row > request.leaf_index and cycle_id != request.cycle_id


def _find_current_cycles(connection: Connection, names: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return by the key of a schedule the row of its newest plan, and the cycle of that."""
    current: dict[str, tuple[int, str]] = {}
    for key, spellings in group_spellings(connection, LEDGER.c.schedule_id, names).items():
        newest = select(func.max(LEDGER.c.leaf_index)).where(
            LEDGER.c.schedule_id.in_(spellings), LEDGER.c.metadata_kind == PLAN_KIND
        )
        plan = select(LEDGER.c.leaf_index, LEDGER.c.cycle_id).where(
            LEDGER.c.leaf_index == newest.scalar_subquery()
        )
        if row := connection.execute(plan).first():
            current[key] = (row.leaf_index, row.cycle_id)
    return current
