"""Prepares a process for Prefect: secrets from files, a log that nobody sees, and an end in order."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from io import StringIO
from pathlib import Path

from rollback_drills.errors import UsageError
from rollback_drills.redaction.secret_variables import open_secret_files
from rollback_drills_cli.environment_errors import NO_CERTIFICATES
from rollback_drills_cli.signal_exit_codes import TERMINATED
from rollback_drills_cli.terminal.progress import show_waiting


@contextmanager
def asking_prefect(what: str, *, verbose: bool = False) -> Iterator[None]:
    """Show what the command is doing while it uses Prefect. Import Prefect within: it takes a second.

    Args:
        what: What it is doing.
        verbose: Show the log of Prefect.

    Raises:
        UsageError: As `quieten_prefect` does.
    """
    quieten_prefect(verbose=verbose)
    with show_waiting(what):
        yield


def quieten_prefect(*, verbose: bool = False, may_start: bool = True) -> None:
    """Keep the log of Prefect, and of a temporary server that it starts, out of what people see.

    A variable that is set already is left alone. To be called before Prefect is imported. SIGTERM then ends
    the process as Ctrl-C does: the flow run is marked as crashed, and a temporary server stops.

    Args:
        verbose: Show the log.
        may_start: Whether a temporary server is started if none is configured.

    Raises:
        UsageError: The user has no home folder, or none for a temporary server, the working directory was
            removed, or SSL_CERT_FILE names no file; Prefect needs all of them. Or PREFECT_API_URL is empty,
            or a file with a secret cannot be used.
    """
    open_secret_files(os.environ)
    if not os.environ.get(
        "PREFECT_API_URL", "set"
    ).strip():  # Prefect would start a server without connectors
        raise UsageError("PREFECT_API_URL is empty; give it a value or leave it out")
    try:
        Path.home()
    except RuntimeError:
        raise UsageError(
            f"the user {os.getuid()} has no home folder, which Prefect needs; set HOME to a writable folder"
        ) from None
    try:
        os.getcwd()
    except FileNotFoundError:  # a temporary server would not start, and be waited for
        raise UsageError(
            "the working directory was removed, and Prefect needs one; change to another"
        ) from None
    signal.signal(signal.SIGTERM, _end_in_order)
    if may_start:
        _require_prefect_home()
    certificates = os.environ.get("SSL_CERT_FILE")
    if certificates and not os.path.isfile(certificates):  # Prefect would print a traceback
        raise UsageError(NO_CERTIFICATES)
    if verbose:
        return
    for variable, value in (
        ("PREFECT_LOGGING_LEVEL", "CRITICAL"),
        ("PREFECT_INTERNAL_LOGGING_LEVEL", "CRITICAL"),  # events that could not be sent, each as a whole
        ("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120"),
    ):
        os.environ.setdefault(variable, value)
    import logging  # the fast commands need none

    for worker in ("EventsWorker", "APILogWorker"):  # at their end, outside of Prefect's own settings
        logging.getLogger(worker).setLevel(logging.ERROR)
    for early in ("prefect.events", "prefect.plugins"):  # until a flow sets up Prefect's own logging
        logging.getLogger(early).setLevel(logging.CRITICAL)
    _import_prefect()


def _end_in_order(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends the process at once
    sys.exit(TERMINATED)


def _require_prefect_home() -> None:
    if os.environ.get("PREFECT_API_URL"):
        return
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    there = next((each for each in (home, *home.parents) if os.path.lexists(each)), home)
    if not (os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)):
        raise UsageError(  # the server would not start, and be waited for
            f"the folder {home} cannot be created or written, and a temporary Prefect server needs it; set"
            " PREFECT_HOME to a writable folder, or PREFECT_API_URL to the address of a server"
        )


def _import_prefect() -> None:
    """Import Prefect if it is installed. What it prints of a setting that it cannot use, it also raises."""
    printed = StringIO()
    with redirect_stderr(printed), suppress(ImportError):  # the command names the extra that it needs
        import prefect.settings  # noqa: F401
    sys.stderr.write(printed.getvalue())
