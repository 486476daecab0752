"""Each question about other times is answered by the command below it, with the output that is shown."""

import re
import shlex
from typing import Final

import pytest
from typer.testing import CliRunner

from rollback_drills.database.connections import Database
from rollback_drills_cli.main import app
from tests.checkout import ROOT
from tests.reading.documentation import TEXTS
from tests.samples.other_times import write_evidence

PAGE: Final = TEXTS["docs/how-to/answer-questions-about-other-times.md"]
SIMULATED: Final = TEXTS["docs/how-to/simulate-a-year.md"]
_ANSWER: Final = re.compile(r"^## (.+)\n\n```sh\ndrills (.+)\n```\n\n```text\n([^`]+)```$", re.MULTILINE)
ANSWERS: Final = _ANSWER.findall(PAGE) + _ANSWER.findall(SIMULATED)
LEFT_OUT: Final = "…"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the evidence of the examples."""
    found = f"sqlite:///{tmp_path_factory.mktemp('evidence') / 'evidence.db'}"
    database = Database.open(found)
    write_evidence(database, ROOT / "examples/fleet")
    database.engine.dispose()
    return found


def to_pattern(shown: str) -> str:
    """Return the pattern of an output of which some lines are left out."""
    lines = shown.splitlines()
    return "".join("(.*\n)+?" if line == LEFT_OUT else f"{re.escape(line)} *\n" for line in lines)


@pytest.mark.parametrize(("question", "command", "shown"), ANSWERS, ids=[each[0] for each in ANSWERS])
def test_the_command_below_a_question_prints_its_answer(
    url: str, question: str, command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DRILLS_DATABASE_URL", url)
    monkeypatch.setenv("COLUMNS", "110")

    printed = CliRunner().invoke(app, shlex.split(command)).stdout.lstrip("\n")

    assert re.fullmatch(to_pattern(shown), printed), printed


def test_ten_questions_have_an_answer_and_each_is_tried() -> None:
    questions = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    questions += re.findall(r"^## (.+\?)$", SIMULATED, re.MULTILINE)
    assert [each[0] for each in ANSWERS] == questions
    assert len(questions) >= 16
    assert not re.fullmatch(to_pattern("one\n…\nthree\n"), "one\nthree\n")
    assert not re.fullmatch(to_pattern("one\n"), "one\ntwo\n")
