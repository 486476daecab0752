"""The gate document and its checks: fields have the names and the order in which users read them."""

from typing import Final, Literal

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.gate.promotion_reports import EvidenceReport, PlanReport, RehearsalReport
from rollback_drills.readiness.reports import HistoryReport, ScheduleReport
from rollback_drills.readiness.states import Mode, Readiness

GATE_SCHEMA: Final = "rollback-drills.gate.v1"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A check of a report that fails."""

    id: str
    message: str


class GateCheck(msgspec.Struct, frozen=True, gc=False):
    """A report, summed up as one check."""

    id: str
    status: Literal["pass", "warn"]
    state: Readiness
    schedule_id: str
    """Empty if it is about the backend as a whole."""
    path: str
    """Of the document; empty if none is configured."""
    message: str
    failed_check: str
    """The first check of the report that fails; empty if the report is acceptable."""
    findings: tuple[Finding, ...]


class ReportList(msgspec.Struct, frozen=True, gc=False):
    """The reports of several schedules, and the most pressing state."""

    status: Readiness
    items: tuple[HistoryReport | ScheduleReport, ...]


Section = HistoryReport | ScheduleReport | ReportList
"""The report of one schedule, or those of several."""


class Gate(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whether a release may pass, with which backend, and why."""

    schema_version: str = GATE_SCHEMA
    product: str = PRODUCT
    generated_at: str
    generated_by: str
    mode: Mode
    status: Readiness
    acceptable: bool
    selected_backend: str
    fallback: bool
    fallback_reason: str
    first_failed_check: GateCheck | None
    message: str
    checks: tuple[GateCheck, ...]
    go_backend_promotion: EvidenceReport
    go_backend_rollback: PlanReport
    go_backend_rollback_rehearsal: RehearsalReport
    go_backend_rollback_drill_history: Section
    go_backend_rollback_drill_schedule: Section
    warnings: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """What a person should look at in the fleet as a whole; left out if there is nothing."""
