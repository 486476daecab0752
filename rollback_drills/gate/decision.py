"""Decides the gate: which backend is selected, and after a fallback, which check failed first."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Final

from msgspec import UNSET

from rollback_drills.errors import RollbackNotReadyError
from rollback_drills.gate.document import Gate, GateCheck
from rollback_drills.gate.drill_checks import drill_checks, is_unproven, summarise
from rollback_drills.gate.production_readiness import history_section, schedule_section
from rollback_drills.gate.promotion_reports import PromotionReport, PromotionReports
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Mode, Readiness, worst
from rollback_drills.rendering.long_lists import MOST_ROWS, list_some, name_some

GO: Final = "go"
PYTHON: Final = "python"
_MOST_NAMED: Final = 10
COLUMNS: Final = ("check", "schedule", "state", "why")


def decide_gate(
    promotion: PromotionReports,
    judgements: Sequence[Judgement],
    proofs: Sequence[GateCheck] = (),
    warnings: Sequence[str] = (),
) -> Gate:
    """Put together the gate document.

    Args:
        promotion: The reports of promotion evidence, rollback plan and rehearsal.
        judgements: Those of the schedules, at least one.
        proofs: Whether each schedule is proven for what is promoted now, if the release demands that.
        warnings: What a person should look at in the fleet as a whole.
    """
    reports: dict[str, PromotionReport] = {
        "go_backend_promotion": promotion.evidence,
        "go_backend_rollback_controls": promotion.plan,
        "go_backend_rollback_rehearsal": promotion.rehearsal,
    }
    checks = [
        summarise(check_id, each.status, each.checks, path=each.path, message=each.facts.message)
        for check_id, each in reports.items()
    ]
    drills = list(drill_checks(judgements, is_unproven=is_unproven(judgements)))
    checks += [*drills, *proofs]
    status = worst(each.state for each in checks)
    caller = judgements[0].schedule_report
    failed = next((each for each in checks if each.status == "warn"), None)
    why = f"{name_check(failed)}: {failed.message}" if failed else ""
    is_fallback = caller.mode is Mode.PROMOTED and failed is not None
    return Gate(
        generated_at=caller.generated_at,
        generated_by=caller.generated_by,
        mode=caller.mode,
        status=status,
        acceptable=status.acceptable,
        selected_backend=GO if caller.mode is Mode.PROMOTED and not failed else PYTHON,
        fallback=is_fallback,
        fallback_reason=why if is_fallback else "",
        first_failed_check=failed,
        message=_explain_selection(caller.mode, checks, why),
        checks=tuple(checks),
        go_backend_promotion=promotion.evidence,
        go_backend_rollback=promotion.plan,
        go_backend_rollback_rehearsal=promotion.rehearsal,
        go_backend_rollback_drill_history=history_section(judgements, drills),
        go_backend_rollback_drill_schedule=schedule_section(judgements, drills),
        warnings=tuple(warnings) or UNSET,
    )


def _explain_selection(mode: Mode, checks: Sequence[GateCheck], why: str) -> str:
    """Explain which backend is selected: the promoted one only if every check is acceptable.

    Only the mode `promoted` asks for Go. In `enforce`, the runtime takes Go where it agrees with Python,
    which is not known here.
    """
    if mode is Mode.PROMOTED:
        return f"fell back to python: {why}" if why else "go is selected: every check is acceptable"
    if all(each.state is Readiness.NOT_REQUESTED for each in checks):
        if any(each.schedule_id for each in checks):
            return "nothing was checked: every schedule is retired"
        return "nothing was checked: name documents, or set the mode to promoted"
    return (f"blocked: {why}; " if why else "") + f'selected backend: python (mode is "{mode}")'


def name_check(check: GateCheck) -> str:
    """Name a check for people: what it is about, the schedule if there is one, and what failed in it."""
    name = _plain(check.id)
    if check.schedule_id:
        name += f" of {check.schedule_id}"
    return f"{name} ({check.failed_check})" if check.failed_check else name


def _plain(check_id: str) -> str:
    return check_id.removeprefix("go_backend_").replace("_", " ")


def rows_of(gate: Gate) -> Iterator[tuple[str, ...]]:
    """Yield a row for each check, for people; `COLUMNS` says what is in it.

    If there are too many, those that pass are left out first; `explain_left_out` counts them.
    """
    failing_first = sorted(enumerate(gate.checks), key=lambda each: each[1].status == "pass")
    for _, each in sorted(failing_first[:MOST_ROWS], key=itemgetter(0)):
        yield _plain(each.id), each.schedule_id, each.state.replace("_", " "), each.message


def explain_left_out(gate: Gate) -> str:
    """Return a sentence that counts the checks which `rows_of` leaves out; empty if there are none."""
    left = len(gate.checks) - MOST_ROWS
    return f"{left:,} more checks are not shown; the gate document has all." if left > 0 else ""


def warnings_of(gate: Gate) -> list[str]:
    """Return what decides nothing, and somebody has to look at: of the fleet, and of checks that pass."""
    of_fleet = () if gate.warnings is UNSET else gate.warnings
    passing = (each for each in gate.checks if each.status == "pass")
    return list_some([*of_fleet, *(finding.message for each in passing for finding in each.findings)])


def explain_block(gate: Gate) -> RollbackNotReadyError | None:
    """Return the error that says why the release must not pass; None if it may."""
    if gate.acceptable:
        return None
    failed = (each for each in gate.checks if each.status == "warn")
    reasons = [f"{name_check(each)}: {each.message}" for each in failed]
    named = name_some(reasons, _MOST_NAMED, "; ")
    return RollbackNotReadyError(f"the rollback is not ready: {named}", reasons)
