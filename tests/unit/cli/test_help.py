"""The help of every command: what a newcomer reads there is complete, and its examples are accepted."""

from collections.abc import Iterator

import click
import pytest
import typer
from typer.core import TyperArgument
from typer.testing import CliRunner

from rollback_drills_cli.main import app


def find_commands(
    command: click.Command | None, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its words."""
    assert command is not None
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from find_commands(command.get_command(context, name), (*words, name))
    else:
        yield words, command


COMMANDS = dict(find_commands(typer.main.get_command(app)))
every_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


@every_command
def test_every_argument_is_explained(words: tuple[str, ...]) -> None:
    arguments = [each for each in COMMANDS[words].params if isinstance(each, TyperArgument)]
    printed = " ".join(CliRunner().invoke(app, [*words, "--help"]).output.split())

    for each in arguments:
        assert each.help
        assert each.help in printed
