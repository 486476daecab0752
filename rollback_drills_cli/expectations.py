"""`drills test`: tests schedules against expectations, as code is tested."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rollback_drills.documents.expectations import read_expectations, write_expectations
from rollback_drills.documents.policy_file import read_policy
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.linting.expectation_results import Tested, find_results, record
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.settings import Settings, require_watched
from rollback_drills_cli.judged_documents import load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output import format_json, print_line
from rollback_drills_cli.terminal.output_file import write_whole


class ResultFormat(StrEnum):
    """How the results are written."""

    TABLE = "table"
    JSON = "json"
    GITHUB = "github"
    JUNIT = "junit"


@with_judged_documents
def run_tests(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Expectations, as YAML (.yaml, .yml) or JSON.")
    ],
    wants_record: Annotated[
        bool, typer.Option("--record", help="Write the file from what happens now; it must not exist yet.")
    ] = False,
    *,
    settings: Settings,
    routing_policy: shared.PolicyOption = None,
    now: Annotated[
        str | None, typer.Option("--now", metavar="ISO", help="With --record: what happens at this time.")
    ] = None,
    format_name: Annotated[
        str, typer.Option("--format", metavar="|".join(ResultFormat), help="Output format.")
    ] = ResultFormat.TABLE.value,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the output to a file too.")
    ] = None,
) -> None:
    """Test schedules against expectations: the state and the notifications at given times.

    Assumes that nobody was notified before. Exit code 0 if everything is as expected, else 1.

    Example: drills test expectations.yaml --schedule schedules/
    """
    wanted = shared.parse_choice("--format", format_name, ResultFormat)
    if now is not None and not wants_record:
        raise UsageError("--now goes with --record; an expectation has its own time, `at`")
    require_watched(settings)
    request = PlanRequest(policy=read_policy(routing_policy))
    if wants_record and os.path.lexists(file):
        raise UsageError(f"{file} exists; remove it first, or name another file")
    expectations = None if wants_record else read_expectations(file)
    fleet = load_documents(settings)
    if expectations is None:
        made = record(fleet.subjects, settings.criteria, request, now=shared.parse_now(now))
        write_whole(write_expectations(made, file), file)
        print_line(f"{file}: {len(made.expectations)} expectations written; keep what matters to you")
        return
    results = list(find_results(expectations.expectations, fleet.subjects, settings.criteria, request))
    content = _write(results, wanted, file)
    if content:
        write_whole(content, out)
    if not content or out:
        _print(results)
    if not all(each.passed for each in results):
        raise typer.Exit(1)


def _write(results: Sequence[Tested], wanted: ResultFormat, file: Path) -> bytes:
    if wanted is ResultFormat.TABLE:
        return b""
    if wanted is ResultFormat.JUNIT:
        from rollback_drills.rendering.junit import Case, write_suite

        cases = [
            Case(
                each.name,
                f"drills-test.{each.schedule_id}",
                str(file),
                failure=None if each.passed else "difference",
                message="; ".join(each.differences),
                text="\n".join(each.differences),
            )
            for each in results
        ]
        return write_suite("drills-test", write_instant(datetime.now(UTC)), cases)
    if wanted is ResultFormat.GITHUB:
        from rollback_drills.rendering.workflow_commands import write_command

        failed = [each for each in results if not each.passed]
        lines = [
            write_command("error", each.name, "\n".join(each.differences), {"file": str(file)})
            for each in failed
        ]
        lines.insert(0, write_command("notice", "drills test", _count(results)))
        return "".join(f"{line}\n" for line in lines).encode()
    items = [{**asdict(each), "passed": each.passed} for each in results]
    return format_json({"schema_version": "rollback-drills.test-results.v1", "items": items})


def _print(results: Sequence[Tested]) -> None:
    for each in results:
        print_line(f"{'pass' if each.passed else 'FAIL'}  {each.name}")
        for difference in each.differences:
            print_line(f"      {difference}")
    print_line(_count(results))


def _count(results: Sequence[Tested]) -> str:
    failed = sum(not each.passed for each in results)
    return f"{len(results) - failed} as expected, {failed} not"
