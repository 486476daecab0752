"""Refuses named pipes in place of files: nobody may ever write to one, and reading it waits for that."""

import errno
import os
import stat
from typing import Final

_OF_A_SHELL: Final = ("/dev/", "/proc/")
"""Where the pipes are that a shell makes of the output of a program: `<(program)`."""


def refuse_named_pipe(path: str | os.PathLike[str]) -> None:
    """Ensure that reading a file does not wait for ever.

    Raises:
        OSError: It is a named pipe, or there is no such file.
        ValueError: The path has a null byte.
    """
    text = os.fspath(path)
    if not text.startswith(_OF_A_SHELL) and stat.S_ISFIFO(os.stat(text).st_mode):
        raise OSError(errno.EINVAL, "it is a named pipe")
