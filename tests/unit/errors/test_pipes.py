"""Commands do not wait for a pipe that nobody writes to; the pipes of a shell are read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DRILLS = Path(sys.executable).with_name("drills")


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("connectors", "import", "pipe"), {}, "pipe: cannot be read: it is a named pipe"),
        (("plan",), {"DRILLS_CONNECTOR_CONFIG": "pipe"}, "pipe: cannot be read: it is a named pipe"),
        (
            ("evidence", "verify", "--checkpoint", "pipe"),
            {},
            "--checkpoint pipe cannot be read: it is a named pipe; fix the path",
        ),
        (("evidence", "import", "pipe", "--by", "ana"), {}, "pipe cannot be read: it is a named pipe"),
        (
            ("evidence", "list"),
            {"DRILLS_DATABASE_URL_FILE": "pipe"},
            (
                "the file that DRILLS_DATABASE_URL_FILE names cannot be read: it is a named pipe;"
                " correct the path"
            ),
        ),
    ],
)
def test_a_named_pipe_is_refused_at_once(
    words: tuple[str, ...], variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "schedule.json").write_text("{}")

    done = run(tmp_path, str(DRILLS), *words, **{"DRILLS_SCHEDULE": "schedule.json", **variables})

    assert (done.returncode, done.stderr.splitlines()) == (2, [f"drills: {said}"])


def test_the_pipe_of_a_shell_is_read(tmp_path: Path) -> None:
    done = run(tmp_path, "bash", "-c", f"{DRILLS} connectors import <(echo '{{}}')")

    assert done.returncode == 2
    assert 'needs exactly one of the keys "connectors" and "providers"' in done.stderr
