"""Keeps the ids that cycles and routes got before names had one identity, until the cycles end.

Providers know their issues and alerts by these ids, and acknowledgements and messages name them.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.names import ids
from rollback_drills.readiness.judgement import Judgement


def keep_known_cycles(database: Database | None, judgements: Sequence[Judgement]) -> list[Judgement]:
    """Return the judgements, with the id of their open cycle in the outbox, where that differs."""
    known = find_known_cycles(database) if database else {}
    return [_keep(each, known) for each in judgements] if known else list(judgements)


def find_known_cycles(database: Database) -> dict[str, str]:
    """Return the ids of open cycles that were named by a spelling, by the ids that they would get now.

    Of two spellings that have an open cycle each, the one that was notified first keeps its id.
    """
    columns = (OUTBOX.c.schedule_id, OUTBOX.c.cycle_due, OUTBOX.c.cycle_id)
    is_open = OUTBOX.c.is_closed.is_(False)
    oldest_first = select(*columns).where(is_open).group_by(*columns).order_by(func.min(OUTBOX.c.sequence))
    with database.read() as connection:
        rows = connection.execute(oldest_first).all()
    current = {cycle_id for _, _, cycle_id in rows}
    known: dict[str, str] = {}
    for schedule_id, due_at, cycle_id in rows:
        if not isinstance(schedule_id, str):  # somebody changed the row, which the run names
            continue
        new_id = ids.cycle_id(schedule_id, due_at or None)
        if new_id not in current:
            known.setdefault(new_id, cycle_id)
    return known


def _keep(judgement: Judgement, known: Mapping[str, str]) -> Judgement:
    cycle = judgement.cycle
    if cycle.cycle_id not in known:
        return judgement
    kept = msgspec.structs.replace(cycle, cycle_id=known[cycle.cycle_id])
    return msgspec.structs.replace(judgement, cycle=kept)
