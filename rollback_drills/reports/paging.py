"""Pages of lists that begin with the newest, of rows of the ledger and of imported ones together."""

from collections.abc import Iterable
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Final, TypeVar

from rollback_drills.errors import UsageError

MOST_LISTED: Final = 1000
_FURTHEST: Final = 10**9

T = TypeVar("T")


def check_page(limit: int, offset: int) -> None:
    """Ensure that a page is one.

    Raises:
        UsageError: A number is out of its bounds.
    """
    if not 1 <= limit <= MOST_LISTED:
        raise UsageError(f"limit is {limit}; must be from 1 to {MOST_LISTED}")
    if not 0 <= offset <= _FURTHEST:
        raise UsageError(f"offset is {offset}; must be from 0 to {_FURTHEST}")


def newest_page(
    own: Iterable[tuple[datetime, T]], imported: Iterable[tuple[datetime, T]], *, limit: int, offset: int
) -> list[T]:
    """Merge what this program wrote with what was imported, and give a page of both.

    Args:
        own: With the instant of each, the newest first.
        imported: The same.
        limit: How many are given.
        offset: How many of the newest are left out.
    """
    merged = merge(own, imported, key=lambda each: each[0], reverse=True)
    return [value for _, value in islice(merged, offset, offset + limit)]
