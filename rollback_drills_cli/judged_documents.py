"""What the commands have in common that judge documents: their options, and how they read and judge."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from inspect import signature
from typing import Any, Final

from rollback_drills.documents.fleets.fleet import Fleet, load_fleet
from rollback_drills.readiness.judgement import Judgement, judge_all
from rollback_drills.rendering.counts import write_count
from rollback_drills.settings import Settings, read_settings
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output import print_problem
from rollback_drills_cli.terminal.progress import show_waiting

_PARAMETER: Final = "settings"
_OPTIONS: Final[Mapping[str, Any]] = {
    "mode": shared.ModeOption,
    "history": shared.HistoryOption,
    "schedule": shared.ScheduleOption,
    "changes": shared.ChangesOption,
    "due_soon_days": shared.DueSoonOption,
    "max_age_days": shared.MaxAgeOption,
}
"""By setting, in the order in which help shows them."""


def with_judged_documents(command: Callable[..., None]) -> Callable[..., None]:
    """Add these options to a command, and pass what they and the environment say as its `settings`.

    The options stand where `settings` stands among its parameters.
    """
    whole = signature(command)

    @wraps(command)
    def read_first(**given: Any) -> None:
        own = {name: given.pop(name) for name in _OPTIONS}
        command(**given, settings=read_settings(os.environ, **own))

    parameters = []
    for each in whole.parameters.values():
        if each.name == _PARAMETER:
            parameters += [
                each.replace(name=name, annotation=kind, default=None) for name, kind in _OPTIONS.items()
            ]
        else:
            parameters.append(each)
    read_first.__signature__ = whole.replace(parameters=parameters)  # type: ignore[attr-defined]  # typer reads it
    return read_first


def load_documents(settings: Settings) -> Fleet:
    """Read the documents, and print what is odd about them."""
    with show_waiting(f"reading {settings.schedule}"):
        fleet = load_fleet(settings.schedule, settings.history, settings.changes)
    for warning in fleet.warnings:
        print_problem(f"warning: {warning}")
    return fleet


def judge_documents(
    fleet: Fleet, settings: Settings, *, now: datetime, generated_by: str = "cli"
) -> list[Judgement]:
    """Judge every schedule of a fleet."""
    with show_waiting(f"judging {write_count(len(fleet.subjects), 'schedule')}"):
        return judge_all(fleet.subjects, settings.criteria, now=now, generated_by=generated_by)
