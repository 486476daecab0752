"""What the ledger knows of the schedules of a run: their drills, and what is not trusted."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from rollback_drills.database.connections import Database
from rollback_drills.database.one_of import listed
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.instants import read_instant
from rollback_drills.evidence.index import LedgerRow, read_if_readable
from rollback_drills.evidence.record_kinds import DRILL_KIND, TRUSTED_KIND, UNTRUSTED_KIND
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.names.spellings import keep_texts, walk
from rollback_drills.redaction.redactor import REDACTED
from rollback_drills.trust.records import TrustedRecord, UntrustedRecord
from rollback_drills.trust.signs import KnownDrill, Memory, OpenDistrust, Sign

_FOUND: Final = (LEDGER.c.schedule_id, LEDGER.c.leaf_index, LEDGER.c.metadata_kind, LEDGER.c.record)


class _Drill(LedgerRow, frozen=True, gc=False):
    """What is read of a drill: a large fleet has many."""

    drill_id: str = ""
    executed_at: str = ""

    def __post_init__(self) -> None:
        _ = self.at

    @property
    def at(self) -> datetime | None:
        """When it was performed; None if nobody wrote that down."""
        return read_instant(self.executed_at)[0] if self.executed_at else None


_MARKS: Final[Mapping[str, type[UntrustedRecord | TrustedRecord]]] = {
    UNTRUSTED_KIND: UntrustedRecord,
    TRUSTED_KIND: TrustedRecord,
}


@dataclass(slots=True)
class _Rows:
    """What was found of one schedule."""

    drills: list[KnownDrill] = field(default_factory=list)
    marks: list[tuple[int, UntrustedRecord | TrustedRecord]] = field(default_factory=list)
    """What the guard and people wrote about it."""


def recall(database: Database, schedule_ids: Iterable[str]) -> dict[str, Memory]:
    """Return what the ledger knows of these schedules, by name; what was pruned is not known.

    A schedule may have been spelt otherwise.

    Raises:
        DatabaseError: The database cannot be read.
    """
    found: dict[str, _Rows] = {}
    with database.read() as connection:
        names = spell_names(connection, schedule_ids)
        for schedule_id, leaf_index, kind, text in connection.execute(_find_rows(names)):
            _take(found.setdefault(names[schedule_id], _Rows()), leaf_index, kind, text)
    return {name: _remember(rows) for name, rows in found.items()}


def spell_names(connection: Connection, schedule_ids: Iterable[str]) -> dict[str, str]:
    """Return these names, the first of each schedule, by every spelling that the ledger has of them."""
    names = first_spellings(schedule_ids)
    texts = walk(connection, LEDGER.c.schedule_id) if names else ()
    return {text: names[key] for text in texts if (key := name_key(text)) in names}


def find_open(database: Database, schedule_id: str | None = None) -> dict[str, Sequence[OpenDistrust]]:
    """Return by schedule what is not trusted; of one schedule, or of all."""
    if schedule_id is not None:
        ids = [schedule_id]
    else:
        written = select(LEDGER.c.schedule_id).where(LEDGER.c.metadata_kind == UNTRUSTED_KIND).distinct()
        with database.read() as connection:
            ids = sorted(keep_texts(connection.scalars(written)))
    return {name: memory.open for name, memory in recall(database, ids).items() if memory.open}


def find_unsettled(database: Database, cycle_ids: Collection[str]) -> dict[str, set[tuple[str, Sign]]]:
    """Return by cycle what was written down with it and is not settled: keys of schedules, and signs.

    Of all schedules, also those that a run is not about; a cycle of which nothing was written is left out.
    """
    written = select(LEDGER.c.cycle_id, LEDGER.c.schedule_id).where(
        LEDGER.c.cycle_id.in_(cycle_ids), LEDGER.c.metadata_kind == UNTRUSTED_KIND
    )
    with database.read() as connection:
        rows = connection.execute(written).all()
    unsettled: dict[str, set[tuple[str, Sign]]] = {row.cycle_id: set() for row in rows}
    for schedule_id, memory in recall(database, [row.schedule_id for row in rows]).items():
        for each in memory.open:
            if each.cycle_id in unsettled:
                unsettled[each.cycle_id].add((name_key(schedule_id), each.sign))
    return unsettled


def _find_rows(schedule_ids: Iterable[str]) -> Select[Any]:
    """Return the query of all drills and marks of some schedules."""
    wanted = listed(schedule_ids)
    kinds = LEDGER.c.metadata_kind.in_((DRILL_KIND, UNTRUSTED_KIND, TRUSTED_KIND))
    return select(*_FOUND).join_from(wanted, LEDGER, LEDGER.c.schedule_id == wanted.c.value).where(kinds)


def _take(rows: _Rows, leaf_index: int, kind: str, text: str) -> None:
    if kind in _MARKS:
        if mark := read_if_readable(leaf_index, text, _MARKS[kind]):
            rows.marks.append((leaf_index, mark))
    elif drill := read_if_readable(leaf_index, text, _Drill):
        drill_id = "" if REDACTED in drill.drill_id else drill.drill_id
        rows.drills.append(KnownDrill(leaf_index, drill_id, drill.at))


def _remember(rows: _Rows) -> Memory:
    forgiven: set[int] = set()
    settled_at = -1
    distrusts: Sequence[OpenDistrust] = ()
    for leaf_index, record in sorted(rows.marks, key=lambda mark: mark[0]):
        if isinstance(record, UntrustedRecord):
            distrusts = (*distrusts, OpenDistrust(record.sign, record.cycle_id, record.missing_rows))
        else:
            distrusts = tuple(each for each in distrusts if each.sign not in record.signs)
            forgiven.update(record.forgiven_rows)
            settled_at = leaf_index
    drills = sorted(rows.drills, key=attrgetter("leaf_index"))
    return Memory(
        [each for each in drills if each.leaf_index not in forgiven] if forgiven else drills,
        distrusts,
        settled_at,
    )
