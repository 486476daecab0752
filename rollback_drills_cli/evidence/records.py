"""`drills evidence list` and `drills evidence show`: read the evidence index."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.evidence.record_summary import describe_record
from rollback_drills.evidence.written_record import WrittenRecord, text_of
from rollback_drills.rendering.counts import write_count
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.lazy_group import group_of
from rollback_drills_cli.options.filters import (
    CategoryOption,
    OffsetOption,
    OldScheduleIdOption,
    ScheduleIdOption,
    explain_filter,
    read_schedule_id,
)
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

app = typer.Typer(
    cls=group_of(
        {
            "verify": "evidence.verify:verify",
            "export": "evidence.export:export",
            "head": "evidence.proofs:head",
            "prove": "evidence.proofs:prove",
            "backup": "evidence.backup:backup",
            "upgrade": "evidence.upgrade:upgrade",
            "import": "evidence.retention:import_index",
            "prune": "evidence.retention:prune",
            "rotate-key": "evidence.retention:rotate_key",
        }
    ),
    no_args_is_help=True,
    help="Read the evidence of plans, decisions and deliveries.",
)


@app.command("list")
def list_records(
    schedule_id: ScheduleIdOption = None,
    cycle: Annotated[str | None, typer.Option(help="Only this cycle id.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner.")] = None,
    action: Annotated[str | None, typer.Option(help="Only these decisions.")] = None,
    category: CategoryOption = None,
    kind: Annotated[str | None, typer.Option(help="Only this metadata_kind.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Maximum number of rows, the newest first.")
    ] = 50,
    offset: OffsetOption = 0,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: OldScheduleIdOption = None,
) -> None:
    """List records, the newest first."""
    from rollback_drills.database.tables import LEDGER
    from rollback_drills.evidence.index import EvidenceFilter

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
    given = [(name, each) for name, each in asdict(wanted).items() if each is not None]
    explain_filter(index.database, LEDGER, given, total)
    if as_json:
        print_json({"items": records, "total": total, "limit": limit, "offset": offset})
        return
    columns = ("no.", "at", "kind", "schedule", "provider", "owner", "what")
    print_table("Evidence", columns, map(_to_row, records))
    print_line(f"{len(records)} of {write_count(total, 'record')}; `drills evidence show NUMBER` shows one.")


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


def _to_row(record: WrittenRecord) -> Sequence[str]:
    row = describe_record(record)
    kind = f"{row.kind} (imported)" if row.is_imported else row.kind
    at = text_of(record, "created_at")
    return str(row.number), at, kind, row.schedule_id, row.provider, row.owner, row.what
