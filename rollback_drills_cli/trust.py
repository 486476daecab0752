"""`drills trust`: a person confirms that a drill history is right as it is."""

from typing import Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.evidence.signing import append_signed, report_clock
from rollback_drills_cli.options.shared import JsonOption, parse_now
from rollback_drills_cli.terminal.output import print_json, print_line


def trust(
    by: Annotated[str, typer.Option(help="Who confirms it.")],
    reason: Annotated[str, typer.Option(help="Why the history is right, for the evidence.")],
    schedule_id: Annotated[str | None, typer.Option(metavar="ID", help="The schedule to trust.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every schedule that is not trusted.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm that a drill history is right, although drills are gone or many schedules turned bad.

    From the next run on, its owners are notified again. Drills that are gone are no longer missed.
    """
    from rollback_drills.trust.known_history import find_open  # SQLAlchemy takes half a second to import
    from rollback_drills.trust.records import record_confirmation

    if (schedule_id is None) is not every:
        raise UsageError("pass either --schedule-id or --all")
    index = open_existing(database, to_write=True)
    found = find_open(index.database, schedule_id)
    if not found:
        whose = f"the history of {schedule_id}" if schedule_id is not None else "every history"
        raise UsageError(f"{whose} is trusted already")
    created_at = parse_now(None)
    records = [
        record_confirmation(name, distrusts, by=by, reason=reason, created_at=created_at)
        for name, distrusts in found.items()
    ]
    went_back = append_signed(index.database, records)
    if as_json:
        print_json({"items": [each.to_wire() for each in records]})
    else:
        print_line(f"{by} has confirmed the drill history of {', '.join(found)}.")
    report_clock(went_back)
