"""Pages of histories that begin with the newest, of rows of this program and of imported ones together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, func, select

from rollback_drills import PRODUCT
from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.reports.filters import RowFilter
from rollback_drills.reports.period import Period

MOST_LISTED: Final = 1000
_FURTHEST: Final = 10**9

Row = TypeVar("Row")
Filter = TypeVar("Filter", bound=RowFilter)


class HistoryPage(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """A page of a history of contract §6, the newest row first."""

    schema_version: str
    product: str = PRODUCT
    items: Sequence[Row]
    total: int
    limit: int
    offset: int
    filters: Mapping[str, str]
    period: Mapping[str, str | None]
    notes: Sequence[str] | msgspec.UnsetType = msgspec.UNSET
    """Which names there are, if nothing was found because one that was asked for does not exist."""


class OwnRows(NamedTuple, Generic[Row]):
    """The rows of this program, and how to read them."""

    number: Column[Any]
    """What identifies a row, and orders it."""
    at: Column[Any]
    conditions: Sequence[ColumnElement[bool]]
    read_instant: Callable[[Any], datetime]
    """Reads the value of `at`."""
    describe: Callable[[Sequence[int]], Mapping[int, Row]]
    """Reads the rows with these numbers."""


def find_page(
    database: Database | None,
    schema_version: str,
    read: Callable[[Connection, Filter, Period, int, int], tuple[Sequence[Row], int]],
    wanted: Filter,
    period: Period,
    limit: int,
    offset: int,
) -> HistoryPage[Row]:
    """Return a page of a history.

    Args:
        database: Keeps the rows; None if there is none yet.
        schema_version: Names the kind of document.
        read: Reads the rows of the page, and how many there are on all pages.
        wanted: Which rows.
        period: When they were written.
        limit: Maximum number of rows.
        offset: How many of the newest are left out.

    Raises:
        UsageError: The limit or the offset is out of its bounds.
        DatabaseError: The database cannot be read.
    """
    if not 1 <= limit <= MOST_LISTED:
        raise UsageError(f"limit is {limit}; must be from 1 to {MOST_LISTED}")
    if not 0 <= offset <= _FURTHEST:
        raise UsageError(f"offset is {offset}; must be from 0 to {_FURTHEST}")
    items: Sequence[Row] = ()
    total = 0
    if database:
        with database.snapshot() as connection:
            items, total = read(connection, wanted, period, limit, offset)
    return HistoryPage(
        schema_version=schema_version,
        items=items,
        total=total,
        limit=limit,
        offset=offset,
        filters=wanted.to_wire(),
        period=period.to_wire(),
    )


def read_page(
    connection: Connection,
    own: OwnRows[Row],
    imported: Iterable[tuple[datetime, Row]],
    limit: int,
    offset: int,
) -> tuple[list[Row], int]:
    """Merge the rows of this program with imported ones; return a page of both, and how many there are."""
    others = sorted(imported, key=itemgetter(0), reverse=True)
    count = connection.scalar(select(func.count()).select_from(own.number.table).where(*own.conditions)) or 0
    newest = select(own.at, own.number).where(*own.conditions).order_by(own.number.desc())
    rows = connection.execute(newest.limit(offset + limit))
    numbers = ((own.read_instant(at), number) for at, number in rows)
    page = merge_newest(numbers, others, own.describe, slice(offset, offset + limit))
    return page, count + len(others)


def merge_newest(
    own: Iterable[tuple[datetime, int]],
    others: Iterable[tuple[datetime, Row]],
    describe: Callable[[Sequence[int]], Mapping[int, Row]],
    wanted: slice,
) -> list[Row]:
    """Merge numbers of rows and rows, both with their instants and the newest first.

    Args:
        own: Numbers of rows.
        others: Rows.
        describe: Reads the rows with these numbers.
        wanted: Which of them to read, counted from the newest.
    """
    merged: Iterator[tuple[datetime, int | Row]] = merge(own, others, key=itemgetter(0), reverse=True)
    page: list[int | Row] = [each for _, each in islice(merged, wanted.start, wanted.stop)]
    described = describe([each for each in page if isinstance(each, int)])
    rows = (described.get(each) if isinstance(each, int) else each for each in page)
    return [each for each in rows if each is not None]  # without those that cannot be read
