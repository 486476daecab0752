"""Without any extra the commands work that only judge documents, and all others say which extra they need."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rollback_drills.documents.busy_calendars.busy_calendar import read_busy_times
from rollback_drills.errors import UsageError
from rollback_drills.errors.extras import MODULES, describe_missing
from tests.checkout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FLEET = f"{ROOT}/examples/fleet"
WHEN = ("--schedule", FLEET, "--now", "2026-12-01T09:00:00Z")
FAST: Sequence[tuple[int, Sequence[str]]] = (
    (0, ("--help",)),
    (1, ("check", *WHEN)),
    (1, ("check", *WHEN, "--json")),
    (1, ("plan", *WHEN)),
    (1, ("gate", *WHEN)),
    (1, ("lint", FLEET)),
    (0, ("explain", "payments_rollback_drills_monthly", "--schedule", FLEET)),
    (0, ("simulate", "--schedule", FLEET, "--from", "2026-12-01", "--to", "2026-12-31")),
    (1, ("look-ahead", *WHEN)),
    (0, ("badge", "payments_rollback_drills_monthly", *WHEN)),
    (0, ("init", "first")),
    (0, ("schema", "schedule")),
    (0, ("template", "alerts.yml")),
    (0, ("history", "--mode", "promoted", "--history", f"{FLEET}/payments-history.json")),
)
OTHERS = (
    ("flows", ("record", "--status", "pass")),
    ("flows", ("ack", "--help")),
    ("flows", ("deliver", *WHEN)),
    ("flows", ("console", "--out", "pages", *WHEN)),
    ("flows", ("connectors", "list")),
    ("flows", ("deploy",)),
    ("flows", ("evidence", "verify")),
    ("flows", ("api-token", "list")),
    ("api", ("api", "--port", "0")),
    ("calendars", ("calendar", *WHEN)),
    ("calendars", ("simulate", "--schedule", FLEET, "--format", "ics")),
)
RUN_ALL = """
import json, sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

modules, commands = json.loads(sys.argv[1])
sys.meta_path.insert(0, NotInstalled())
from rollback_drills_cli.main import main
for words in commands:
    sys.argv = ["drills", *words]
    try:
        main()
    except SystemExit as ended:
        print("ended", ended.code or 0, file=sys.stderr)
"""


@pytest.mark.slow
def test_fast_commands_work_without_extras_and_others_name_the_one_they_need(tmp_path: Path) -> None:
    modules = [module for of_one in MODULES.values() for module in of_one]
    commands = [words for _, words in (*FAST, *OTHERS)]

    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps([modules, commands])],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
    )

    assert done.returncode == 0, done.stderr
    *ended, rest = done.stderr.split("ended ")
    codes = [int(each.partition("\n")[0]) for each in [*ended[1:], rest]]
    said = [each.partition("\n")[2] for each in ["\n" + ended[0], *ended[1:]]]
    assert codes == [*(code for code, _ in FAST), *(2 for _ in OTHERS)], done.stderr
    for (extra, words), text in zip(OTHERS, said[len(FAST) :], strict=True):
        assert f" needs the extra `{extra}`, which is not installed; run pip install" in text, words
    assert "Traceback" not in done.stderr
    assert "  record         Needs the extra `flows`." in done.stdout
    assert [each.name for each in tmp_path.iterdir()] == ["first"]


@pytest.mark.slow
def test_every_package_of_an_extra_and_no_other_has_its_modules_in_the_table() -> None:
    extras = PROJECT["optional-dependencies"]
    distributions = packages_distributions()
    for extra, modules in MODULES.items():
        named = {canonicalize_name(Requirement(each).name) for each in extras[extra]} - {"rollback-drills"}
        of_modules = {canonicalize_name(each) for module in modules for each in distributions[module]}
        assert named - {"fastapi"} <= of_modules, extra
    base = {canonicalize_name(Requirement(each).name) for each in PROJECT["dependencies"]}
    optional = {module for modules in MODULES.values() for module in modules}
    assert not base & {canonicalize_name(each) for module in optional for each in distributions[module]}


def test_all_is_every_extra_for_users() -> None:
    extras = PROJECT["optional-dependencies"]
    (requirement,) = map(Requirement, extras["all"])
    assert requirement.name == PROJECT["name"]
    assert requirement.extras == extras.keys() - {"all", "dev", "docs", "release"}


def test_a_calendar_that_needs_an_extra_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in MODULES["calendars"]:
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ValueError, match=r"^needs the extra `calendars`, which is not installed"):
        read_busy_times(b"BEGIN:VCALENDAR", "Europe/Vienna")


def test_a_database_that_needs_an_extra_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from rollback_drills.database.connections import Database

    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(UsageError, match=r"^DRILLS_DATABASE_URL needs the extra `postgresql`"):
        Database.at("postgresql+psycopg://drills@127.0.0.1/drills")


@pytest.mark.parametrize("error", [ModuleNotFoundError("gone", name="tasks.gone"), ImportError("broken")])
def test_a_mistake_of_our_own_is_no_missing_extra(error: ImportError) -> None:
    assert describe_missing(error) is None
