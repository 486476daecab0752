"""`drills simulate`: who would be notified of what, when and through what, in times to come."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.instants import explain_far
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.settings import Settings, require_watched
from rollback_drills.simulation.assumptions import (
    NEVER,
    ON_TIME,
    Assumptions,
    read_acknowledgement,
    read_delay,
)
from rollback_drills.simulation.document import SimulationDocument, find_difference, write_csv, write_document
from rollback_drills.simulation.performed_drills import read_performed_drills
from rollback_drills.simulation.scenario import Scenario
from rollback_drills.simulation.simulate import Simulation, simulate
from rollback_drills.simulation.summary import Limits, summarise
from rollback_drills_cli.judged_documents import load_documents, with_judged_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.options.filters import parse_period
from rollback_drills_cli.plan import build_request
from rollback_drills_cli.simulation_text import Part, print_simulation
from rollback_drills_cli.terminal.output import format_json, print_problem
from rollback_drills_cli.terminal.output_file import OutOption, write_whole
from rollback_drills_cli.terminal.progress import show_count

_USUAL_LENGTH = timedelta(days=365)
_USUAL = Limits()


class SimulationFormat(StrEnum):
    """How a simulation is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ICS = "ics"


@with_judged_documents
def simulate_fleet(
    since: Annotated[
        str | None, typer.Option("--from", metavar="ISO", help="Beginning: a day or a time. (default: now)")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--to", metavar="ISO", help="End, not included. (default: a year after the beginning)"),
    ] = None,
    perform: Annotated[
        str,
        typer.Option(
            "--perform",
            metavar="never|on-time|late:3d|FILE",
            help="When drills are performed; a file lists drills, as YAML or JSON.",
        ),
    ] = ON_TIME,
    acknowledge: Annotated[
        str,
        typer.Option(
            "--acknowledge",
            metavar="never|after:30m",
            help="When notifications are acknowledged; with m, h or d.",
        ),
    ] = NEVER,
    every: Annotated[
        float, typer.Option("--every", metavar="MINUTES", help="Minutes from one run to the next, in UTC.")
    ] = 1,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="PATH", help="Other schedules: show what would be different."),
    ] = None,
    show: Annotated[
        str, typer.Option("--show", metavar="PART", help=f"Print one part of the table: {', '.join(Part)}.")
    ] = Part.ALL.value,
    silent_days: Annotated[
        float, typer.Option("--silent-days", metavar="DAYS", help="Days for which a route may reach nobody.")
    ] = _USUAL.silent_days,
    drills_per_week: Annotated[
        int,
        typer.Option("--drills-per-week", metavar="N", help="Drills that an owner can perform in a week."),
    ] = _USUAL.drills_per_week,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="Maximum number of rows in each table.")
    ] = 50,
    *,
    settings: Settings,
    routing_policy: shared.PolicyOption = None,
    provider: shared.ProviderOption = "all",
    format_name: Annotated[
        str, typer.Option("--format", metavar="|".join(SimulationFormat), help="Output format.")
    ] = SimulationFormat.TABLE.value,
    out: OutOption = None,
) -> None:
    """Simulate who would be notified of what, when and through what, for the whole fleet.

    Runs the rules of checks and follow-ups from change to change, as if nobody was notified before and every
    notification is delivered at once. Nothing is sent or written. Exit code 0 whatever is found.

    Example: drills simulate --from 2026-01-01 --to 2027-01-01 --perform late:3d
    """
    now = datetime.now(UTC)
    wanted, part = _read_format(format_name, show, out, against)
    start, end = parse_period(since, until)
    for flag, bound in (("--from", start), ("--to", end)):
        if bound is not None and (problem := explain_far(bound)):
            raise UsageError(f"{flag} {problem}")
    start = start or now.replace(second=0, microsecond=0)
    require_watched(settings)
    limits = Limits(silent_days, drills_per_week)
    fleet = load_documents(settings)
    request = build_request(settings, fleet, provider=provider, force=False, policy=routing_policy)
    scenario = Scenario(
        start,
        end or start + _USUAL_LENGTH,
        _read_minutes(every),
        settings.criteria,
        _read_assumptions(perform, acknowledge, fleet.subjects, start),
        request.policy,
        request.requested,
        request.connectors,
    )
    simulation = _simulate(fleet.subjects, scenario)
    difference = None
    if against is not None:
        others = load_fleet(against, None, settings.changes).subjects
        assumptions = _read_assumptions(perform, acknowledge, others, start)
        difference = find_difference(
            simulation, _simulate(others, replace(scenario, assumptions=assumptions))
        )
    summary = summarise(simulation.happenings, scenario.until, limits)
    document = write_document(
        simulation, summary, perform=perform, acknowledge=acknowledge, difference=difference, now=now
    )
    for each in document.cut_off:
        print_problem(f"{each.schedule_id}: too much happens; simulated up to {each.at} only")
    if wanted is SimulationFormat.TABLE:
        print_simulation(document, simulation.happenings, limits, part, limit)
    else:
        write_whole(_write(wanted, simulation, document, now), out)


def _read_format(
    format_name: str, show: str, out: Path | None, against: str | None
) -> tuple[SimulationFormat, Part]:
    wanted = shared.parse_choice("--format", format_name, SimulationFormat)
    part = shared.parse_choice("--show", show, Part)
    if wanted is SimulationFormat.TABLE and out:
        raise UsageError("--out goes with --format json, csv or ics")
    if part is not Part.ALL and wanted is not SimulationFormat.TABLE:
        raise UsageError(f"--show goes with --format table; --format {wanted} has everything")
    if part is Part.DIFFERENCE and against is None:
        raise UsageError("--show difference needs --against, the schedules to compare with")
    return wanted, part


def _read_minutes(minutes: float) -> timedelta:
    try:
        return timedelta(minutes=minutes)
    except (OverflowError, ValueError):
        raise UsageError("must be from 1 minute to 7 days", field="every") from None


def _read_assumptions(
    perform: str, acknowledge: str, subjects: Sequence[Subject], since: datetime
) -> Assumptions:
    """Read what people do: a file is one that exists, or looks like one."""
    acknowledged_after = read_acknowledgement(acknowledge)
    path = Path(perform)
    if path.suffix in (".json", ".yaml", ".yml") or path.is_file():
        return Assumptions(None, read_performed_drills(path, subjects, since), acknowledged_after)
    return Assumptions(read_delay(perform), acknowledged_after=acknowledged_after)


def _simulate(subjects: Sequence[Subject], scenario: Scenario) -> Simulation:
    with show_count("schedules", len(subjects)) as progress:
        return simulate(subjects, scenario, progress)


def _write(
    wanted: SimulationFormat, simulation: Simulation, document: SimulationDocument, now: datetime
) -> bytes:
    if wanted is SimulationFormat.JSON:
        return format_json(msgspec.structs.replace(document, items=simulation.happenings))
    if wanted is SimulationFormat.CSV:
        return write_csv(simulation.happenings)
    from rollback_drills.reports.simulated_calendar import build_simulated_calendar

    return build_simulated_calendar(simulation, now=now)
