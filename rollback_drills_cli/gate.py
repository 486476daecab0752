"""`drills gate`: may this release pass? For people, and for pipelines."""

import os
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.rendering.sentences import capitalize
from rollback_drills.settings import DESCRIPTIONS, Settings, read_settings
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output import format_json, print_line, print_sentence, print_table
from rollback_drills_cli.terminal.output_file import write_whole
from rollback_drills_cli.workspace import find_in_workspace

if TYPE_CHECKING:
    from rollback_drills.gate.document import Gate


class Format(StrEnum):
    """How the gate is written."""

    TABLE = "table"
    JSON = "json"
    GITHUB = "github"
    JUNIT = "junit"


PromotionOption = Annotated[
    str | None,
    typer.Option(
        "--promotion-evidence",
        "--promotion-evidence-path",
        metavar="FILE",
        help=f"{DESCRIPTIONS['promotion_evidence']} (env {VARIABLES['promotion_evidence']})",
    ),
]
PlanOption = Annotated[
    str | None,
    typer.Option(
        "--rollback-plan",
        "--rollback-plan-path",
        metavar="FILE",
        help=f"{DESCRIPTIONS['rollback_plan']} (env {VARIABLES['rollback_plan']})",
    ),
]
RehearsalOption = Annotated[
    str | None,
    typer.Option(
        "--rollback-rehearsal",
        "--rollback-rehearsal-path",
        metavar="FILE",
        help=f"{DESCRIPTIONS['rollback_rehearsal']} (env {VARIABLES['rollback_rehearsal']})",
    ),
]
FormatOption = Annotated[
    str, typer.Option("--format", metavar="|".join(Format), help="Output format; --json is --format json.")
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write the output to a file, and print the table."),
]


def gate(
    mode: shared.ModeOption = None,
    promotion_evidence: PromotionOption = None,
    rollback_plan: PlanOption = None,
    rollback_rehearsal: RehearsalOption = None,
    history_path: shared.HistoryOption = None,
    schedule_path: shared.ScheduleOption = None,
    changes: shared.ChangesOption = None,
    due_soon_days: shared.DueSoonOption = None,
    max_age_days: shared.MaxAgeOption = None,
    require_current_proof: Annotated[
        bool,
        typer.Option(
            "--require-current-proof",
            help="Block unless an accepted drill came after everything promoted.",
        ),
    ] = False,
    now: shared.NowOption = None,
    generated_by: shared.GeneratedByOption = "cli",
    as_json: shared.JsonOption = False,
    format_name: FormatOption = Format.TABLE.value,
    out: OutOption = None,
) -> None:
    """Decide whether a release may pass: is its rollback ready, and which backend is selected?

    Exit code 0 if every check is ready, due soon or not requested, 1 if one needs attention.

    Example: drills gate --schedule schedules/ --format junit --out gate.xml
    """
    wanted = _parse_format(format_name, as_json=as_json, out=out)
    at = shared.parse_now(now)
    settings = read_settings(
        os.environ,
        mode=mode,
        promotion_evidence=promotion_evidence,
        rollback_plan=rollback_plan,
        rollback_rehearsal=rollback_rehearsal,
        history=history_path,
        schedule=schedule_path,
        changes=changes,
        due_soon_days=due_soon_days,
        max_age_days=max_age_days,
    )
    from rollback_drills.gate.evaluation import evaluate_gate

    found = evaluate_gate(
        settings, now=at, generated_by=generated_by, require_current_proof=require_current_proof
    )
    if wanted is not Format.TABLE:
        write_whole(_write(found, wanted, _places_of(settings)), out)
    if wanted is Format.TABLE or out:
        _print_gate(found)
    if not found.acceptable:
        raise typer.Exit(1)


def _parse_format(name: str, *, as_json: bool, out: Path | None) -> Format:
    wanted = shared.parse_choice("--format", name, Format)
    if as_json and wanted not in (Format.TABLE, Format.JSON):
        raise UsageError(f"--json and --format {name} contradict each other; leave one out")
    if as_json:
        wanted = Format.JSON
    if out and wanted is Format.TABLE:
        raise UsageError("--out needs --format json, github or junit")
    return wanted


def _places_of(settings: Settings) -> list[str]:
    names = ("schedule", "history", "promotion_evidence", "rollback_plan", "rollback_rehearsal")
    return list(filter(None, (getattr(settings, name) for name in names)))


def _write(gate: "Gate", wanted: Format, places: Sequence[str]) -> bytes:
    if wanted is Format.GITHUB:
        from rollback_drills.gate.annotations import write_annotations

        return write_annotations(gate, partial(find_in_workspace, places)).encode()
    if wanted is Format.JUNIT:
        from rollback_drills.gate.junit import write_junit

        return write_junit(gate)
    return format_json(gate)


def _print_gate(gate: "Gate") -> None:
    from rollback_drills.gate.decision import COLUMNS, explain_left_out, rows_of, warnings_of

    print_table(f"Release gate: {gate.status.replace('_', ' ')}", COLUMNS, rows_of(gate))
    if left_out := explain_left_out(gate):
        print_line(left_out)
    for warning in warnings_of(gate):
        print_sentence(warning)
    print_sentence(capitalize(gate.message))
