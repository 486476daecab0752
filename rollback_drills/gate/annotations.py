"""Writes the gate as GitHub workflow commands, which GitHub shows as annotations of a run.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

import re
from collections.abc import Iterator
from typing import Final

from rollback_drills.gate.decision import name_check
from rollback_drills.readiness.terms import Readiness, Report

_RECORD: Final = re.compile(r"(?P<file>.*\.jsonl):(?P<line>\d+)(?:#\w+)?", re.DOTALL)


def write_annotations(gate: Report) -> str:
    """Write a line for the decision, and one for each check that fails or asks for attention soon.

    Errors come first, for GitHub shows ten annotations of each kind for a step.
    """
    nothing_checked = gate["status"] == Readiness.NOT_REQUESTED
    lines = [_command("warning" if nothing_checked else "notice", "release gate", gate["message"])]
    checks = sorted(gate["checks"], key=lambda each: each["status"] == "pass")
    lines += [line for each in checks for line in _annotate(each)]
    return "".join(f"{line}\n" for line in lines)


def _annotate(check: Report) -> Iterator[str]:
    title = name_check(check)
    if check["status"] == "warn":
        yield _command("error", title, check["message"], check["path"])
        return
    if check["state"] == Readiness.DUE_SOON:
        yield _command("warning", title, check["message"], check["path"])
    for each in check["findings"]:  # of an acceptable check they do not decide
        yield _command("warning", title, each["message"], check["path"])


def _command(kind: str, title: str, message: str, path: str = "") -> str:
    properties = {}
    if record := _RECORD.fullmatch(path):
        properties = {"file": record["file"], "line": record["line"]}
    elif path:
        properties = {"file": path}
    properties["title"] = title
    written = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    return f"::{kind} {written}::{_escape(message)}"


def _escape(text: str) -> str:
    """Escape what ends a command; the percent sign first, because it begins an escape."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
