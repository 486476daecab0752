"""Who waits sees what for, and nobody sees anything of what is over in a moment."""

import sys
import time

import pytest

from rollback_drills_cli.terminal.progress import show_count, show_waiting

READERS = pytest.mark.parametrize("is_person", [True, False], ids=["a person", "a program"])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show at once what is shown after a second."""
    monkeypatch.setattr("rollback_drills_cli.terminal.progress._PATIENCE_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")


def wait_for(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was shown once a text is there; or what there is after a while."""
    seen, until = "", time.monotonic() + 60
    while text not in seen and time.monotonic() < until:
        time.sleep(0.01)
        seen += capsys.readouterr().err
    return seen


def test_a_moment_shows_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with show_waiting("reading"):
        pass
    with show_count("rows", 2) as show:
        show(1)

    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("impatient")
def test_people_see_what_takes_longer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with show_waiting("reading a[b].json"):
        seen = wait_for("reading a[b].json", capsys)

    assert "reading a[b].json" in seen


@pytest.mark.usefixtures("impatient")
def test_a_program_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with show_waiting("reading"):
        time.sleep(0.05)

    assert capsys.readouterr().err == ""


@READERS
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("total", "shown"), [(3, "2/3"), (None, "2 rows")])
def test_people_see_how_many_are_done(
    is_person: bool,
    total: int | None,
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_person)
    with show_count("rows", total) as show:
        show(1)
        show(2)

    assert (shown in capsys.readouterr().err) == is_person
