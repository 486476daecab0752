"""Writes files whole or not at all."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rollback_drills.errors import UsageError, reason_of
from rollback_drills.errors.effects import note_effect
from rollback_drills_cli.terminal.streams import write_bytes

OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="The file to write. (default: standard output)")
]


def write_whole(content: bytes, out: Path | None) -> None:
    """Write a file through a temporary one beside it, or to standard output.

    Raises:
        UsageError: The file cannot be written; a file that was there is as it was.
    """
    if out is None:
        write_bytes(content)
        return
    try:
        if out.exists() and not out.is_file():  # a device or a pipe is written to, never replaced
            out.write_bytes(content)
        else:
            _replace(out.resolve(), content)
    except (OSError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else str(error).lower()
        raise UsageError(f"--out {out} cannot be written: {why}") from None


def _replace(target: Path, content: bytes) -> None:
    from tempfile import NamedTemporaryFile  # few commands write a file

    with NamedTemporaryFile(dir=target.parent, prefix=".drills-", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.replace(file.name, target)
            note_effect()
        except BaseException:
            os.unlink(file.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
