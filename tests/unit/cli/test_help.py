"""The help of every command at 80 columns, and what a flag means wherever it stands."""

from collections.abc import Iterator

import click
import pytest
import typer

from rollback_drills_cli.main import app


def find_commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return the path of every command and group."""
    yield path
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from find_commands(each, (*path, name))


ROOT = typer.main.get_command(app)
PATHS = list(find_commands(ROOT))
LOOK_BACKS = [
    ("routes",),
    ("trends",),
    ("notifications",),
    ("audit-package",),
    ("evidence", "list"),
    ("evidence", "export"),
    ("outbox", "list"),
]


def find(path: tuple[str, ...]) -> click.Command:
    """Return a command."""
    command = ROOT
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_shows_every_name_whole_at_80_columns(path: tuple[str, ...]) -> None:
    command = find(path)
    with click.Context(command, info_name="drills", terminal_width=80) as context:
        text = command.get_help(context)

    assert "…" not in text
    assert "..." not in text.replace("]...", "]").replace("PATH...", "PATH")
    assert max(map(len, text.splitlines())) <= 80
    shown = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    for option in shown:
        assert [name for name in option.opts if name not in text.replace(",", " ").split()] == []


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_short_names_come_first_and_schedule_is_a_path(path: tuple[str, ...]) -> None:
    for option in find(path).params:
        names = [name for name in option.opts if name.startswith("--")]
        if isinstance(option, click.Option) and not option.hidden and option.name != "help":
            assert names == sorted(names, key=len)
            assert "--schedule" not in names or option.metavar == "PATH"


@pytest.mark.parametrize("path", LOOK_BACKS, ids=" ".join)
def test_a_look_back_takes_the_id_of_a_schedule(path: tuple[str, ...]) -> None:
    options = {name: each for each in find(path).params for name in each.opts}
    assert not getattr(options["--schedule-id"], "hidden", True)
    assert getattr(options["--schedule"], "hidden", False)
