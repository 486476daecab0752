"""Reads and prints the result of a flow run that a command started."""

from typing import TYPE_CHECKING

import typer

from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.errors import UsageError
from rollback_drills.notifications.results import DeliveryFailedError
from rollback_drills_cli.terminal.output import print_json, print_line

if TYPE_CHECKING:
    from typing import Any

    from prefect import State


def read_result(state: "State[Any]") -> PlainJson:
    """Return the result of a flow run, also if it could not deliver.

    Raises:
        UsageError: It ended without a result, because of what it was given.
    """
    ended_with = state.result(raise_on_failure=False)
    if isinstance(ended_with, UsageError):
        raise ended_with
    result = ended_with.result if isinstance(ended_with, DeliveryFailedError) else ended_with
    if not isinstance(result, dict):
        raise UsageError(state.message or "the flow run failed; run it again with --verbose")
    return result


def print_ending(state: "State[Any]", *, as_json: bool) -> PlainJson:
    """Print the result of a flow run, and return it.

    Raises:
        UsageError: It ended without a result, because of what it was given.
        Exit: It failed.
    """
    result = read_result(state)
    if as_json:
        print_json(result)
    else:
        print_line(state.message or "")
    if state.is_failed():
        raise typer.Exit(1)
    return result
