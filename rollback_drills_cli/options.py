"""The options that several commands share; the long names are those of contract §7."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from rollback_drills.documents.explaining import show
from rollback_drills.documents.instants import read_instant
from rollback_drills.errors import UsageError
from rollback_drills.readiness.terms import Mode
from rollback_drills.settings import VARIABLES, Settings, read_settings

ModeOption = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="|".join(Mode),
        help=f"How far the backend is promoted. (env {VARIABLES['mode']}; default disabled)",
    ),
]
HistoryOption = Annotated[
    str | None,
    typer.Option(
        "--history",
        "--rollback-drill-history-path",
        metavar="PATH",
        help=f"Drill history: a file; a folder or glob for several schedules. (env {VARIABLES['history']})",
    ),
]
ScheduleOption = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        "--rollback-drill-schedule-path",
        metavar="PATH",
        help=f"Drill schedule: a file, folder, glob or .jsonl file. (env {VARIABLES['schedule']})",
    ),
]
DueSoonOption = Annotated[
    float | None,
    typer.Option(
        "--due-soon-days",
        "--rollback-drill-due-soon-days",
        metavar="DAYS",
        help=f"Days before it that count as soon. (env {VARIABLES['due_soon_days']}; default 14)",
    ),
]
MaxAgeOption = Annotated[
    float | None,
    typer.Option(
        "--max-age-days",
        "--rollback-drill-max-age-days",
        metavar="DAYS",
        help=f"Up to which age a drill is fresh. (env {VARIABLES['max_age_days']}; default 90)",
    ),
]
PolicyOption = Annotated[
    str | None,
    typer.Option("--routing-policy", metavar="FILE", help="Routing policy that adds to the schedule's."),
]
ProviderOption = Annotated[
    str,
    typer.Option(
        "--provider", metavar="NAMES", help="Providers to tell: all, or a list separated by commas."
    ),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Tell even if the schedule is healthy; never in a window or absence.")
]
NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="ISO", help="Judge as of this instant, ISO 8601; UTC without an offset."),
]
GeneratedByOption = Annotated[
    str, typer.Option("--generated-by", metavar="NAME", help="Who asks, for the documents.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the document as JSON.")]


def parse_now(text: str | None) -> datetime:
    """Read the instant to judge at; the clock is read here and nowhere else.

    Raises:
        UsageError: The text is no timestamp.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        return read_instant(text)[0]
    except ValueError:
        raise UsageError(
            f"--now is {show(text)}; write an ISO 8601 timestamp such as 2026-06-20T15:40:00Z"
        ) from None


def resolve(
    mode: str | None = None,
    history: str | None = None,
    schedule: str | None = None,
    due_soon_days: float | None = None,
    max_age_days: float | None = None,
) -> Settings:
    """Resolve the settings from flags, environment and defaults."""
    return read_settings(
        os.environ,
        mode=mode,
        history=history,
        schedule=schedule,
        due_soon_days=due_soon_days,
        max_age_days=max_age_days,
    )
