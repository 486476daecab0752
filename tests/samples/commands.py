"""Calls `drills` as people do, in this process: one of its own takes seconds where Prefect is needed."""

import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, chdir, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from rollback_drills.names.environment_variables import NAMES_OF_CAVRA, VARIABLES
from rollback_drills_cli.main import main


class Drills:
    """Calls the command; keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        self._monkeypatch.setattr("sys.argv", ["drills", "evidence", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        self.out, self.err = self._capsys.readouterr()
        return int(ended.value.code or 0)

    def document(self, *words: str) -> dict[str, object]:
        assert self(*words) == 0, self.err
        found: dict[str, object] = json.loads(self.out)
        return found


def forget_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the variables of documents, mode and limits: nothing is left to who runs the tests."""
    for setting, name in NAMES_OF_CAVRA.items():
        monkeypatch.delenv(VARIABLES[setting], raising=False)
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Done:
    """The exit code of a command, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def drills(*words: str, cwd: Path, **environ: str) -> Done:
    """Call `drills` in a folder, without its variables except for the given ones."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CAVRA_", "DRILLS_"))}
    printed, said = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(each, encoding="utf-8", write_through=True) for each in (printed, said))
    with (
        chdir(cwd),
        _prefect_settings(environ),
        patch.dict(os.environ, {**clean, **environ}, clear=True),
        patch.object(sys, "argv", ["drills", *words]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return Done(int(ended.value.code or 0), printed.getvalue().decode(), said.getvalue().decode())


def _prefect_settings(environ: Mapping[str, str]) -> AbstractContextManager[object]:
    """Change what Prefect has read from the environment when it was imported."""
    changed = {name: value for name, value in environ.items() if name.startswith("PREFECT_")}
    if not changed:
        return nullcontext()
    import prefect.settings  # takes a second

    return prefect.settings.temporary_settings(
        {getattr(prefect.settings, name): value for name, value in changed.items()}
    )
