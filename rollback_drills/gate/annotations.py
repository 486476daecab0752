"""Writes the gate as GitHub workflow commands, which GitHub shows as annotations of a run."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rollback_drills.gate.decision import name_check
from rollback_drills.gate.document import Gate, GateCheck
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.workflow_commands import write_command

_RECORD: Final = re.compile(r"(?P<file>.*\.jsonl):(?P<line>\d+)(?:#\w+)?", re.DOTALL)


Locate = Callable[[str], str]
"""Returns the path of a file relative to GitHub's workspace; empty for a file outside of it."""


def write_annotations(gate: Gate, locate: Locate = str) -> str:
    """Write a line for the decision, each check that fails or asks for attention soon, and each warning.

    Errors come first, for GitHub shows ten annotations of each kind for a step.

    Args:
        gate: The gate document.
        locate: Finds a file in the workspace; by default paths stay as they are.
    """
    nothing_checked = gate.status == Readiness.NOT_REQUESTED
    found = {file: locate(file) for file, _ in map(_split, gate.checks) if file}
    shorten = _find_shortening(found)
    lines = [write_command("warning" if nothing_checked else "notice", "release gate", shorten(gate.message))]
    for status in ("warn", "pass"):
        checks = (each for each in gate.checks if each.status == status)
        lines += [line for each in checks for line in _annotate(each, found, shorten)]
        if status == "warn" and gate.warnings:
            lines += [write_command("warning", "release gate", shorten(each)) for each in gate.warnings]
    return "".join(f"{line}\n" for line in lines)


def _annotate(check: GateCheck, found: Mapping[str, str], shorten: Callable[[str], str]) -> Iterator[str]:
    title = name_check(check)
    file, line = _split(check)
    place = {"file": found[file], **line} if found.get(file) else {}
    if check.status == "warn":
        yield write_command("error", title, shorten(check.message), place)
        return
    if check.state == Readiness.DUE_SOON:
        yield write_command("warning", title, shorten(check.message), place)
    for each in check.findings:  # of an acceptable check they do not decide
        yield write_command("warning", title, shorten(each.message), place)


def _split(check: GateCheck) -> tuple[str, dict[str, str]]:
    """Return the file of a check, and its line if it is a record of several."""
    if record := _RECORD.fullmatch(check.path):
        return record["file"], {"line": record["line"]}
    return check.path, {}


def _find_shortening(found: Mapping[str, str]) -> Callable[[str], str]:
    """Return what writes files as they are in the workspace; thousands of them are looked for at once."""
    longest_first = sorted(found, key=len, reverse=True)
    if not longest_first:
        return str
    files = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: files.sub(lambda match: found[match[0]] or match[0], text)
