"""A terminal, in which blocks of commands are run one after another as a person runs them."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_WITHIN_SECONDS = 300
_END_WITHIN_SECONDS = 30
SERVING: Final = {
    "drills api ": "listening on",
    "prefect worker start": "started!",
    "prefect server services start": "Starting services",
    "prefect server start": "View the API reference",
    "drills exec -- prefect server start": "View the API reference",
    "drills exec -- opentelemetry-instrument prefect worker start": "started!",
    "drills exec -- opentelemetry-instrument drills api": "listening on",
}
"""By how they begin: commands that do not end, and what each prints when it is ready."""


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

    def adopt(self, other: "Terminal") -> None:
        """Go on with the folder and the variables of another terminal."""
        for each in ("cwd", "variables"):
            (self._state / each).write_text((other._state / each).read_text())

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
                _interrupt(process)

    def _begin(self) -> str:
        return f"cd \"$(cat '{self._state}/cwd')\"\nsource '{self._state}/variables'\n"


def _interrupt(process: "subprocess.Popen[bytes]") -> None:
    """Press Ctrl-C, and wait until everything has ended that the block has started."""
    until = time.monotonic() + _END_WITHIN_SECONDS
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        while True:
            process.poll()
            os.killpg(process.pid, 0 if time.monotonic() < until else signal.SIGKILL)
            time.sleep(0.1)


def find_port() -> int:
    """Return a port that is free, and that no outgoing connection takes meanwhile."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def dedent(block: str) -> str:
    """Return a block of a list without what indents it."""
    indent = len(block) - len(block.lstrip(" "))
    return "\n".join(line[indent:] for line in block.splitlines()) + "\n"


def split_at_servers(block: str) -> Iterator[str]:
    """Yield the parts of a block: each command that does not end is one of its own."""
    part = ""
    for line in block.splitlines(keepends=True):
        if line.startswith(tuple(SERVING)):
            yield part
            yield line
            part = ""
        else:
            part += line
    yield part
