"""The options of every command that judges documents: which they are, and by what they are judged."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, Final

from rollback_drills.settings import read_settings
from rollback_drills_cli import options

_PARAMETER: Final = "settings"
_OPTIONS: Final[Mapping[str, Any]] = {
    "mode": options.ModeOption,
    "history": options.HistoryOption,
    "schedule": options.ScheduleOption,
    "changes": options.ChangesOption,
    "due_soon_days": options.DueSoonOption,
    "max_age_days": options.MaxAgeOption,
}
"""By setting, in the order in which help shows them."""


def with_judged_documents(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options, and pass what they and the environment say as its `settings`.

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
