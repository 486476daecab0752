"""What follows when a drill is recorded: its evidence, the word to the owners, and what people read."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from rollback_drills.errors import DrillsError
from rollback_drills_cli.database import open_or_create
from rollback_drills_cli.deliver import print_result, run_delivery
from rollback_drills_cli.environment_errors import explain
from rollback_drills_cli.evidence.signing import open_key, report_clock
from rollback_drills_cli.options.flags import describe
from rollback_drills_cli.options.shared import parse_now
from rollback_drills_cli.terminal.output import print_json, print_line, print_problem, print_sentence

if TYPE_CHECKING:
    from rollback_drills.recording.recorder import Recorded
    from rollback_drills.recording.report import RecordReport


def follow_up(
    recorded: "Recorded", *, database: str | None, parameters: Mapping[str, Any], deliver: bool, as_json: bool
) -> None:
    """Write the evidence of a recorded drill, notify the owners if that is asked for, and print the result.

    Args:
        recorded: The drill, which is in the history already.
        database: Where the evidence is kept; None for the default.
        parameters: What a run for this schedule is given.
        deliver: Whether to notify the owners.
        as_json: Whether to print documents.
    """
    from rollback_drills.recording.report import RecordResult, write_report

    report = write_report(recorded)
    if not as_json:
        for line in _describe(report):
            print_sentence(line)
    problem, went_back = _write_evidence(recorded, database, parameters["generated_by"])
    run, is_delivered = None, True
    if deliver and not problem:
        schedule, history = recorded.target.run_paths
        run, state = run_delivery(schedule=schedule, history=history, **parameters)
        is_delivered = not state.is_failed()
        if not as_json:
            print_result(run, state.message or "")
    if as_json:
        print_json(RecordResult(**msgspec.structs.asdict(report), evidence_problem=problem, run=run))
    elif report.closes_cycle and not deliver:
        print_line(f"To notify the owners: {_deliver_command(recorded, parameters['changes'])}")
    if problem:
        print_problem(
            f"the drill is recorded, but not yet in the evidence; the next check adds it: {problem}"
        )
    report_clock(went_back)
    if problem or not report.accepted or not is_delivered:
        raise typer.Exit(1)


def _write_evidence(recorded: "Recorded", database: str | None, signer: str) -> tuple[str, timedelta | None]:
    """Write the evidence; return what is wrong if that fails, and how far the clock went back.

    The drill is recorded by now: what fails here must not look as if nothing was written.
    """
    from rollback_drills.evidence.outbox_transfer import index_run  # SQLAlchemy takes half a second to import
    from rollback_drills.redaction.redactor import redactor_in_use

    created_at = parse_now(None)
    try:
        indexed = index_run(
            open_or_create(database),
            (),
            drills=recorded.find_evidence(created_at=created_at, signer=signer),
            created_at=created_at,
            signer=signer,
            redact=redactor_in_use().document,
            open_key=open_key,
        )
    except DrillsError as error:
        return describe(error), None
    except Exception as error:
        problem = explain(error)
        if problem is None:
            raise
        return problem, None
    return "", indexed.went_back


def _deliver_command(recorded: "Recorded", changes: str | None) -> str:
    schedule, history = recorded.target.run_paths
    files = {"--schedule": schedule, "--history": history, "--changes": changes}
    given = [word for flag, path in files.items() if path for word in (flag, path)]
    return shlex.join(["drills", "deliver", *given])


def _describe(report: "RecordReport") -> Iterator[str]:
    """Print what came of the recording."""
    drill, path = report.drill_id, report.history_path
    if report.accepted:
        yield f"Drill {drill} is recorded in {path} and accepted."
    else:
        yield f"Drill {drill} is recorded in {path}, but not accepted:"
        yield from (f"  {problem}" for problem in report.problems)
    if report.retest_due_at:
        yield f"Repeat it by {report.retest_due_at}."
    before, after = report.next_due_at_before or "at an unknown time", report.next_due_at
    if report.closes_cycle:
        yield f"Cycle {report.cycle_id}, due {before}, is closed. The next drill is due {after}."
    else:
        yield f"Cycle {report.cycle_id} stays open: the drill is due {before}, as before."
    if report.not_advanced_because:
        yield f"next_due_at was not moved: {report.not_advanced_because}"
    elif report.accepted and not report.closes_cycle and report.due_policy == "explicit":
        yield "To move next_due_at, edit it, or record a drill with --advance."
    yield f"State: {report.status.replace('_', ' ')} (it was {report.status_before.replace('_', ' ')})."
