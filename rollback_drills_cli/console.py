"""`drills console`: the state of the fleet and its evidence as pages that open from disk."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn
from urllib.parse import urlsplit

import typer

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.terminal_text import show_text
from rollback_drills.errors import UsageError
from rollback_drills.settings import Settings, find_database_url
from rollback_drills_cli.database import DatabaseOption
from rollback_drills_cli.judged_documents import judge_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.flags import describe
from rollback_drills_cli.terminal.output import print_line, print_problem
from rollback_drills_cli.terminal.progress import show_count

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database

_UNUSABLE: Final = "the database cannot be used; the output of the command has the reason"
"""What pages say that may be published: why, names the place of the database."""


@with_judged_documents
def console(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder to write; an earlier export is replaced.")
    ],
    settings: Settings,
    database: DatabaseOption = None,
    prefect_ui: Annotated[
        str | None,
        typer.Option(
            "--prefect-ui",
            metavar="URL",
            help="Address of the Prefect UI, for links to runs. (env PREFECT_UI_URL)",
        ),
    ] = None,
    now: shared.NowOption = None,
) -> None:
    """Write the fleet, every schedule, acknowledgements, trends and evidence as pages that open from disk.

    Exit code 0 in any state; 2 if documents or evidence cannot be read. The pages show that too.
    """
    at = shared.parse_now(now)
    address = read_prefect_url(prefect_ui)
    from rollback_drills.console.export import (  # with SQLAlchemy, which takes half a second to import
        count_pages,
        refuse_foreign,
        write_export,
        write_outage_export,
    )
    from rollback_drills.console.links import PrefectLinks, StaticLinks
    from rollback_drills.console.source import NO_EVIDENCE, read_console

    refuse_foreign(out)
    try:
        fleet = load_fleet(settings.schedule, settings.history, settings.changes)
    except UsageError as error:
        write_outage_export(show_text(describe(error)), out, now=at)
        _end(describe(error))
    opened, problem = _open(database)
    judgements = judge_documents(fleet, settings, now=at, generated_by="console")
    problems = [problem] if problem else []

    def explain(error: Exception) -> str:
        if str(error) == NO_EVIDENCE:
            return NO_EVIDENCE
        problems.append(describe(error))
        return _UNUSABLE

    pages = read_console(
        problem or opened, fleet.subjects, judgements, now=at, explain=explain, warnings=fleet.warnings
    )
    count = count_pages(pages)
    with show_count("pages", count) as show:
        write_export(pages, out, StaticLinks(PrefectLinks(address)), progress=show)
    print_line(f"{count:,} pages are in {out}; open {out}/index.html")
    if problems:
        _end(problems[0])


def _end(problem: str) -> NoReturn:
    """End with a problem that the pages show too: with 2, although they were written."""
    print_problem(problem)
    raise typer.Exit(2)


def _open(url: str | None) -> tuple["Database | None", str]:
    """Return the database, and why there is none; nothing is wrong where none was written yet."""
    from rollback_drills.database.connections import Database
    from rollback_drills.database.errors import DatabaseError
    from rollback_drills.database.tables import OUTBOX

    try:
        return Database.open_existing(find_database_url(os.environ, url), OUTBOX.name), ""
    except DatabaseError as error:
        return None, str(error)


def read_prefect_url(given: str | None) -> str:
    """Read where the Prefect UI is: as given, else from the environment; empty if it is not known.

    Raises:
        UsageError: It is no address that a page may link to.
    """
    place, text = ("--prefect-ui", given) if given is not None else ("PREFECT_UI_URL", _from_environment())
    if not text and given is None:
        return ""
    try:
        parts = urlsplit(text or "")
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_usable = False
    if not is_usable:
        raise UsageError(f"{place} is not the address of a Prefect UI; write it like http://127.0.0.1:4200")
    return text or ""


def _from_environment() -> str:
    return os.environ.get("PREFECT_UI_URL", "")
