"""Calls `drills evidence` as people do."""

import json

import pytest

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
