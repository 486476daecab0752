"""The options that several commands share; the long names are those of contract §7."""

import os
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import typer

from rollback_drills.documents.evidence_texts import explain_person
from rollback_drills.documents.instants import explain_far, read_instant
from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.readiness.acceptance import explain_future
from rollback_drills.readiness.states import Mode
from rollback_drills.settings import DESCRIPTIONS, Settings, read_settings

Choice = TypeVar("Choice", bound=StrEnum)

WORK_POOL: Final = "drills"
"""The work pool of the deployments, unless a person names one."""


def _describe_days(name: str) -> str:
    return f"{DESCRIPTIONS[name]} (env {VARIABLES[name]}; default {getattr(Settings(), name):g})"


ModeOption = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="|".join(Mode),
        help=f"{DESCRIPTIONS['mode']} (env {VARIABLES['mode']}; default disabled)",
    ),
]
HistoryOption = Annotated[
    str | None,
    typer.Option(
        "--history",
        "--rollback-drill-history-path",
        metavar="PATH",
        help=f"{DESCRIPTIONS['history']} (env {VARIABLES['history']})",
    ),
]
ScheduleOption = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        "--rollback-drill-schedule-path",
        metavar="PATH",
        help=f"{DESCRIPTIONS['schedule']} (env {VARIABLES['schedule']})",
    ),
]
ChangesOption = Annotated[
    str | None,
    typer.Option("--changes", metavar="FILE", help=f"{DESCRIPTIONS['changes']} (env {VARIABLES['changes']})"),
]
DueSoonOption = Annotated[
    float | None,
    typer.Option(
        "--due-soon-days",
        "--rollback-drill-due-soon-days",
        metavar="DAYS",
        help=_describe_days("due_soon_days"),
    ),
]
MaxAgeOption = Annotated[
    float | None,
    typer.Option(
        "--max-age-days",
        "--rollback-drill-max-age-days",
        metavar="DAYS",
        help=_describe_days("max_age_days"),
    ),
]
PolicyOption = Annotated[
    str | None,
    typer.Option("--routing-policy", metavar="FILE", help="Routing policy that adds to the schedule's."),
]
ProviderOption = Annotated[
    str,
    typer.Option(
        "--provider", metavar="NAMES", help="Providers to notify: all, or a list separated by commas."
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Notify even if the schedule is healthy; never in a window or absence."),
]
NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="ISO", help="Judge as of this time, ISO 8601; UTC without an offset."),
]


def _check_signer(name: str) -> str:
    if problem := explain_person(name or " "):
        raise UsageError(problem, field="generated_by")
    return name


GeneratedByOption = Annotated[
    str,
    typer.Option(
        "--generated-by",
        metavar="NAME",
        help="Who asked, as recorded in the documents.",
        callback=_check_signer,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the document as JSON.")]


def parse_choice(flag: str, text: str, choices: type[Choice]) -> Choice:
    """Read what an option chooses.

    Raises:
        UsageError: There is no such choice.
    """
    if text not in set(choices):
        raise UsageError(f"{flag} {text} is unknown; write one of {', '.join(choices)}")
    return choices(text)


def parse_now(text: str | None) -> datetime:
    """Read the instant to judge at; the clock is read here and nowhere else.

    Raises:
        UsageError: The text is no timestamp.
    """
    return parse_instant("--now", text)


def parse_instant(flag: str, text: str | None) -> datetime:
    """Read the instant that an option names, by default now.

    Raises:
        UsageError: The text is no timestamp, or far from all that can be judged.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        instant = read_instant(text)[0]
    except ValueError:
        raise UsageError(
            f"{flag} is {show(text)}; write an ISO 8601 timestamp such as 2026-06-20T15:40:00Z"
        ) from None
    if problem := explain_far(instant):
        raise UsageError(f"{flag} {problem}")
    return instant


def parse_said_at(now: str | None) -> datetime:
    """Return when something is done, said or decided: now, or earlier, if it is entered later.

    Raises:
        UsageError: It is no time, or in the future: what is said would hold for longer than it may.
    """
    at = parse_now(now)
    if problem := explain_future(at, now=parse_now(None)):
        raise UsageError(problem, field="now")
    return at


def resolve(**given: Any) -> Settings:
    """Resolve the settings from flags, environment and defaults."""
    return read_settings(os.environ, **given)
