"""Ctrl-C and SIGTERM end a command with one line and their own code, whatever it does at that moment."""

import sys
from typing import NoReturn

import pytest

from rollback_drills.errors.effects import note_effect
from rollback_drills_cli import main, start


class Interrupting:
    """Stands for Ctrl-C while the modules of the commands are read."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "rollback_drills_cli.main":
            raise KeyboardInterrupt


def test_while_the_modules_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "rollback_drills_cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])

    with pytest.raises(SystemExit) as ended:
        start.main()

    assert (ended.value.code, *capsys.readouterr()) == (130, "", "drills: interrupted\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(130), 130, "interrupted"),
        (ValueError("Error calling function `x`: KeyboardInterrupt: "), 130, "interrupted"),
        (SystemExit(143), 143, "ended by SIGTERM"),
    ],
)
@pytest.mark.parametrize("has_effects", [False, True])
def test_while_a_command_runs(
    error: BaseException,
    code: int,
    said: str,
    has_effects: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(**_: object) -> NoReturn:
        if has_effects:
            note_effect()
        raise error

    monkeypatch.setattr(main, "app", run)
    monkeypatch.setattr(main, "prepare_streams", lambda: None)

    with pytest.raises(SystemExit) as ended:
        start.main()

    assert ended.value.code == code
    stays = "; what was sent or written before that stays" * has_effects
    assert capsys.readouterr().err == f"drills: {said}{stays}\n"
