"""`drills evidence import`, `prune` and `rotate-key`: each leaves a row of its own in the evidence."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rollback_drills.documents.evidence_texts import require_person
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.rendering.counts import write_count
from rollback_drills.settings import read_settings
from rollback_drills_cli.database import DatabaseOption, open_existing, open_or_create
from rollback_drills_cli.evidence.signing import make_key, open_key, report_clock
from rollback_drills_cli.options.shared import JsonOption, parse_now
from rollback_drills_cli.terminal.output import print_json, print_line

ByOption = Annotated[str, typer.Option(help="Who did it, for the evidence.")]


def import_index(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The index: JSON or JSON Lines.")],
    by: ByOption,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import an evidence index of CAVRA; its rows are marked as imported.

    Rows that were imported before are skipped.
    """
    from rollback_drills.evidence.imported_index import import_records, read_index

    require_person(by, field="by")
    records = read_index(file)
    result = import_records(
        open_or_create(database),
        records,
        file_name=file.name,
        created_at=parse_now(None),
        signer=by,
        open_key=open_key,
    )
    if as_json:
        print_json({"added": result.added, "known": result.known})
    else:
        print_line(f"Imported: {result.added}; imported before: {result.known}.")
    report_clock(result.went_back)


def prune(
    by: ByOption,
    older_than_months: Annotated[
        int | None,
        typer.Option(
            metavar="MONTHS",
            help=f"The retention, at least 12. (env {VARIABLES['older_than_months']}; default 24)",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be pruned.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prune rows whose retention is over. Their hashes stay, so the other rows still verify.

    The evidence records the pruning.
    """
    from rollback_drills.documents.utc import write_instant
    from rollback_drills.evidence.pruning import find_prunable
    from rollback_drills.evidence.pruning import prune as prune_rows

    require_person(by, field="by")
    months = _read_months(older_than_months)
    opened, now = open_existing(database, to_write=not dry_run).database, parse_now(None)
    with opened.read() as connection:
        found, went_back = find_prunable(connection, months=months, now=now), None
    if found.row_count and not dry_run:
        found, went_back = prune_rows(opened, months=months, now=now, signer=by, open_key=open_key)
    cut_off = write_instant(found.cut_off)
    if as_json:
        print_json({"row_count": found.row_count, "pruned_before": found.pruned_before, "cut_off": cut_off})
    else:
        done = "would be" if dry_run else "was" if found.row_count == 1 else "were"
        print_line(f"{write_count(found.row_count, 'row')} from before {cut_off[:10]} {done} pruned.")
    report_clock(went_back)


def rotate_key(
    by: ByOption,
    lost: Annotated[
        bool, typer.Option("--lost", help="The old key is gone and cannot sign; the evidence records that.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Replace the key of the evidence. The old key signs the change."""
    from rollback_drills.evidence.rotation import rotate_key as rotate

    require_person(by, field="by")
    result = rotate(
        open_existing(database, to_write=True).database,
        is_lost=lost,
        created_at=parse_now(None),
        signer=by,
        open_key=open_key,
        make_key=make_key,
    )
    print_line(f"The evidence is signed by {result.public_key.text} from now on.")
    report_clock(result.went_back)


def _read_months(given: int | None) -> int:
    return read_settings(os.environ, older_than_months=given).older_than_months
