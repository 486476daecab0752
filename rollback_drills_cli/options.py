"""The options that several commands share; the long names are those of contract §7."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from rollback_drills.documents.explaining import show
from rollback_drills.documents.fleet import Fleet
from rollback_drills.documents.instants import read_day_or_instant, read_instant
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.errors import UsageError
from rollback_drills.planning.decisions import PlanRequest
from rollback_drills.planning.routes import (
    BUILTIN_PROVIDERS,
    check_requested,
    named_providers,
    parse_requested,
)
from rollback_drills.readiness.terms import Mode
from rollback_drills.settings import VARIABLES, Settings, read_settings
from rollback_drills_cli.explaining import NO_CERTIFICATES

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
ScheduleIdOption = Annotated[
    str | None, typer.Option("--schedule-id", metavar="ID", help="Only the schedule with this id.")
]
OldScheduleIdOption = Annotated[str | None, typer.Option("--schedule", hidden=True)]
"""Up to now `--schedule` took an id where no document is read."""
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
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="ISO", help="Rows from this instant or day on, UTC.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="ISO", help="Rows before this instant or day, UTC.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the document as JSON.")]


def read_schedule_id(schedule_id: str | None, old: str | None) -> str | None:
    """Return the id that a look-back is about, also if it was given as `--schedule`, as up to now.

    Raises:
        UsageError: Both were given, or `--schedule` is a path, as everywhere else.
    """
    if old is None:
        return schedule_id
    if schedule_id is not None:
        raise UsageError("--schedule-id and --schedule name the same; leave --schedule out")
    if old.endswith((".json", ".jsonl")) or os.path.exists(old):
        raise UsageError(
            f"--schedule {old} is the path of documents, and this command reads none; name the schedule with"
            " --schedule-id"
        )
    return old


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


def parse_period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Read a period of instants or days in UTC; its end is not in it.

    Raises:
        UsageError: A text is no timestamp and no day, or the period is empty.
    """
    start, end = _parse_bound("--from", since), _parse_bound("--to", until)
    if start and end and start >= end:
        raise UsageError(f"--from {since} is not before --to {until}")
    return start, end


def _parse_bound(flag: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return read_day_or_instant(text)
    except ValueError:
        raise UsageError(
            f"{flag} is {show(text)}; write a day, 2026-06-20, or an instant, 2026-06-20T15:40:00Z"
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


def plan_request(
    settings: Settings, fleet: Fleet, *, provider: str, force: bool, policy: str | None
) -> PlanRequest:
    """Put together what a plan is asked for; connectors are known by name from the connector file.

    Raises:
        UsageError: The policy or the connector file is unusable, or a provider is unknown.
    """
    connectors = _connector_names(settings)
    requested = parse_requested(provider)
    known = BUILTIN_PROVIDERS | named_providers(each.schedule for each in fleet.subjects) | set(connectors)
    check_requested(requested, known)
    return PlanRequest(requested=requested, force=force, policy=read_policy(policy), connectors=connectors)


def _connector_names(settings: Settings) -> Sequence[str]:
    if settings.connector_config is None:
        return ()
    from rollback_drills.connectors.config_file import connector_names  # pydantic costs a tenth of a second

    return connector_names(Path(settings.connector_config))


def quieten_prefect(*, verbose: bool = False) -> None:
    """Keep the log of Prefect, and of a temporary server that it starts, out of what people see.

    A variable that is set already is left alone. To be called before Prefect is imported.

    Args:
        verbose: Show the log.

    Raises:
        UsageError: The user has no home folder, or SSL_CERT_FILE names no file; Prefect needs both.
    """
    try:
        Path.home()
    except RuntimeError:
        raise UsageError(
            f"the user {os.getuid()} has no home folder, which Prefect needs;"
            " set HOME to a folder that can be written"
        ) from None
    certificates = os.environ.get("SSL_CERT_FILE")
    if certificates and not os.path.isfile(certificates):  # Prefect would print a traceback
        raise UsageError(NO_CERTIFICATES)
    for variable, value in (
        ("PREFECT_LOGGING_LEVEL", "CRITICAL"),
        ("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120"),
    ):
        if not verbose:
            os.environ.setdefault(variable, value)
    if not verbose:
        import logging  # the fast commands need none

        for worker in ("EventsWorker", "APILogWorker"):  # at their end, outside of Prefect's own settings
            logging.getLogger(worker).setLevel(logging.ERROR)
