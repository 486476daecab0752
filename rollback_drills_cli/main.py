"""The command `drills`: puts the commands together, and turns errors into one line and an exit code."""

import gc
import sys
from typing import Annotated, Final, NoReturn

import click
import typer

from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills_cli.lazy_group import group_of
from rollback_drills_cli.options.flags import describe
from rollback_drills_cli.signal_exit_codes import INTERRUPTED, TERMINATED
from rollback_drills_cli.terminal.output import print_click_error, print_problem
from rollback_drills_cli.terminal.streams import discard_output, flush_output, prepare_streams

PANELS: Final = {
    "Judge and plan": {
        "history": "check:history",
        "check": "check:check",
        "plan": "plan:plan",
        "explain": "explain:explain",
        "simulate": "simulate:simulate_fleet",
        "gate": "gate:gate",
        "look-ahead": "look_ahead:look_ahead",
        "alarm-path": "alarm_path:alarm_path",
        "init": "init:init",
        "lint": "lint:lint",
        "schema": "schema:schema",
        "test": "expectations:run_tests",
    },
    "Notify, and record drills": {
        "deliver": "deliver:deliver",
        "record": "record:record",
        "trust": "trust:trust",
        "outbox": "outbox:app",
        "connectors": "connectors:app",
    },
    "Follow up": {
        "ack": "acknowledge:ack",
        "escalate": "followup:escalate",
        "dashboard": "followup:dashboard",
        "skip": "exceptions:skip",
        "postpone": "exceptions:postpone",
        "waive": "exceptions:waive",
        "retire": "retire:retire",
        "requests": "requests:app",
    },
    "Show the state, and look back": {
        "console": "console:console",
        "calendar": "calendar:calendar",
        "badge": "badge:badge",
        "routes": "lookback:routes",
        "trends": "lookback:trends",
        "notifications": "lookback:notifications",
        "audit-package": "audit_package:audit_package",
        "evidence": "evidence.records:app",
    },
    "Serve": {
        "serve": "serve:serve",
        "deploy": "deploy:deploy",
        "template": "template:template",
        "api": "api:api",
        "api-token": "api_token:app",
        "links": "links:app",
        "automations": "automations.command:app",
        "exec": "execute:execute",
    },
}
"""By title, the panels of the help: by name, the module and the function of each command.

A module is imported when its command is called.
"""
COMMANDS: Final = {name: place for panel in PANELS.values() for name, place in panel.items()}

app = typer.Typer(
    name="drills",
    cls=group_of(COMMANDS, panels=PANELS),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its tables cut the names of options at 80 columns
    help="Check rollback drills, notify their owners, and keep evidence.",
    epilog="Exit codes: 0 acceptable, 1 needs attention or a failed delivery, 2 nothing was sent or written.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("rollback-drills"))
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    # What is read stays, and is no garbage: to look for some after every 700 objects took a tenth of the time
    # of a check of 10,000 schedules, and more than half of the time in which the API judges them.
    gc.set_threshold(20_000, 50, 50)
    prepare_streams()
    effects_before = count_effects()
    try:
        _run(effects_before)
    except KeyboardInterrupt:
        _fail("interrupted", effects_before, INTERRUPTED)
    except DrillsError as error:
        _fail(describe(error), effects_before)
    except Exception as error:
        if "KeyboardInterrupt" in str(error):  # as pydantic passes it on
            _fail("interrupted", effects_before, INTERRUPTED)
        from rollback_drills_cli.environment_errors import explain  # a command that works needs none of it

        problem = explain(error)
        if problem is None:
            raise
        if isinstance(error, OSError):
            discard_output()
        _fail(problem, effects_before)


def _run(effects_before: int) -> NoReturn:
    """Run a command, and write what it printed, before the interpreter does it and hides what fails."""
    try:
        code = app(standalone_mode=False) or 0  # what was to be its exit code
    except click.ClickException as error:
        print_click_error(error)
        code = error.exit_code
    except SystemExit as ended:
        code = ended.code
    flush_output()
    if code == INTERRUPTED:  # typer makes it of Ctrl-C
        raise KeyboardInterrupt
    if code == TERMINATED:
        _fail("ended by SIGTERM", effects_before, TERMINATED)
    sys.exit(code)


def _fail(problem: str, effects_before: int, code: int = 0) -> NoReturn:
    """End with a line about a problem: with 2 if nothing was sent or written, else with 1; or with a code."""
    has_effects = count_effects() > effects_before
    print_problem(f"{problem}; what was sent or written before that stays" if has_effects else problem)
    sys.exit(code or (1 if has_effects else 2))


if __name__ == "__main__":
    main()
