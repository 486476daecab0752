"""The help of every command: what a newcomer reads there is complete, and its examples are accepted."""

import re
import shlex
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
        assert printed.count(f" {each.help}") == 1


@every_command
def test_options_show_what_they_take_and_no_type(words: tuple[str, ...]) -> None:
    printed = CliRunner().invoke(app, [*words, "--help"]).output

    assert not re.findall(r" --[a-z-]+ (?:FLOAT|INTEGER)\b.*", printed)


def find_example(command: click.Command) -> str:
    found = re.search(r"Example: drills (.*)$", command.help or "", re.MULTILINE)
    return found[1] if found else ""


EXAMPLES = {words: example for words, each in COMMANDS.items() if (example := find_example(each))}


@pytest.mark.parametrize("words", EXAMPLES, ids=" ".join)
def test_an_example_fits_on_its_line_and_is_accepted(words: tuple[str, ...]) -> None:
    given = shlex.split(EXAMPLES[words])

    assert tuple(given[: len(words)]) == words
    COMMANDS[words].make_context(words[-1], given[len(words) :])
    printed = CliRunner().invoke(app, [*words, "--help"], terminal_width=80).output
    assert f"  Example: drills {EXAMPLES[words]}\n" in printed


def test_the_commands_of_every_day_have_an_example() -> None:
    daily = {"check", "plan", "explain", "gate", "lint", "test", "deliver", "record", "ack", "skip", "api"}
    assert {(each,) for each in daily} <= EXAMPLES.keys()
