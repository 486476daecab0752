"""`drills evidence backup`: copies the database while everything runs, and verifies the copy."""

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.rendering.counts import write_count
from rollback_drills.settings import find_database_url
from rollback_drills_cli.database import DatabaseOption
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.terminal.output import print_json, print_line, print_problem
from rollback_drills_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from rollback_drills.database.connections import Database


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the database to FILE while runs go on, and verify the copy.

    For SQLite. For PostgreSQL it prints what to run. Exit code 0: the copy is verified. 1: it has findings,
    and has replaced no file. 2: nothing was copied.
    """
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import
    from rollback_drills.evidence.backup import UnverifiedCopyError

    place = find_database_url(os.environ, database)
    opened = Database.at(place)
    if opened.engine.dialect.name == "postgresql":
        raise UsageError(_explain_postgresql(opened, file))
    if opened.find_version() is None:
        raise UsageError(f"there is no evidence at {place} yet, and so nothing to back up")
    try:
        result = _copy(opened, file, force=force)
    except UnverifiedCopyError as error:
        print_problem(str(error))
        raise typer.Exit(1) from None
    if as_json:
        print_json({"file": str(file), "bytes": file.stat().st_size, "verification": result.report()})
    else:
        print_line(_summarise(result, file))
    if not result.is_intact:
        raise typer.Exit(1)


def _copy(opened: "Database", file: Path, *, force: bool) -> Verification:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    from rollback_drills.evidence.backup import back_up

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with show_progress(*columns) as bar:
        task = bar.add_task("copying", total=None)
        return back_up(
            opened,
            file,
            lambda done, total: bar.update(task, completed=done, total=total),
            lambda rows: bar.update(task, description=f"verifying, {rows:,} rows", total=None),
            force=force,
        )


def _summarise(result: Verification, file: Path) -> str:
    if not result.is_intact:
        findings = write_count(result.finding_count, "finding")
        return f"NOT VERIFIED: the copy has {findings}; see `drills evidence verify`. It is in {file}."
    if not result.size:
        return f"Backed up the database to {file}; no evidence in it is signed yet."
    return f"Backed up {write_count(result.size, 'row')} to {file}, and verified them."


def _explain_postgresql(opened: "Database", file: Path) -> str:
    url = opened.engine.url
    without_password = url.difference_update_query(["password"])._replace(
        drivername="postgresql", password=None
    )
    address = without_password.render_as_string()
    return (
        "the evidence is in PostgreSQL, which makes its own consistent copies; run"
        f" `pg_dump --format=custom --file={quote(str(file))} --dbname={quote(address)}`"
    )
