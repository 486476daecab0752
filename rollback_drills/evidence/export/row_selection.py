"""Which leaves an export shows, and how the rest of the tree is folded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, func, select

from rollback_drills.database.tables import LEDGER, PRUNED
from rollback_drills.errors import Field, UsageError
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.ledger.merkle import Subtree, cover
from rollback_drills.evidence.record_kinds import LEDGER_KINDS
from rollback_drills.names.spellings import keep_texts

_MOST_NAMED: Final = 10
_ROWS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """What is shown: a range of leaves, or rows one by one; the ledger's own rows are always shown."""

    start: int
    """The first leaf of the period."""
    end: int
    """The leaf after the period."""
    shown_from: int
    shown_to: int
    """The same with the row before and the row after, which show that nothing is left out."""


def select_rows(connection: Connection, query: Query) -> Selection:
    """Find the leaves of a period.

    Raises:
        UsageError: There are none, or a schedule is not known.
    """
    for schedule in query.schedules or ():
        if not _has_rows(connection, LEDGER.c.schedule_id == schedule):
            raise UsageError(f"no evidence of the schedule {schedule!r}; {_name_schedules(connection)}")
    column = LEDGER.c.leaf_index
    start = select(func.min(column)).where(LEDGER.c.created_at >= query.since) if query.since else None
    end = select(func.max(column)).where(LEDGER.c.created_at < query.until) if query.until else None
    first = connection.scalar(select(func.min(column)) if start is None else start)
    last = connection.scalar(select(func.max(column)) if end is None else end)
    newest = connection.scalar(select(func.max(column)))
    if first is None or last is None or newest is None or last < first:
        raise UsageError("there is no evidence of this period; `drills evidence list` shows what there is")
    if not query.since:
        first = 0
    within = LEDGER.c.leaf_index.between(first, last)
    if query.schedules and not _has_rows(connection, within, LEDGER.c.schedule_id.in_(query.schedules)):
        raise UsageError(
            "there is no evidence of these schedules in this period; leave ",
            *(Field("from"), " or ", Field("to"), " out"),
        )
    before = 0 if first == 0 else first - 1
    return Selection(first, last + 1, before, min(last + 1, newest) + 1)


def iterate_rows(
    connection: Connection, query: Query, chosen: Selection
) -> Iterator[tuple[int, object, bytes]]:
    """Yield number, record as it is stored, and leaf hash of each row that is shown, in order."""
    if query.schedules is None:
        wanted = [LEDGER.c.leaf_index.between(chosen.shown_from, chosen.shown_to - 1)]
    else:
        within = LEDGER.c.leaf_index.between(chosen.start, chosen.end - 1)
        wanted = [within, LEDGER.c.schedule_id.in_(query.schedules)]
    own = LEDGER.c.metadata_kind.in_(LEDGER_KINDS)
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record, LEDGER.c.hashes).where(and_(*wanted) | own)
    ordered = rows.order_by(LEDGER.c.leaf_index)
    for row in connection.execute(ordered, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield row.leaf_index, row.record, row.hashes[:32]


def fold_gap(start: int, end: int, borders: Iterable[int]) -> Iterator[Subtree]:
    """Fold leaves that are not shown, without a fold that crosses a border."""
    for border in borders:
        if start < border < end:
            yield from cover(start, border)
            start = border
    yield from cover(start, end)


def pruned_before(connection: Connection) -> int:
    """Return the leaf before which rows may have been pruned."""
    newest = connection.scalar(select(func.max(PRUNED.c.leaf_index)))
    return 0 if newest is None else newest + 1


def count_pruned(connection: Connection, chosen: Selection) -> int:
    """Count the rows of the period whose content is gone."""
    within = PRUNED.c.leaf_index.between(chosen.start, chosen.end - 1)
    return connection.scalar(select(func.count()).select_from(PRUNED).where(within)) or 0


def _has_rows(connection: Connection, *conditions: ColumnElement[bool]) -> bool:
    return connection.scalar(select(LEDGER.c.leaf_index).where(*conditions).limit(1)) is not None


def _name_schedules(connection: Connection) -> str:
    column = LEDGER.c.schedule_id
    names = select(column).where(column != "").distinct().order_by(column)
    known = keep_texts(connection.scalars(names.limit(_MOST_NAMED + 1)))
    more = ", …" if len(known) > _MOST_NAMED else ""
    return f"known are {', '.join(known[:_MOST_NAMED])}{more}" if known else "there is no evidence of any"
