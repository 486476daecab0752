"""`drills evidence list` and `drills evidence show`: read the evidence index."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.evidence.describing import describe_record
from rollback_drills.readiness.terms import Report
from rollback_drills.settings import VARIABLES, find_database_url
from rollback_drills_cli.lazy_group import group_of
from rollback_drills_cli.options import (
    JsonOption,
    OldScheduleIdOption,
    ScheduleIdOption,
    read_schedule_id,
)
from rollback_drills_cli.output import print_json, print_line, print_problem, print_table

if TYPE_CHECKING:
    from sqlalchemy import Table

    from rollback_drills.database.connections import Database
    from rollback_drills.evidence.index import EvidenceIndex

app = typer.Typer(
    cls=group_of(
        {
            "verify": "evidence_verify_command:verify",
            "export": "evidence_export_command:export",
            "head": "evidence_proof_commands:head",
            "prove": "evidence_proof_commands:prove",
            "import": "evidence_keeping_commands:import_index",
            "prune": "evidence_keeping_commands:prune",
            "rotate-key": "evidence_keeping_commands:rotate_key",
        }
    ),
    no_args_is_help=True,
    help="Read the evidence of plans, decisions and deliveries.",
)

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help=f"Where the evidence is kept. (env {VARIABLES['database_url']}; default in the home folder)",
    ),
]


def open_existing(url: str | None, *tables: str) -> "EvidenceIndex":
    """Open the evidence index that is configured.

    Args:
        url: As the user gave it.
        tables: The database has one of these; without any, the ledger.

    Raises:
        UsageError: There is none.
    """
    from rollback_drills.evidence.index import EvidenceIndex  # SQLAlchemy takes half a second to import

    place = find_database_url(os.environ, url)
    index = EvidenceIndex.open_existing(place, *tables)
    if index is None:
        raise UsageError(f"there is no evidence at {place} yet; run `drills deliver` or the drill-check flow")
    return index


def open_or_create(url: str | None) -> "Database":
    """Open the database that is configured, and create what is missing."""
    from rollback_drills.database.connections import Database  # SQLAlchemy takes half a second to import
    from rollback_drills.outbox import table  # noqa: F401 - a database of ours has an outbox, too

    return Database.open(find_database_url(os.environ, url))


def explain_filter(
    database: "Database | None", table: "Table", given: Iterable[tuple[str, str]], count: int
) -> None:
    """List which names there are, if a filter has matched nothing because of one that is not there."""
    if database is None or count:
        return
    from rollback_drills.reports.known_names import explain_nothing_found

    for line in explain_nothing_found(database, table, given):
        print_problem(line)


@app.command("list")
def list_records(
    schedule_id: ScheduleIdOption = None,
    cycle: Annotated[str | None, typer.Option(help="Only this cycle id.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner.")] = None,
    action: Annotated[str | None, typer.Option(help="Only deliver or suppress decisions.")] = None,
    category: Annotated[str | None, typer.Option(help="Only decisions of this category.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this metadata_kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many of the newest.")] = 0,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """List records, the newest first."""
    from rollback_drills.evidence.index import EvidenceFilter
    from rollback_drills.evidence.table import LEDGER

    wanted = EvidenceFilter(
        schedule_id=read_schedule_id(schedule_id, schedule),
        cycle_id=cycle,
        provider=provider,
        owner=owner,
        action=action,
        category=category,
        metadata_kind=kind,
    )
    index = open_existing(database)
    records, total = index.find(wanted, limit=limit, offset=offset)
    given = {"schedule_id": wanted.schedule_id, "provider": provider, "owner": owner}
    if not as_json:
        explain_filter(index.database, LEDGER, [(name, each) for name, each in given.items() if each], total)
    if as_json:
        print_json({"items": records, "total": total, "limit": limit, "offset": offset})
        return
    columns = ("no.", "at (UTC)", "kind", "schedule", "provider", "owner", "what")
    print_table("Evidence", columns, map(_to_row, records))
    print_line(f"{len(records)} of {total} records; `drills evidence show NUMBER` shows one.")


@app.command()
def show(
    number: Annotated[int, typer.Argument(min=0, help="The number that `drills evidence list` shows.")],
    database: DatabaseOption = None,
) -> None:
    """Print one record as JSON."""
    record = open_existing(database).get(number)
    if record is None:
        raise UsageError(
            f"there is no evidence record {number}, or its retention is over;"
            " `drills evidence list` shows the numbers"
        )
    print_json(record)


def _to_row(record: Report) -> Sequence[str]:
    row = describe_record(record)
    kind = f"{row.kind} (imported)" if row.is_imported else row.kind
    at = record["created_at"][:19]
    return str(row.number), at, kind, row.schedule_id, row.provider, row.owner, row.what
