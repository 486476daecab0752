"""What changed of a schedule, and when: read from the evidence, and listed on the schedule's page."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.index import LedgerRow, read_rows
from rollback_drills.evidence.record_kinds import PLAN_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.notifications.reasons import Reason
from rollback_drills.planning.category import Action, Category
from rollback_drills.rendering.markdown import cell
from rollback_drills.rendering.times import write_time

LONGEST_LIST: Final = 40
"""So many changes are listed; `drills routes` and the console have them all."""
_COLUMNS: Final = ("when", "state", "who was notified, and who was not", "why")

_AT_REST: Final = (Category.HEALTHY_SCHEDULE, Category.ALREADY_NOTIFIED)
"""Reasons not to notify somebody that nobody asks about."""
_REASONS: Final = {str(each): each.in_words for each in Reason}


class _Decision(msgspec.Struct, frozen=True, gc=False):
    owner: str
    provider: str
    action: Action
    category: Category
    reason: str


class _Plan(msgspec.Struct, frozen=True, gc=False):
    status: str
    reason: str
    route_decisions: tuple[_Decision, ...]


class _Recorded(LedgerRow, frozen=True, gc=False):
    plan_id: str
    created_at: datetime
    plan: _Plan
    flow_run_id: str = ""


class _Delivered(LedgerRow, frozen=True, gc=False):
    plan_id: str
    owner: str
    provider: str
    reason: str
    outcome: str


class Change(msgspec.Struct, frozen=True):
    """A change of a schedule, or a run that notified somebody of it."""

    at: datetime
    state: str
    why: str
    notified: Sequence[str]
    """Who was notified, and what became of it."""
    suppressed: Sequence[str]
    """Who was not notified although there was something to send, and why."""
    flow_run_id: str


def find_change_lists(database: Database, schedule_ids: Iterable[str]) -> Mapping[str, Sequence[Change]]:
    """Return the last changes of schedules, the newest first.

    Args:
        database: Has the ledger.
        schedule_ids: By the names of the records.
    """
    with database.read() as connection:
        return {each: _read_changes(connection, each) for each in schedule_ids}


def list_changes(changes: Sequence[Change], link: Callable[[str], str]) -> Iterator[str]:
    """Write the lines of a list of changes as Markdown.

    Args:
        changes: The newest first.
        link: Gives the address of a flow run; empty if that is not known.
    """
    if not changes:
        return
    yield from ("", "## What changed, and when", "")
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"|{'---|' * len(_COLUMNS)}"
    for each in changes:
        address, at = link(each.flow_run_id) if each.flow_run_id else "", write_time(each.at)
        when = f"[{at}]({address})" if address else at
        people = "<br>".join(map(cell, (*each.notified, *each.suppressed)))
        yield f"| {' | '.join([when, cell(each.state.replace('_', ' ')), people, cell(each.why)])} |"
    if len(changes) == LONGEST_LIST:
        yield from ("", "Earlier changes are in the console and the evidence.")


def _read_changes(connection: Connection, schedule_id: str) -> Sequence[Change]:
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(LEDGER.c.schedule_id == schedule_id)
    plans = rows.where(LEDGER.c.metadata_kind == PLAN_KIND).order_by(LEDGER.c.leaf_index.desc())
    found = connection.execute(plans.limit(LONGEST_LIST)).tuples().all()
    if not found:
        return ()
    outcomes: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    since = rows.where(LEDGER.c.metadata_kind == ROUTE_DELIVERY_KIND, LEDGER.c.leaf_index > found[-1][0])
    delivered = connection.execute(since.order_by(LEDGER.c.leaf_index)).tuples()
    for each in read_rows(delivered, _Delivered):
        reason = _REASONS.get(each.reason, each.reason)
        outcomes[each.plan_id][each.owner, each.provider] = f"{each.outcome} ({reason})"
    return [_change(each, outcomes.get(each.plan_id, {})) for each in read_rows(found, _Recorded)]


def _change(recorded: _Recorded, outcomes: Mapping[tuple[str, str], str]) -> Change:
    decisions = recorded.plan.route_decisions
    wanted = {(each.owner, each.provider): "not yet" for each in decisions if each.action is Action.DELIVER}
    return Change(
        recorded.created_at,
        recorded.plan.status,
        recorded.plan.reason,
        [f"{owner} through {provider}: {said}" for (owner, provider), said in {**wanted, **outcomes}.items()],
        [
            f"{each.owner} through {each.provider}: not notified; {each.reason}"
            for each in decisions
            if each.action is Action.SUPPRESS and each.category not in _AT_REST
        ],
        recorded.flow_run_id,
    )
