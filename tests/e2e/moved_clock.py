"""Processes whose clock on the wall is moved while they run; timeouts go by another clock, which is not."""

import struct
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.checkout import ROOT

_SOURCE: Final = ROOT / "tests/e2e/moved_clock.c"


class MovedClock:
    """The clock of all processes that have its environment."""

    def __init__(self, folder: Path) -> None:
        """Begin with the real time. It needs a C compiler."""
        folder.mkdir(exist_ok=True)
        self._library, self.file = folder / "moved_clock.so", folder / "moved_clock.seconds"
        """The file has the seconds that are added to the clock."""
        self.file.write_bytes(struct.pack("d", 0.0))
        command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE), "-ldl"]
        subprocess.run(command, check=True, timeout=60)

    @property
    def environ(self) -> Mapping[str, str]:
        """What a process needs in its environment."""
        return {"LD_PRELOAD": str(self._library), "MOVED_CLOCK_FILE": str(self.file)}

    def set(self, now: datetime) -> None:
        """Set the clock, which goes on from there. The clock of the calling process must be the real one."""
        write_seconds(self.file, struct.pack("d", now.timestamp() - time.time()))


def write_seconds(file: Path, seconds: bytes) -> None:
    """Write the file of a moved clock in its place: processes have it in their memory."""
    with file.open("r+b") as opened:
        opened.write(seconds)
