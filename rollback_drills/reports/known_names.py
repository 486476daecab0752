"""Says which names exist, where a filter matches nothing."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from sqlalchemy import Table, select

from rollback_drills.database.connections import Database
from rollback_drills.documents.quotation import show
from rollback_drills.documents.unknown_name import list_known
from rollback_drills.names.keys import name_key
from rollback_drills.names.spellings import NAMES, keep_texts
from rollback_drills.reports.paging import HistoryPage, Row

_WHAT: Final = {
    "schedule_id": "schedule",
    "cycle_id": "cycle",
    "provider": "provider",
    "owner": "owner",
    "action": "action",
    "category": "category",
    "metadata_kind": "kind",
}


def explain_nothing_found(
    database: Database, table: Table, given: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """List the names that a table holds, for each name that was asked for and is not in it.

    Args:
        database: Has the table.
        table: Which was searched.
        given: Column and value of each condition.
    """
    for column, value in given:
        if column not in _WHAT:
            continue
        with database.read() as connection:
            texts = connection.scalars(select(table.c[column]).where(table.c[column] != "").distinct())
            names = sorted(keep_texts(texts))
        is_known = name_key(value) in map(name_key, names) if column in NAMES else value in names
        if not is_known:
            yield f"nothing is recorded for the {_WHAT[column]} {show(value)}; {list_known(value, names)}"


def add_notes(
    page: HistoryPage[Row], database: Database | None, table: Table, given: Iterable[tuple[str, str]]
) -> HistoryPage[Row]:
    """Add to a page that found nothing which names there are."""
    if database is None or page.total:
        return page
    notes = list(explain_nothing_found(database, table, given))
    return msgspec.structs.replace(page, notes=notes) if notes else page
