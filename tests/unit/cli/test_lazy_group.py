"""A command is imported when it is asked for; help and completion know all of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rollback_drills_cli.main import COMMANDS, PANELS, app
from tests.checkout import ROOT
from tests.samples.commands import drills


def run_python(script: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_command_imports_no_module_of_another() -> None:
    printed = run_python(
        "import sys; from rollback_drills_cli.main import main\n"
        "sys.argv = ['drills', 'check', '--json', '--schedule', 'none.json']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sys.modules)"
    )

    commands = {f"rollback_drills_cli.{place.partition(':')[0]}" for place in COMMANDS.values()}
    assert commands & set(printed.splitlines()[-1].split()) == {"rollback_drills_cli.check"}


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        ([], ["history", "check", "gate", "connectors", "audit-package", "evidence", "api", "api-token"]),
        (["evidence"], ["list", "show", "verify", "export", "head", "prove", "import", "rotate-key"]),
    ],
)
def test_help_lists_every_command(words: list[str], commands: list[str]) -> None:
    printed = CliRunner().invoke(app, [*words, "--help"]).output

    listed = re.findall(
        r"^  (\S+)  +[A-Z]", printed.partition("Show this message and exit.")[2], re.MULTILINE
    )
    assert [each for each in listed if each in commands] == commands


def test_help_groups_every_command_into_a_panel() -> None:
    printed = CliRunner().invoke(app, ["--help"]).output

    titles = re.findall(r"^(\S.*):$", printed, re.MULTILINE)
    assert titles == ["Options", *PANELS]
    assert COMMANDS.keys() == {name for panel in PANELS.values() for name in panel}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("drills ev", ["evidence"]),
        ("drills po", ["postpone"]),
        ("drills evidence ver", ["verify"]),
        ("drills check --sched", ["--schedule"]),
    ],
)
def test_a_shell_completes_commands_and_flags(typed: str, completed: list[str], tmp_path: Path) -> None:
    done = drills(
        cwd=tmp_path,
        _DRILLS_COMPLETE="complete_bash",
        COMP_WORDS=typed,
        COMP_CWORD=str(typed.count(" ")),
    )

    assert done.stdout.split() == completed


def test_a_command_that_is_not_there_is_answered_with_a_similar_one() -> None:
    done = CliRunner().invoke(app, ["evidence", "verfy"])

    assert done.exit_code == 2
    assert "No such command 'verfy'" in done.output
    assert done.output.count("Did you mean") == 1
    assert "'verify'" in done.output
