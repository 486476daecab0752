"""Writes what lint found as GitHub workflow commands, which GitHub shows beside the files."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from rollback_drills.documents.terminal_text import show_path
from rollback_drills.linting.files import Linted
from rollback_drills.rendering.workflow_commands import write_command


def write_annotations(linted: Linted, files: Sequence[str], locate: Callable[[str], str]) -> str:
    """Write a line for each finding, then one for each warning, and the counts.

    Errors come first, for GitHub shows ten annotations of each kind for a step.

    Args:
        linted: What was found.
        files: The files that were looked at.
        locate: Returns the path of a file relative to the workspace; empty for a file outside of it.
    """
    counts = f"documents: {len(files)}; findings: {len(linted.findings)}; warnings: {len(linted.warnings)}"
    lines = [
        *_annotate("error", linted.findings, files, locate),
        *_annotate("warning", linted.warnings, files, locate),
        write_command("notice", "drill documents", counts),
    ]
    return "".join(f"{line}\n" for line in lines)


def _annotate(
    level: str, texts: Iterable[str], files: Sequence[str], locate: Callable[[str], str]
) -> Iterator[str]:
    shown = {show_path(file): file for file in files}
    for text in texts:
        ends = (found.start() for found in re.finditer("[: ]", text))
        name = max((text[:end] for end in ends if text[:end] in shown), key=len, default="")
        found = locate(shown[name]) if name else ""
        record = re.match(r":(\d+)", text.removeprefix(name))
        line = {"line": record[1]} if record else {}
        place = {"file": found, **line} if found else {}
        message = found + text.removeprefix(name) if found else text
        yield write_command(level, "drill documents", message, place)
