"""`drills record`: writes a performed drill into the history and the evidence."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollback_drills.documents.history import Drill, ExerciseType, Trigger
from rollback_drills.documents.reading import LARGEST_DOCUMENT_BYTES, read_bytes
from rollback_drills.errors import UsageError
from rollback_drills_cli import options
from rollback_drills_cli.database import DatabaseOption
from rollback_drills_cli.record_result import follow_up

if TYPE_CHECKING:
    from rollback_drills.recording.drill_entry import Entry


class Outcome(StrEnum):
    """How a drill ended."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"


def record(
    schedule_path: options.ScheduleOption = None,
    history_path: options.HistoryOption = None,
    schedule_id: Annotated[
        str | None, typer.Option("--schedule-id", metavar="ID", help="Which of several schedules.")
    ] = None,
    drill: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="The drill as a JSON object; - reads the standard input."),
    ] = None,
    drill_id: Annotated[str, typer.Option(help="Its id. (default: made of schedule, day and content)")] = "",
    executed_at: Annotated[
        str, typer.Option(metavar="ISO", help="When it was performed. (default: now)")
    ] = "",
    actor: Annotated[str, typer.Option(help="Who performed it.")] = "",
    source_mode: Annotated[str, typer.Option(help="The mode before the rollback.")] = "",
    target_mode: Annotated[str, typer.Option(help="The mode after it. (default: disabled)")] = "",
    status: Annotated[Outcome | None, typer.Option(help="How it ended.")] = None,
    fallback_verified: Annotated[
        bool | None, typer.Option(help="Whether the fallback was seen to work.")
    ] = None,
    recovery_minutes: Annotated[float | None, typer.Option(help="How long the rollback took.")] = None,
    max_recovery_minutes: Annotated[float | None, typer.Option(help="How long it was allowed to.")] = None,
    runbook_ref: Annotated[str, typer.Option(help="The runbook. (default: that of the schedule)")] = "",
    evidence_ref: Annotated[list[str] | None, typer.Option(help="What was kept of it; repeat it.")] = None,
    scenario: Annotated[str, typer.Option(help="What went wrong in the drill.")] = "",
    objective: Annotated[str, typer.Option(help="What it was to show.")] = "",
    exercise_type: Annotated[ExerciseType | None, typer.Option(help="How close to the real thing.")] = None,
    trigger: Annotated[Trigger | None, typer.Option(help="Why it was performed now.")] = None,
    participant: Annotated[list[str] | None, typer.Option(help="Who took part; repeat it.")] = None,
    rto_minutes: Annotated[float | None, typer.Option(help="Within this the service must be back.")] = None,
    rto_achieved_minutes: Annotated[float | None, typer.Option(help="Within this it was.")] = None,
    rpo_minutes: Annotated[float | None, typer.Option(help="So much data may be lost.")] = None,
    rpo_achieved_minutes: Annotated[float | None, typer.Option(help="So much was.")] = None,
    plan_version: Annotated[str, typer.Option(help="Of the recovery plan that was followed.")] = "",
    plan_version_after: Annotated[str, typer.Option(help="Of the plan as it was revised.")] = "",
    system: Annotated[list[str] | None, typer.Option(help="A system that was tested; repeat it.")] = None,
    covers_third_party: Annotated[
        bool | None, typer.Option(help="Whether a provider was part of it.")
    ] = None,
    key_person_absent: Annotated[
        bool | None, typer.Option(help="Whether somebody needed was kept out.")
    ] = None,
    restore_checksum: Annotated[str, typer.Option(help="Of the data that was restored.")] = "",
    reviewed_by: Annotated[str, typer.Option(help="Who reviewed it.")] = "",
    reviewed_at: Annotated[str, typer.Option(metavar="ISO", help="When.")] = "",
    approved_by: Annotated[str, typer.Option(help="Who approved it.")] = "",
    approved_at: Annotated[str, typer.Option(metavar="ISO", help="When.")] = "",
    report_sha256: Annotated[str, typer.Option(help="Digest of the report about it.")] = "",
    create: Annotated[bool, typer.Option("--create", help="Make the history if there is none.")] = False,
    advance: Annotated[
        bool, typer.Option("--advance", help="Move next_due_at by the interval if the drill is accepted.")
    ] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Tell the owners at once, as `drills deliver` does.")
    ] = False,
    mode: options.ModeOption = None,
    due_soon_days: options.DueSoonOption = None,
    max_age_days: options.MaxAgeOption = None,
    database: DatabaseOption = None,
    now: options.NowOption = None,
    generated_by: options.GeneratedByOption = "cli",
    as_json: options.JsonOption = False,
) -> None:
    """Record a drill that was performed, in the history and in the evidence.

    Exit code 0 if it is accepted, 1 if it is recorded but not accepted, 2 if nothing was written.
    """
    given = locals()  # first of all: the parameters, most of which are fields of a drill
    from rollback_drills.recording.drill_entry import (
        build_drill,
        read_fields,
    )  # with fcntl, and seldom needed
    from rollback_drills.recording.performing import record_drill
    from rollback_drills.recording.target import find_target

    if deliver and database:
        raise UsageError(
            "--deliver keeps its outbox where DRILLS_DATABASE_URL says; set it instead of --database"
        )
    at = options.parse_now(now)
    settings = options.resolve(mode, history_path, schedule_path, due_soon_days, max_age_days)
    target = find_target(settings.schedule, settings.history, schedule_id)
    performed = build_drill(
        _read_drill(drill),
        read_fields(_find_fields(given)),
        schedule_id=target.schedule.schedule_id,
        runbook_ref=target.schedule.runbook_ref,
        now=at,
    )
    recorded = record_drill(target, performed, settings.criteria, now=at, create=create, advance=advance)
    parameters = {name: given[name] for name in ("mode", "due_soon_days", "max_age_days", "generated_by")}
    follow_up(
        recorded,
        database=database,
        parameters={**parameters, "as_of": at if now else None},
        deliver=deliver,
        as_json=as_json,
    )


def _read_drill(path: str | None) -> "Entry":
    from rollback_drills.recording.drill_entry import NOTHING, read_entry

    if path is None:
        return NOTHING
    if path == "-":
        return read_entry(sys.stdin.buffer.read(LARGEST_DOCUMENT_BYTES + 1), "--drill -")
    return read_entry(read_bytes(path), f"--drill {path}")


def _find_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a drill among the parameters, as JSON has them."""
    named = {name: given[name] for name in Drill.__struct_fields__ if name in given}
    participants = [{"name": name} for name in given["participant"] or ()]
    systems, evidence = given["system"], given["evidence_ref"]
    return {**named, "participants": participants, "systems_tested": systems, "evidence_refs": evidence}
