"""Reads from the ledger what an acknowledgement audit package is made of."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.heads import newest_head
from rollback_drills.evidence.index import LedgerRow, read
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND, PLAN_KIND, ROUTE_DELIVERY_KIND
from rollback_drills.evidence.written_record import number_of, object_of, text_of
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.reports.audit.audit_document import AcknowledgementRow, AuditPackage, PlanRow
from rollback_drills.reports.audit.audit_package import Evidence, Outcome, build_package, seal
from rollback_drills.reports.filters import PackageFilter
from rollback_drills.reports.imported import ROWS_AT_ONCE, ImportedRecord, iterate_imported
from rollback_drills.reports.period import Period
from rollback_drills.reports.routes import iterate_routes


def find_package(
    database: Database | None,
    wanted: PackageFilter,
    period: Period,
    *,
    now: datetime,
    generated_by: str,
) -> AuditPackage:
    """Put together the acknowledgement audit package of a period, and seal it.

    Args:
        database: Keeps the ledger; None if there is none yet.
        wanted: Which routes.
        period: When they were notified. What was delivered and acknowledged counts up to its end.
        now: The instant of the document.
        generated_by: Who asks.

    Raises:
        DatabaseError: The database cannot be read, or a row of it is damaged: what is left out would look as
            if it had not happened.
    """
    evidence = Evidence()
    if database:
        with database.snapshot() as connection:
            evidence = _read(connection, wanted, period)
    return seal(build_package(evidence, wanted, period, now=now, generated_by=generated_by))


def _read(connection: Connection, wanted: PackageFilter, period: Period) -> Evidence:
    decisions = list(iterate_routes(connection, wanted.to_routes(), period))
    said = list(_acknowledgements(connection, wanted, Period(until=period.until)))
    head = newest_head(connection)
    return Evidence(
        decisions,
        [each for _, each in said],
        list(_deliveries(connection, wanted, Period(until=period.until))),
        *_plans(connection, wanted, period, {decision.plan_id for decision in decisions}),
        frozenset(each.row for at, each in said if period.contains(at)),
        {"head": head.checkpoint.short, "note": str(head.note)} if head else None,
    )


def _iterate(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> Iterator[tuple[int, str]]:
    rows = select(LEDGER.c.leaf_index, LEDGER.c.record).where(*conditions).order_by(LEDGER.c.leaf_index)
    for row in connection.execute(rows, execution_options={"yield_per": ROWS_AT_ONCE}):
        yield row.leaf_index, row.record


def _deliveries(connection: Connection, wanted: PackageFilter, period: Period) -> Iterator[Outcome]:
    conditions = [*wanted.to_sql(connection, ROUTE_DELIVERY_KIND), *period.to_sql()]
    for row, text in _iterate(connection, conditions):
        yield read(row, text, Outcome)


def _acknowledgements(
    connection: Connection, wanted: PackageFilter, period: Period
) -> Iterator[tuple[datetime, AcknowledgementRow]]:
    yield from imported_acknowledgements(connection, wanted, period)
    conditions = [*wanted.to_sql(connection, ACKNOWLEDGEMENT_KIND), *period.to_sql()]
    for row, text in _iterate(connection, conditions):
        said = read(row, text, AcknowledgementRecord)
        yield (
            datetime.fromisoformat(said.created_at),
            AcknowledgementRow(
                row=row,
                imported=False,
                **{name: getattr(said, name) for name in _TEXTS},
                acknowledged_at=said.acknowledged_at,
                acknowledged_until=said.acknowledged_until,
            ),
        )


def imported_acknowledgements(
    connection: Connection, wanted: PackageFilter, period: Period
) -> Iterator[tuple[datetime, AcknowledgementRow]]:
    """Yield the rows of imported acknowledgements with their instants."""
    for record in iterate_imported(connection, ACKNOWLEDGEMENT_KIND, schedule_id=wanted.schedule_id):
        said = object_of(record.original, "acknowledgement") or record.original
        described = AcknowledgementRow(
            row=record.row,
            imported=True,
            **{name: text_of(said, name) for name in _TEXTS},
            acknowledged_at=_normalise(text_of(said, "acknowledged_at"), record),
            acknowledged_until=text_of(said, "acknowledged_until") or None,
        )
        # One that names no owner may count for the owner who is asked for.
        leave_out = () if described.owner else ("owner",)
        if period.contains(record.at) and wanted.matches(described, leave_out):
            yield record.at, described


_TEXTS: Final = (
    *("acknowledgement_id", "schedule_id", "cycle_id", "plan_id", "provider", "owner"),
    *("acknowledged_by", "acknowledgement_state", "external_ref", "notes"),
)


def _normalise(text: str, imported: ImportedRecord) -> str:
    """Write a timestamp of another index as all others are; one that is none counts as that of its record."""
    try:
        return write_instant(read_instant(text)[0])
    except ValueError:
        return write_instant(imported.at)


class _Facts(msgspec.Struct):
    generated_at: str = ""
    next_due_at: str | None = None
    deliverable_route_count: int = 0
    suppressed_route_count: int = 0


class _Plan(LedgerRow, frozen=True, gc=False):
    """What a package takes from the record of a plan."""

    created_at: str
    schedule_id: str
    cycle_id: str
    plan_id: str
    status: str
    alert_level: str
    plan: _Facts


def _plans(
    connection: Connection, wanted: PackageFilter, period: Period, notified: set[str]
) -> tuple[list[PlanRow], int]:
    """Return the plans that notified somebody on a wanted route, and the number of all plans."""
    plans, count = [], 0
    for each in _imported_plans(connection, wanted, period):
        count += 1
        if each.plan_id in notified:
            plans.append(each)
    of_schedule = PackageFilter(wanted.schedule_id)
    for row, text in _iterate(connection, [*of_schedule.to_sql(connection, PLAN_KIND), *period.to_sql()]):
        count += 1
        found = read(row, text, _Plan)
        if found.plan_id in notified:
            facts = msgspec.structs.asdict(found)
            facts |= msgspec.structs.asdict(facts.pop("plan"))
            plans.append(PlanRow(row=facts.pop("leaf_index"), imported=False, **facts))
    return plans, count


def _imported_plans(connection: Connection, wanted: PackageFilter, period: Period) -> Iterator[PlanRow]:
    names = ("schedule_id", "cycle_id", "plan_id", "status", "alert_level")
    for record in iterate_imported(connection, PLAN_KIND):
        plan = object_of(record.original, "plan") or record.original
        described = PlanRow(
            row=record.row,
            imported=True,
            created_at=write_instant(record.at),
            **{name: text_of(plan, name) or text_of(record.original, name) for name in names},
            generated_at=text_of(plan, "generated_at"),
            next_due_at=text_of(plan, "next_due_at") or None,
            deliverable_route_count=number_of(plan, "deliverable_route_count"),
            suppressed_route_count=number_of(plan, "suppressed_route_count"),
        )
        if period.contains(record.at) and wanted.matches(described, ("provider", "owner")):
            yield described
