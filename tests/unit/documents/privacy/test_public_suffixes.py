"""The endings of host names are those of the Public Suffix List, by the command that the Makefile has."""

import runpy
import subprocess
import sys
from pathlib import Path

from rollback_drills.documents.privacy import public_suffixes
from rollback_drills.documents.privacy.host_words import FILE_ENDINGS, IDENTIFIER_WORDS
from tests.checkout import ROOT


def test_the_list_is_what_the_command_writes() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "public_suffixes.py"))
    made = tool["write"](tool["LIST"].read_text(encoding="utf-8"))

    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "-"],
        input=made,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    assert tool["WRITTEN"].read_text(encoding="utf-8") == formatted
    assert tool["WRITTEN"].samefile(Path(str(public_suffixes.__file__)))


def test_every_exception_is_a_top_level_domain() -> None:
    assert FILE_ENDINGS.keys() <= public_suffixes.TOP_LEVELS
    assert IDENTIFIER_WORDS <= public_suffixes.TOP_LEVELS
