"""`drills record`: writes a performed drill into the history and the evidence."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollback_drills.documents.reading.reader import LARGEST_DOCUMENT_BYTES, read_bytes
from rollback_drills.errors import UsageError
from rollback_drills.recording.requests import DrillDetails, WhereToRecord
from rollback_drills.recording.results.formats import ResultFormat, read_result
from rollback_drills_cli.database import DatabaseOption
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.request_options import option_of, with_options_of
from rollback_drills_cli.record_result import follow_up

if TYPE_CHECKING:
    from rollback_drills.recording.drill_entry import Entry


@with_options_of(DrillDetails, after="drill")
def record(
    schedule_path: shared.ScheduleOption = None,
    history_path: shared.HistoryOption = None,
    schedule_id: Annotated[str | None, option_of(WhereToRecord, "schedule_id", metavar="ID")] = None,
    drill: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="The drill as a JSON object; - reads the standard input."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE|-", help="The result of a tool; - reads the standard input."),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="FORMAT", help=f"What --from was written by: {', '.join(ResultFormat)}."
        ),
    ] = None,
    create: Annotated[bool, option_of(WhereToRecord, "create")] = False,
    advance: Annotated[bool, option_of(WhereToRecord, "advance")] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Notify the owners at once, as `drills deliver` does.")
    ] = False,
    mode: shared.ModeOption = None,
    changes: shared.ChangesOption = None,
    due_soon_days: shared.DueSoonOption = None,
    max_age_days: shared.MaxAgeOption = None,
    database: DatabaseOption = None,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
    **details: Any,
) -> None:
    """Record a drill that was performed, in the history and in the evidence.

    Exit code 0 if it is accepted, 1 if it is recorded but not accepted, 2 if nothing was written.

    Example: drills record --status pass --fallback-verified --deliver
    """
    from rollback_drills.recording.drill_entry import build_drill, read_fields
    from rollback_drills.recording.recorder import record_drill
    from rollback_drills.recording.target import find_target

    if deliver and database:
        raise UsageError("--deliver uses the database of DRILLS_DATABASE_URL; set it instead of --database")
    at = shared.parse_said_at(now)
    by = {"mode": mode, "changes": changes, "due_soon_days": due_soon_days, "max_age_days": max_age_days}
    settings = shared.resolve(history=history_path, schedule=schedule_path, **by)
    target = find_target(settings.schedule, settings.history, schedule_id, settings.changes)
    participants = [{"name": name} for name in details["participants"] or ()]
    given = {**details, "participants": participants}
    fields = _read_result(source, format_name, given, has_object=drill is not None)
    performed = build_drill(
        _read_drill(drill),
        read_fields(fields),
        schedule_id=target.schedule.schedule_id,
        runbook_ref=target.schedule.runbook_ref,
        now=at,
    )
    recorded = record_drill(target, performed, settings.criteria, now=at, create=create, advance=advance)
    follow_up(
        recorded,
        database=database,
        parameters={**by, "generated_by": generated_by, "as_of": at if now else None},
        deliver=deliver,
        as_json=as_json,
    )


def _read_result(
    path: str | None, name: str | None, fields: dict[str, Any], *, has_object: bool
) -> dict[str, Any]:
    """Return the fields of a drill, with those of the result of a tool if there is one."""
    if path is None and name is None:
        return fields
    if path is None or name is None:
        raise UsageError(f"--from and --as go together; formats are {', '.join(ResultFormat)}")
    wanted = shared.parse_choice("--as", name, ResultFormat)
    if has_object:
        raise UsageError("--from and --drill contradict each other; keep one of them")
    return read_result(_read(path), wanted, f"--from {path}", fields)


def _read_drill(path: str | None) -> "Entry":
    from rollback_drills.recording.drill_entry import NOTHING, read_entry

    if path is None:
        return NOTHING
    return read_entry(_read(path), f"--drill {path}")


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(LARGEST_DOCUMENT_BYTES + 1)
    return read_bytes(path)
