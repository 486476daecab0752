"""The drill of the alarm paths as a document, and as a page of its run."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.alarm_paths.alarm_path_findings import AlarmPathFinding
from rollback_drills.names.keys import name_key
from rollback_drills.planning.alarm_path import AlarmPath
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import MOST_ROWS
from rollback_drills.rendering.markdown import short_list, short_table

ALARM_PATH_SCHEMA: Final = "rollback-drills.alarm-path-drill.v1"


class AlarmPathReport(msgspec.Struct, frozen=True, kw_only=True):
    """Which routes are drilled, and which of them reach nobody."""

    schema_version: str = ALARM_PATH_SCHEMA
    product: str = PRODUCT
    generated_at: str
    acknowledge_within_hours: float
    owner_count: int
    route_count: int
    routes: Sequence[AlarmPath]
    finding_count: int
    findings: Sequence[AlarmPathFinding]
    """The routes that reach nobody, as the evidence has them."""


def build_alarm_paths(
    paths: Sequence[AlarmPath], findings: Sequence[AlarmPathFinding], *, within_hours: float, now: datetime
) -> AlarmPathReport:
    """Build the document of a drill of the alarm paths."""
    return AlarmPathReport(
        generated_at=write_instant(now),
        acknowledge_within_hours=within_hours,
        owner_count=len({name_key(each.owner) for each in paths}),
        route_count=len(paths),
        routes=paths,
        finding_count=len(findings),
        findings=findings,
    )


def summarise(report: AlarmPathReport) -> str:
    """Describe in one sentence what is drilled, and what was found."""
    routes, owners = write_count(report.route_count, "route"), write_count(report.owner_count, "owner")
    found = write_count(report.finding_count, "finding") if report.finding_count else "no findings"
    return f"{routes} of {owners}; {found}"


def render_alarm_paths(report: AlarmPathReport) -> str:
    """Write the page of a drill of the alarm paths as Markdown."""
    return "\n".join(_lines(report))


def _lines(report: AlarmPathReport) -> Iterator[str]:
    yield from ("# Alarm paths", "", f"{summarise(report)}.")
    if report.findings:
        yield from ("", "## Reach nobody", "")
        findings = [each.in_words for each in report.findings]
        yield from short_list(findings, MOST_ROWS, "`drills dashboard` lists all of them")
    if report.routes:
        yield from ("", "## Routes", "")
        rows = [
            (each.owner, each.provider, str(each.schedule_count), each.not_before or "owner absent")
            for each in report.routes
        ]
        columns = ("owner", "provider", "schedules", "asked from")
        yield from short_table(columns, rows, MOST_ROWS, "`drills alarm-path` lists all of them")
