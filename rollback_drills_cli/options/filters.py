"""The options by which the commands that look back choose rows."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.documents.instants import read_day_or_instant
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.planning.category import Category
from rollback_drills_cli.terminal.output import print_line, print_problem

if TYPE_CHECKING:
    from sqlalchemy import Table

    from rollback_drills.database.connections import Database

ScheduleIdOption = Annotated[
    str | None, typer.Option("--schedule-id", metavar="ID", help="Only the schedule with this id.")
]
OldScheduleIdOption = Annotated[str | None, typer.Option("--schedule", hidden=True)]
"""Up to now `--schedule` took an id where no document is read."""
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="ISO", help="Only from this time or day on, UTC.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="ISO", help="Only before this time or day, UTC.")
]
CycleOption = Annotated[str | None, typer.Option("--cycle", help="Only this cycle id.")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="Only this provider.")]
OwnerOption = Annotated[str | None, typer.Option("--owner", help="Only this owner.")]
CategoryOption = Annotated[
    str | None,
    typer.Option("--category", metavar="CATEGORY", help=f"Only this category: {', '.join(Category)}."),
]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of rows, the newest first.")]
OffsetOption = Annotated[
    int, typer.Option(min=0, max=1_000_000_000, help="Number of the newest rows to skip.")
]


def read_schedule_id(schedule_id: str | None, old: str | None) -> str | None:
    """Return the id that a look-back is about, also if it was given as `--schedule`, as up to now.

    Raises:
        UsageError: Both were given, or `--schedule` is a path, as everywhere else.
    """
    if old is None:
        return schedule_id
    if schedule_id is not None:
        raise UsageError("--schedule-id and --schedule are the same filter; leave --schedule out")
    if old.endswith((".json", ".jsonl")) or os.path.exists(old):
        raise UsageError(
            f"--schedule {old} is a path, but this command reads no documents; use --schedule-id"
        )
    return old


def parse_period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Read a period of instants or days in UTC; its end is not in it.

    Raises:
        UsageError: A text is no timestamp and no day, or the period is empty.
    """
    start, end = _parse_bound("--from", since), _parse_bound("--to", until)
    if start and end and start >= end:
        raise UsageError(f"--from {since} is not before --to {until}")
    return start, end


def _parse_bound(flag: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return read_day_or_instant(text)
    except ValueError:
        raise UsageError(
            f"{flag} is {show(text)}; write a day, 2026-06-20, or a time, 2026-06-20T15:40:00Z"
        ) from None


def explain_filter(
    database: "Database | None", table: "Table", given: Iterable[tuple[str, str]], count: int
) -> None:
    """List which names there are, if a filter has matched nothing because of one that is not there."""
    if database is None or count:
        return
    from rollback_drills.reports.known_names import explain_nothing_found

    for line in explain_nothing_found(database, table, given):
        print_problem(line)


def explain_nothing(database: "Database | None", count: int) -> None:
    """Print that a page is empty because of its filters."""
    if database is not None and not count:
        print_line("Nothing in the evidence matches.")
