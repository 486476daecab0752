"""The command `drills`: puts the commands together, and turns errors into one line and an exit code."""

import gc
import sys
from typing import Annotated, NoReturn

import typer

from rollback_drills.effects import count_effects
from rollback_drills.errors import DrillsError
from rollback_drills_cli import (
    acknowledge_command,
    api_command,
    api_token_commands,
    connector_commands,
    console_command,
    deliver_command,
    evidence_commands,
    evidence_export_command,
    evidence_keeping_commands,
    evidence_proof_commands,
    evidence_verify_command,
    exception_commands,
    follow_up_commands,
    gate_command,
    judge_commands,
    lint_command,
    outbox_commands,
    publishing_commands,
    record_command,
    review_commands,
    trust_command,
)
from rollback_drills_cli.explaining import explain
from rollback_drills_cli.grouping import CommandGroup
from rollback_drills_cli.output import print_problem
from rollback_drills_cli.streams import discard_output, prepare_streams

app = typer.Typer(
    name="drills",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its tables cut the names of options at 80 columns
    help="Keep rollback drills from being forgotten, and prove it.",
    epilog="Exit codes: 0 acceptable, 1 needs attention or a failed delivery, 2 nothing was sent or written.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(judge_commands.history)
app.command()(judge_commands.check)
app.command()(judge_commands.plan)
app.command()(gate_command.gate)
app.command()(publishing_commands.calendar)
app.command()(publishing_commands.badge)
app.command()(console_command.console)
app.command()(deliver_command.deliver)
app.command()(record_command.record)
app.command()(acknowledge_command.ack)
app.command()(follow_up_commands.escalate)
app.command()(follow_up_commands.dashboard)
app.command()(exception_commands.skip)
app.command()(exception_commands.postpone)
app.command()(exception_commands.waive)
app.command()(trust_command.trust)
app.command()(lint_command.lint)
app.command()(review_commands.routes)
app.command()(review_commands.trends)
app.command()(review_commands.notifications)
app.command("audit-package")(review_commands.audit_package)
evidence_commands.app.command()(evidence_verify_command.verify)
evidence_commands.app.command()(evidence_export_command.export)
evidence_commands.app.command()(evidence_proof_commands.head)
evidence_commands.app.command()(evidence_proof_commands.prove)
evidence_commands.app.command("import")(evidence_keeping_commands.import_index)
evidence_commands.app.command()(evidence_keeping_commands.prune)
evidence_commands.app.command("rotate-key")(evidence_keeping_commands.rotate_key)
app.add_typer(evidence_commands.app, name="evidence")
app.command()(api_command.api)
app.add_typer(api_token_commands.app, name="api-token")
app.add_typer(outbox_commands.app, name="outbox")
app.add_typer(connector_commands.app, name="connectors")


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
        _run()
    except DrillsError as error:
        _fail(str(error), effects_before)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        discard_output()
        sys.exit(0)
    except Exception as error:
        problem = explain(error)
        if problem is None:
            raise
        if isinstance(error, OSError):
            discard_output()
        _fail(problem, effects_before)


def _run() -> NoReturn:
    """Run a command, and write what it printed, before the interpreter does it and hides what fails."""
    try:
        app()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.exit(ended.code)
    sys.stdout.flush()
    sys.exit(0)


def _fail(problem: str, effects_before: int) -> NoReturn:
    """End with a line about a problem: with 2 if nothing was sent or written, else with 1."""
    print_problem(problem)
    if count_effects() > effects_before:
        print_problem("part of the work was done before that; what was sent or written stays")
        sys.exit(1)
    sys.exit(2)


if __name__ == "__main__":
    main()
