"""A terminal, in which blocks of commands are run one after another as a person runs them."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_WITHIN_SECONDS = 300


class Terminal:
    """Keeps folder and variables between blocks; `set -e` ends a block with its first failure."""

    def __init__(self, folder: Path, environ: Mapping[str, str], state: Path) -> None:
        """Begin in a folder.

        Args:
            folder: Where the first block runs.
            environ: All variables.
            state: A folder for what is kept between blocks.
        """
        state.mkdir(parents=True)
        self._state, self._environ = state, environ
        (state / "cwd").write_text(str(folder))
        (state / "variables").touch()

    def run(self, block: str) -> subprocess.CompletedProcess[str]:
        """Run a block to its end; what it prints and complains about is in `stdout`."""
        keep = f"declare -px > '{self._state}/variables'; pwd > '{self._state}/cwd'"
        return subprocess.run(
            ["bash", "-c", self._begin() + f'trap "{keep}" EXIT\nset -e\n{block}'],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_WITHIN_SECONDS,
            check=False,
        )

    @contextmanager
    def running(self, block: str, sign: str) -> Iterator[Path]:
        """Run a block that does not end by itself; yield its output once a sign is in it.

        Args:
            block: The commands.
            sign: A text that the block prints when it is ready.
        """
        log = self._state / "output"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", self._begin() + f"set -e\n{block}"],
                env={**self._environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that Ctrl-C reaches everything that the block has started
            )
            try:
                until = time.monotonic() + _WITHIN_SECONDS
                while sign not in log.read_text():
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < until, log.read_text()
                    time.sleep(0.1)
                yield log
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGINT)
                    try:
                        process.wait(timeout=30)
                    except subprocess.TimeoutExpired:
                        os.killpg(process.pid, signal.SIGKILL)
                        process.wait()

    def _begin(self) -> str:
        return f"cd \"$(cat '{self._state}/cwd')\"\nsource '{self._state}/variables'\n"
