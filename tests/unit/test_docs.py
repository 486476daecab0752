"""The documentation names only what exists."""

import re
from pathlib import Path

import click
import pytest
import typer

from rollback_drills.settings import VARIABLES
from rollback_drills_cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=list(TEXTS))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for name, text in TEXTS.items():
        assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets, name


def find(words: list[str]) -> click.Command:
    """Find the command that the words begin with."""
    command: click.Command = typer.main.get_command(app)
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        assert word in command.commands, words
        command = command.commands[word]
    return command


def test_every_drills_command_and_flag_exists() -> None:
    lines = [line for text in TEXTS.values() for line in re.findall(r"^drills ([^#\n]+)", text, re.MULTILINE)]
    assert len(lines) > 10
    for line in lines:
        words = line.split()
        known = {flag for parameter in find(words).params for flag in parameter.opts} | {"--help"}
        known |= {"--install-completion"}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_reference_names_every_flag_and_variable() -> None:
    reference = TEXTS["docs/reference/commands.md"]
    environment = TEXTS["docs/reference/environment.md"]

    def flags(command: click.Command) -> set[str]:
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        own = {flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")}
        return own.union(*map(flags, inner))

    left_out = {"--version", "--install-completion", "--show-completion", "--help"}
    assert {flag for flag in flags(find([])) - left_out if f"`{flag}`" not in reference} == set()
    assert all(f"`{variable}`" in environment for variable in VARIABLES.values())
