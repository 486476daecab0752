"""Writes the gate as JUnit XML."""

from typing import Final

from rollback_drills.gate.decision import name_check
from rollback_drills.gate.document import Gate, GateCheck
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.junit import Case, write_suite

_SUITE: Final = "release-gate"


def write_junit(gate: Gate) -> bytes:
    """Write a test case for each check; one that is not asked for is skipped.

    Warnings about the fleet are the output of the suite.
    """
    names = ("mode", "status", "selected_backend", "message")
    properties = {name: str(getattr(gate, name)) for name in names}
    return write_suite(
        _SUITE, gate.generated_at, map(_describe, gate.checks), properties, "\n".join(gate.warnings or ())
    )


def _describe(check: GateCheck) -> Case:
    findings = "\n".join(f"{each.id}: {each.message}" for each in check.findings)
    case = Case(f"{check.id} {check.schedule_id}".strip(), f"{_SUITE}.{check.id}", check.path)
    if check.status == "warn":
        return case._replace(failure=check.failed_check, message=check.message, text=findings)
    if check.state == Readiness.NOT_REQUESTED:
        return case._replace(is_skipped=True, message=check.message)
    if check.state == Readiness.DUE_SOON or findings:
        return case._replace(text=f"{name_check(check)}: {check.message}\n{findings}".strip())
    return case
