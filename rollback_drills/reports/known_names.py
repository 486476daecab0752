"""Says which names exist, where a filter matches nothing."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from sqlalchemy import Table, select

from rollback_drills.database.connections import Database
from rollback_drills.documents.quotation import show
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.names.spellings import NAMES

_MOST_SHOWN: Final = 20
_WHAT: Final = {"schedule_id": "schedule", "provider": "provider", "owner": "owner"}


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
        if column not in NAMES:
            continue
        with database.read() as connection:
            texts = connection.scalars(select(table.c[column]).where(table.c[column] != "").distinct())
            known = first_spellings(sorted(texts))
        if name_key(value) not in known:
            yield _explain(_WHAT[column], value, known)


def _explain(what: str, value: str, known: dict[str, str]) -> str:
    if not known:
        return f"there is no {what} {show(value)}; there is none yet"
    near = get_close_matches(name_key(value), known, n=1)
    hint = f". Did you mean {known[near[0]]}?" if near else ""
    names = list(known.values())
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    there = f"there {'are' if len(names) > 1 else 'is'} {', '.join(names[:_MOST_SHOWN])}{more}"
    return f"there is no {what} {show(value)}; {there}{hint}"
