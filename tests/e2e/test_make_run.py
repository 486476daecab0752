"""What a newcomer does first: `make run`, and the page that says what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT
from tests.reading.documentation import TEXTS, code_blocks
from tests.samples.repositories import copy_files


def test_make_run_shows_what_the_readme_says(tmp_path: Path) -> None:
    copy_files(tmp_path / "checkout")
    names = ("PATH", "LANG", "SSL_CERT_FILE")
    environ = {name: os.environ[name] for name in names if name in os.environ}

    done = subprocess.run(
        [sys.executable, "examples/run.py"],  # as the Makefile has it
        cwd=tmp_path / "checkout",
        env={**environ, "HOME": str(tmp_path / "home"), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "examples/run.py" in (ROOT / "Makefile").read_text()
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert "notifications delivered: 4." in done.stdout
    assert "got 3 messages; one can carry several notifications:" in done.stdout
    (shown,) = code_blocks(TEXTS["README.md"].partition("## Try it")[2].partition("\n## ")[0], "text")
    table = [re.split(r" *[│┃] *", line.strip("│┃ ")) for line in done.stdout.splitlines()]
    rows = {tuple(row[:3]): row[-1] for row in table if len(row) == 4}
    for line in filter(None, shown.splitlines()):
        if line.startswith("  "):
            *row, why = re.split(r" {2,}", line.strip())
            assert why in rows[tuple(row)], done.stdout
        else:
            assert line in done.stdout
