"""`drills evidence export`: writes what an auditor gets."""

from pathlib import Path
from typing import Annotated

import typer

from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.rendering.counts import count_of
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.evidence.signing import open_key
from rollback_drills_cli.options.filters import FromOption, ToOption, parse_period, read_schedule_id
from rollback_drills_cli.options.shared import JsonOption, parse_now
from rollback_drills_cli.terminal.output import print_json, print_line
from rollback_drills_cli.terminal.progress import show_count


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write; it must not exist.")],
    since: FromOption = None,
    until: ToOption = None,
    schedule_id: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only rows of this schedule; may be repeated.")
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    schedule: Annotated[list[str] | None, typer.Option(hidden=True)] = None,
) -> None:
    """Export evidence for an auditor: rows, proof, a report and how to verify them.

    The key of the evidence, on the configured Prefect server, signs the manifest.

    Example: drills evidence export audit-2026 --from 2026-01-01 --to 2027-01-01
    """
    start, end = (write_instant(each) if each else None for each in parse_period(since, until))
    index = open_existing(database)

    from rollback_drills.evidence.export.bundle import export as write_export
    from rollback_drills.evidence.export.bundle import refuse_existing
    from rollback_drills.evidence.export.manifest import Query
    from rollback_drills.evidence.export.row_selection import select_rows
    from rollback_drills.evidence.heads import find_head

    head = find_head(index.database)
    if head is None:
        raise UsageError("there is no evidence yet; run `drills deliver` or the drill-check flow")
    named = [*(schedule_id or ()), *(read_schedule_id(None, each) or "" for each in schedule or ())]
    query = Query(start, end, schedules=tuple(named) if named else None)
    refuse_existing(out)  # the same is seen again later; the key takes seconds to open
    with index.database.read() as connection:
        select_rows(connection, query)
    key = open_key(head.public_key)
    with show_count("rows") as show:
        manifest = write_export(
            index.database,
            query,
            out,
            key=key,
            exported_at=parse_now(None),
            progress=show,
        )
    if as_json:
        print_json(manifest)
    else:
        print_line(f"{count_of(manifest.row_count, manifest.size, 'row')} in {out}; read {out}/report.html")
