"""Errors name parameters, and each edge writes them as its users know them."""

import ast
import copy
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollback_drills.errors import Field, UsageError
from rollback_drills.rendering.command_line import write_command
from rollback_drills_cli.options.flags import SHORT_FLAGS, find_flag
from tests.checkout import ROOT

BELOW_THE_EDGES = ("rollback_drills", "blocks", "tasks", "flows")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
FLAGS_OF_OTHER_PROGRAMS = {"--user", "--userpwd"}
"""Those of curl, after which a password stands: documents are searched for them."""

ERROR = UsageError("payments.json has 2 schedules; choose one by ", Field("schedule_id"), field="schedule")


def find_literals(module: Path) -> Iterator[str]:
    tree = ast.parse(module.read_text())
    texts = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.value


@pytest.mark.slow
@pytest.mark.parametrize("package", BELOW_THE_EDGES)
def test_only_the_command_line_knows_its_flags(package: str) -> None:
    found = {
        f"{module.relative_to(ROOT)}: {flag}"
        for module in sorted((ROOT / package).rglob("*.py"))
        for text in find_literals(module)
        for flag in FLAG.findall(text)
        if flag not in FLAGS_OF_OTHER_PROGRAMS
    }

    assert not found


def test_pages_write_commands_as_the_command_line_takes_them() -> None:
    pages = sorted((ROOT / "rollback_drills/console/templates").glob("*.j2"))
    found = {f"{page.name}: {flag}" for page in pages for flag in FLAG.findall(page.read_text())}

    assert pages
    assert not found


def test_an_error_about_one_of_several_names_which_one() -> None:
    ended = UsageError("it has ended; name ", Field("cycle_id"))

    assert str(ERROR.at("routes[2]")).startswith("routes[2].schedule payments.json has 2 schedules")
    assert ERROR.at("routes[2]").spell("$.{}".format).endswith("choose one by $.routes[2].schedule_id")
    assert ended.at("routes[0]").spell("$.{}".format) == (
        "$.routes[0]: it has ended; name $.routes[0].cycle_id"
    )


def test_each_edge_writes_the_parameters_of_an_error_in_its_own_way() -> None:
    assert str(ERROR) == "schedule payments.json has 2 schedules; choose one by schedule_id"
    assert ERROR.spell(find_flag) == "--schedule payments.json has 2 schedules; choose one by --schedule-id"
    assert repr(ERROR) == f"UsageError({str(ERROR)!r})"
    assert ERROR.problem == "payments.json has 2 schedules; choose one by schedule_id"


@pytest.mark.parametrize("carry", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_travels_between_processes_with_its_parameters(carry: object) -> None:
    assert callable(carry)
    carried = carry(ERROR)

    assert (str(carried), carried.field, carried.args) == (str(ERROR), ERROR.field, ERROR.args)


def test_every_flag_that_is_not_the_name_of_its_parameter_exists() -> None:
    commands = "".join(path.read_text() for path in sorted((ROOT / "docs/reference").glob("commands.md")))

    assert not [flag for flag in SHORT_FLAGS.values() if not re.search(rf"[ `]{flag}`", commands)]


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({"owner": "team-a", "all": False}, "drills ack --owner team-a"),
        ({"owner": "a; rm -rf /"}, "drills ack --owner 'a; rm -rf /'"),
        ({"owner": "--help"}, "drills ack --owner=--help"),
        ({"schedule_id": "x", "all": True}, "drills ack --schedule-id x --all"),
    ],
)
def test_a_command_is_written_so_that_a_shell_takes_it(options: dict[str, str | bool], command: str) -> None:
    assert write_command("ack", **options) == command
