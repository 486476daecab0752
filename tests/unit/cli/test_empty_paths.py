"""An empty path is refused: the unset variable of a shell must not stand for the working directory."""

from pathlib import Path

import click
import pytest

from rollback_drills.errors import UsageError
from tests.samples.commands import drills
from tests.unit.cli.test_help import COMMANDS

HINTS = ("file", "folder", "path", "dir")


def takes_path(each: click.Parameter) -> bool:
    texts = (each.human_readable_name, each.metavar or "", each.type.name)
    return any(word in text.lower() for text in texts for word in HINTS)


PATHS = [
    pytest.param(each, command, id=" ".join((*words, each.opts[0])))
    for words, command in COMMANDS.items()
    for each in command.params
    if takes_path(each) and each.default != "" and not getattr(each, "is_flag", False)
]


def test_there_are_many_of_them() -> None:
    assert len(PATHS) > 40


@pytest.mark.parametrize("text", ["", " "])
@pytest.mark.parametrize(("parameter", "command"), PATHS)
def test_every_path_that_is_empty_is_refused(
    parameter: click.Parameter, command: click.Command, text: str
) -> None:
    with pytest.raises(UsageError, match=r"^(--[a-z-]+|[A-Z]+) is empty; give it a value"):
        parameter.type.convert(text, parameter, click.Context(command))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("lint", ""), "PATH"),
        (("init", ""), "FOLDER"),
        (("evidence", "verify", " "), "EXPORT"),
        (("check", "--schedule", ""), "--schedule"),
        (("record", "--drill", ""), "--drill"),
    ],
)
def test_nothing_is_done_in_the_working_directory(words: tuple[str, ...], named: str, tmp_path: Path) -> None:
    done = drills(*words, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(f"drills: {named} is empty; give it a value")
    assert list(tmp_path.iterdir()) == []
