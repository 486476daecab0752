"""Inputs that users of comparable tools have tripped over, each with the outcome that is expected of it.

A folder holds inputs and an `expected.json`: a list of runs. Each run has the `arguments` of `drills`, its
`exit` code, what the output must contain (`has`) and must not (`lacks`), and values of a report by JSON
pointer (`json`).
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from rollback_drills_cli.main import main

HERE = Path(__file__).parent
NOW = "2026-11-28T09:00:00Z"
RUNS = [
    pytest.param(found.parent, run, id=f"{found.parent.name}-{number}")
    for found in sorted(HERE.glob("*/expected.json"))
    for number, run in enumerate(json.loads(found.read_text()), start=1)
]


@pytest.mark.parametrize(("folder", "run"), RUNS)
def test_an_input_has_the_expected_outcome(
    folder: Path,
    run: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("CAVRA_", "DRILLS_")):
            monkeypatch.delenv(name)
    takes_now = run["arguments"][0] != "lint" and "--now" not in run["arguments"]

    monkeypatch.setattr("sys.argv", ["drills", *run["arguments"], *(["--now", NOW] if takes_now else [])])

    with pytest.raises(SystemExit) as ended:
        main()

    out, err = capsys.readouterr()
    printed = " ".join((out + err).split())
    assert ended.value.code == run["exit"], printed
    assert [part for part in run.get("has", []) if part not in printed] == [], printed
    assert [part for part in run.get("lacks", []) if part in printed] == [], printed
    for pointer, value in run.get("json", {}).items():
        assert at(json.loads(out), pointer) == value, pointer


def at(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer."""
    for part in pointer.split("/")[1:]:
        document = document[int(part) if isinstance(document, list) else part]
    return document


def test_every_input_has_an_expected_outcome() -> None:
    inputs = {each for each in HERE.glob("*/*.json") if each.name != "expected.json"}
    written = {each.parent: each.read_text() for each in HERE.glob("*/expected.json")}
    tests = "".join(each.read_text() for each in HERE.glob("test_*.py"))

    forgotten = [each for each in inputs if each.name not in written.get(each.parent, "") + tests]

    assert inputs
    assert forgotten == []
