"""`drills evidence upgrade`: brings a database of an earlier version to the format of this one."""

import os
from typing import Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.rendering.counts import write_count
from rollback_drills.settings import find_database_url
from rollback_drills_cli.database import DatabaseOption
from rollback_drills_cli.evidence.signing import open_key, report_clock
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.terminal.output import print_json, print_line


def upgrade(
    create: Annotated[
        bool, typer.Option("--create", help="Create the database if there is none, for the first start.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upgrade the database to the format of this version. Back it up first.

    Runs and commands that write do it by themselves, unless DRILLS_AUTO_UPGRADE is 0. Rows from before the
    evidence was signed are imported with the key on the configured Prefect server.
    """
    # SQLAlchemy takes half a second to import
    from rollback_drills.database.connections import Database
    from rollback_drills.database.errors import show_place
    from rollback_drills.database.first_format import count_rows
    from rollback_drills.database.versions import NEWEST
    from rollback_drills.evidence.appender import append

    place = find_database_url(os.environ, database)
    opened = Database.at(place)
    before = opened.find_version()
    if before is None and not create:
        raise UsageError(f"there is no evidence at {show_place(place)} yet, and so nothing to upgrade")
    opened.prepare(upgrade=True)
    with opened.read() as connection:
        waiting = count_rows(connection)
    went_back = append(opened, (), open_key).went_back if waiting else None
    if as_json:
        print_json({"from_version": before, "to_version": NEWEST, "imported": waiting})
    else:
        print_line(_describe(before, NEWEST))
        if waiting:
            print_line(f"Imported {write_count(waiting, 'row')} from before the evidence was signed.")
    report_clock(went_back)


def _describe(before: int | None, newest: int) -> str:
    if before is None:
        return f"Created the database, with schema version {newest}."
    if before == newest:
        return f"The database has schema version {newest} already."
    return f"Upgraded the database from schema version {before} to {newest}."
