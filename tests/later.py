"""Runs the tests by a clock that is ahead, so that a test that will fail from a certain day on fails now."""

import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.e2e.moved_clock import MovedClock

_BY_TIMES_OF_FILES: Final = (
    "tests/unit/documents/fleets/test_settled.py",
    "tests/unit/documents/fleets/test_partial_fleet.py::test_shards_share_one_index_of_a_file_that_has_settled",
)
"""They compare the clock with times that the file system writes, by the real clock."""


def main(days: str, *arguments: str) -> None:
    """Become pytest, so many days ahead."""
    clock = MovedClock(Path(tempfile.mkdtemp()))
    clock.set(datetime.now(UTC) + timedelta(days=float(days)))
    os.environ.pop("DRILLS_TEST_POSTGRES", None)  # that server has its own clock
    left_out = [f"--deselect={each}" for each in _BY_TIMES_OF_FILES]
    command = [sys.executable, "-m", "pytest", *left_out, *arguments]
    os.execve(sys.executable, command, {**os.environ, **clock.environ})


if __name__ == "__main__":
    main(*sys.argv[1:])
