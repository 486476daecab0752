"""Writes the console as files that open from disk: all of it, or none."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from rollback_drills.console.evidence import list_evidence
from rollback_drills.console.facets import find_facets
from rollback_drills.console.fleet import count_states
from rollback_drills.console.fleet_csv import FLEET_TABLES, list_fleet
from rollback_drills.console.links import Links, StaticLinks
from rollback_drills.console.month import list_month, list_months
from rollback_drills.console.pages import (
    OF_EVIDENCE,
    write_calendar,
    write_fleet,
    write_missing_documents,
    write_missing_evidence,
)
from rollback_drills.console.query import ROWS_ON_A_PAGE, FleetQuery
from rollback_drills.console.rendering import render_schedule, stylesheet
from rollback_drills.console.schedule import read_schedule
from rollback_drills.console.schedule_csv import SCHEDULE_TABLES
from rollback_drills.console.source import Console
from rollback_drills.database.errors import DatabaseError
from rollback_drills.errors import UsageError, reason_of
from rollback_drills.errors.effects import note_effect

MARKER: Final = ".drills-console"
"""The file by which an export is known, so that nothing else is ever replaced."""
_MARKED: Final = "An export of `drills console`. The next one replaces the whole folder.\n"
_PAGE: Final = ".html"
_PLAIN: Final = StaticLinks()


def refuse_foreign(folder: Path) -> None:
    """Ensure that a folder can be written, or replaced because it is an earlier export.

    Raises:
        UsageError: It is something else.
    """
    try:
        if not folder.is_symlink() and not folder.exists():
            return
        if folder.is_dir() and ((folder / MARKER).is_file() or not any(folder.iterdir())):
            return
    except OSError as error:
        raise _unwritable(folder, error) from None
    raise UsageError(
        f"{folder} exists, and is not an export of the console; name another folder", field="out"
    )


def write_export(console: Console, folder: Path, links: Links, *, progress: Callable[[int], None]) -> None:
    """Write every page into a folder; one that has an earlier export is replaced when all is written.

    Args:
        console: What the pages are made from.
        folder: Where they go.
        links: Where the files are.
        progress: Is called with the number of pages that are written.

    Raises:
        UsageError: The folder has something else, or cannot be written; nothing was changed.
    """
    with _replacing(folder) as into:
        number = 0
        for name, text in _pages(console, links):
            _write(into / name, text)
            if name.endswith(_PAGE):
                number += 1
                progress(number)


def count_pages(console: Console) -> int:
    """Return how many pages an export has."""
    months = _PLAIN.months_back + 1 + _PLAIN.months_ahead
    fleet = sum(1 for _ in _fleet_queries(console))
    return fleet + months + len(console.judgements) + len(OF_EVIDENCE)


def write_outage_export(reason: str, folder: Path, *, now: datetime) -> None:
    """Write an export that says that the documents cannot be read.

    An export of better days would go on looking as if all was well.

    Raises:
        UsageError: The folder has something else, or cannot be written; nothing was changed.
    """
    with _replacing(folder) as into:
        _write(into / "index.html", write_missing_documents(reason, _PLAIN, now=now))
        for name in ("calendar", *OF_EVIDENCE):
            _write(into / f"{name}.html", write_missing_documents(reason, _PLAIN, now=now, here=name))


def _pages(console: Console, links: Links) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file: pages, and tables as CSV."""
    yield links.csv("fleet"), list_fleet(console, FleetQuery()).write()
    for query in _fleet_queries(console):
        yield links.fleet(query), write_fleet(console, links, query)
    for month in list_months(console.at, links):
        yield links.calendar(month), write_calendar(console, links, month)
        table = list_month(console, month, links)
        yield links.csv("calendar", **month.to_parameters()), table.write()
    for name, write in OF_EVIDENCE.items():
        try:
            page = write(console, links)
        except DatabaseError as error:
            why = DatabaseError(console.explain(error))
            page = write_missing_evidence(why, links, now=console.at, here=name)
        yield f"{name}{_PAGE}", page
    yield from _tables_of_evidence(console, links)
    for schedule_id in console.by_id:
        view = read_schedule(console, schedule_id)
        yield links.schedule(schedule_id), render_schedule(view, links)
        for name, make in SCHEDULE_TABLES.items():
            if (table := make(view)).rows:
                yield links.csv(name, id=schedule_id), table.write()


def _tables_of_evidence(console: Console, links: Links) -> Iterator[tuple[str, str]]:
    """Yield the tables that need the evidence; without it their pages say why they have none."""
    with suppress(DatabaseError):
        for name, list_rows in FLEET_TABLES.items():
            yield links.csv(name), list_rows(console).write()
        yield links.csv("evidence"), list_evidence(console).write()


def _fleet_queries(console: Console) -> Iterator[FleetQuery]:
    """Yield every page of the fleet: all of it, and filtered by each state, environment and owner."""
    facets = find_facets(console.judgements)
    environments = facets.environments if len(facets.environments) > 1 else {}  # one alone is not linked
    every = [
        (FleetQuery(), len(console.judgements)),
        *((FleetQuery(state=state), count) for state, count in count_states(console.judgements).items()),
        *((FleetQuery(environment=name), count) for name, count in environments.items()),
        *((FleetQuery(owner=name), count) for name, count in facets.owners.items()),
    ]
    for query, count in every:
        for number in range(1, max(1, -(-count // ROWS_ON_A_PAGE)) + 1):
            yield query.changed(page=number)


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of this one in the end."""
    refuse_foreign(folder)
    target = folder.resolve()
    partial = target.with_name(f".{target.name}.partial-{uuid4().hex[:8]}")
    try:
        partial.mkdir()
        try:
            yield partial
            _write(partial / "style.css", stylesheet())
            _write(partial / MARKER, _MARKED)
            _swap(partial, target)
            note_effect()
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _swap(partial: Path, target: Path) -> None:
    """Put the new folder where the old one was; if that fails, the old one is there again."""
    if not target.exists():
        partial.rename(target)
        return
    old = partial.with_name(f"{partial.name}-old")
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    # a path that is no UTF-8 stands in a page as its bytes would, with question marks
    path.write_bytes(text.encode("utf-8", "replace"))


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"{folder} cannot be written: {reason_of(error)}", field="out")
