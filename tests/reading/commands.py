"""Every command of the command line, as click has it."""

from collections.abc import Iterator

import click
import typer

from rollback_drills_cli.main import app

TOP = typer.main.get_command(app)


def leaves(command: click.Command, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that can be run, with the words that call it."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, *words, name)
    else:
        yield words, command


COMMANDS = dict(leaves(TOP))
"""By the words that call it: each command that can be run."""
