"""Decides the gate: which backend is selected, and after a fallback, which check failed first."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollback_drills import PRODUCT
from rollback_drills.errors import RollbackNotReadyError
from rollback_drills.gate.production_readiness import caller_of, drill_checks, drill_sections, summarise
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.terms import Mode, Readiness, Report, worst

GATE_SCHEMA: Final = "rollback-drills.gate.v1"
GO: Final = "go"
PYTHON: Final = "python"
COLUMNS: Final = ("check", "schedule", "state", "why")
_PROMOTION_CHECKS: Final = (
    ("go_backend_promotion", "promotion_evidence"),
    ("go_backend_rollback_controls", "rollback_plan"),
    ("go_backend_rollback_rehearsal", "rollback_rehearsal"),
)
_SECTIONS: Final = ("go_backend_promotion", "go_backend_rollback", "go_backend_rollback_rehearsal")


def decide_gate(promotion: Sequence[Report], judgements: Sequence[Judgement]) -> Report:
    """Put together the gate document.

    Args:
        promotion: The reports of promotion evidence, rollback plan and rehearsal, in this order.
        judgements: Those of the schedules, at least one.
    """
    checks = [
        summarise(
            check_id,
            Readiness(report["status"]),
            report["checks"],
            path=report[f"{section}_path"],
            message=report[section]["message"],
        )
        for (check_id, section), report in zip(_PROMOTION_CHECKS, promotion, strict=True)
    ]
    checks += drill_checks(judgements)
    status = worst(Readiness(each["state"]) for each in checks)
    caller = caller_of(judgements)
    return {
        "schema_version": GATE_SCHEMA,
        "product": PRODUCT,
        **caller,
        "status": status,
        "acceptable": status.acceptable,
        **select_backend(caller["mode"], checks),
        "checks": checks,
        **dict(zip(_SECTIONS, promotion, strict=True)),
        **drill_sections(judgements),
    }


def select_backend(mode: Mode, checks: Sequence[Report]) -> Report:
    """Select the promoted backend if every check is acceptable; whatever is missing, fall back to Python.

    Only the mode `promoted` asks for Go. In `enforce`, the runtime takes Go where it agrees with Python,
    which is not known here.
    """
    failed = next((each for each in checks if each["status"] == "warn"), None)
    why = f"{name_check(failed)}: {failed['message']}" if failed else ""
    if mode == Mode.PROMOTED:
        message = f"fell back to python: {why}" if failed else "go is selected: every check is acceptable"
    elif all(each["state"] == Readiness.NOT_REQUESTED for each in checks):
        message = "nothing was checked: name documents, or set the mode to promoted"
    else:
        message = f"blocked: {why}; " if failed else ""
        message += f"python is selected, for the mode is {mode}"
    is_fallback = mode == Mode.PROMOTED and failed is not None
    return {
        "selected_backend": GO if mode == Mode.PROMOTED and not failed else PYTHON,
        "fallback": is_fallback,
        "fallback_reason": why if is_fallback else "",
        "first_failed_check": failed,
        "message": message,
    }


def name_check(check: Report) -> str:
    """Name a check for people: what it is about, the schedule if there is one, and what failed in it."""
    name = _plain(check["id"])
    if check["schedule_id"]:
        name += f" of {check['schedule_id']}"
    return f"{name} ({check['failed_check']})" if check["failed_check"] else name


def _plain(check_id: str) -> str:
    return check_id.removeprefix("go_backend_").replace("_", " ")


def rows_of(gate: Report) -> Iterator[tuple[str, ...]]:
    """Give a row for each check, for people; `COLUMNS` says what is in it."""
    for each in gate["checks"]:
        yield _plain(each["id"]), each["schedule_id"], each["state"].replace("_", " "), each["message"]


def warnings_of(gate: Report) -> list[str]:
    """Return the findings of checks that pass: they decide nothing, and somebody has to look at them."""
    return [
        finding["message"]
        for each in gate["checks"]
        if each["status"] == "pass"
        for finding in each["findings"]
    ]


def explain_block(gate: Report) -> RollbackNotReadyError | None:
    """Give the error that says why the release must not pass; None if it may."""
    if gate["acceptable"]:
        return None
    failed = (each for each in gate["checks"] if each["status"] == "warn")
    reasons = [f"{name_check(each)}: {each['message']}" for each in failed]
    return RollbackNotReadyError(f"the rollback is not ready: {'; '.join(reasons)}", reasons)
