"""`drills exec`: becomes another program, which gets the secrets that files hold."""

import os
from typing import Annotated, NoReturn

import typer

from rollback_drills.errors import UsageError, reason_of
from rollback_drills.redaction.secret_variables import open_secret_files


def execute(
    command: Annotated[list[str], typer.Argument(metavar="-- PROGRAM [ARGUMENTS]", help="What to start.")],
) -> NoReturn:
    """Start a program, such as Prefect's, with the secrets that NAME_FILE variables point to.

    Example: drills exec -- prefect server start
    """
    open_secret_files(os.environ)
    if not command[0]:
        raise UsageError("the name of the program is empty; write it after `--`")
    try:
        os.execvp(command[0], command)  # noqa: S606 - the program that was asked for, without a shell
    except OSError as error:
        raise UsageError(
            f"{command[0]} cannot be started: {reason_of(error)}; name a program that is installed"
        ) from None
