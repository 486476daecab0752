"""Keeps the ids that cycles and routes got before names had one identity, until the cycles end.

Providers know their issues and alerts by these ids, and acknowledgements and messages name them.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import select

from rollback_drills import ids
from rollback_drills.database.connections import Database
from rollback_drills.names.keys import name_key
from rollback_drills.outbox.table import OUTBOX
from rollback_drills.readiness.judgement import Judgement


def keep_known_cycles(database: Database | None, judgements: Sequence[Judgement]) -> list[Judgement]:
    """Return the judgements, with the id that an open cycle has in the outbox where it has another one."""
    known = find_known_cycles(database) if database else {}
    if not known:
        return list(judgements)
    return [_keep(each, known) for each in judgements]


def find_known_cycles(database: Database) -> dict[str, str]:
    """Return the ids of open cycles that were named by a spelling, by the ids that they would get now."""
    columns = (OUTBOX.c.schedule_id, OUTBOX.c.cycle_due, OUTBOX.c.cycle_id)
    with database.read() as connection:
        rows = connection.execute(select(*columns).where(OUTBOX.c.is_closed.is_(False)).distinct()).all()
    current: set[str] = set()
    spelt: dict[str, str] = {}
    for schedule_id, due_at, cycle_id in rows:
        if schedule_id == name_key(schedule_id):
            current.add(cycle_id)
            continue
        new_id = ids.cycle_id(schedule_id, due_at or None)
        if new_id == cycle_id:
            current.add(cycle_id)
        else:
            spelt.setdefault(new_id, cycle_id)
    return {new_id: cycle_id for new_id, cycle_id in spelt.items() if new_id not in current}


def _keep(judgement: Judgement, known: Mapping[str, str]) -> Judgement:
    cycle = judgement.cycle
    if cycle.cycle_id not in known:
        return judgement
    kept = msgspec.structs.replace(cycle, cycle_id=known[cycle.cycle_id])
    return msgspec.structs.replace(judgement, cycle=kept)
