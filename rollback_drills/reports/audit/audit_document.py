"""The document of an acknowledgement audit package (contract §6): fields have its names and its order."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.planning.category import Action

AUDIT_PACKAGE_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-acknowledgement-audit-package.v1"
_CONTROLS: Final = (
    "Every entry names the rows of the evidence that it is taken from.",
    "An acknowledgement counts for its cycle, provider and owner; an imported one for its plan and provider.",
    "Plans that notified nobody are counted and not listed.",
)


class AcknowledgementRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An acknowledgement, of this program or imported."""

    row: int | None = None
    """The row of the ledger that holds it."""
    imported: bool = False
    acknowledgement_id: str = ""
    schedule_id: str = ""
    cycle_id: str = ""
    plan_id: str = ""
    provider: str = ""
    owner: str = ""
    acknowledged_by: str = ""
    acknowledgement_state: str
    acknowledged_at: str = ""
    acknowledged_until: str | None = None
    external_ref: str = ""
    notes: str = ""


class PlanRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A plan that notified somebody."""

    row: int
    imported: bool
    created_at: str
    schedule_id: str
    cycle_id: str
    plan_id: str
    status: str
    alert_level: str
    generated_at: str
    next_due_at: str | None
    deliverable_route_count: float | int | None
    suppressed_route_count: float | int | None


class PackageRoute(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A route that was notified in a cycle: its latest decision, its deliveries, and what was said last."""

    route_id: str
    route_action: Action
    route_key: str
    schedule_id: str
    cycle_id: str
    plan_id: str
    provider: str
    owner: str
    escalation_owner: str
    acknowledgement_minutes: float | int | None
    first_decided_at: str
    route_created_at: str
    decision_rows: list[int]
    first_delivered_at: str | None
    outcome: str
    closed_at: str | None
    acknowledgement_state: str
    acknowledged: bool
    acknowledgement_id: str
    acknowledged_by: str
    acknowledged_at: str
    acknowledged_until: str | None
    external_ref: str
    notes: str
    acknowledgement_row: int | None


class AuditPackage(msgspec.Struct, frozen=True, kw_only=True):
    """The whole package. It is sealed if it has an id and a digest."""

    audit_id: str | UnsetType = UNSET
    schema_version: str = AUDIT_PACKAGE_SCHEMA
    product: str = PRODUCT
    generated_at: str
    generated_by: str
    filters: Mapping[str, str]
    period: Mapping[str, str | None]
    alert_level: str
    plan_count: int
    route_count: int
    acknowledgement_count: int
    acknowledged_count: int
    resolved_count: int
    escalated_count: int
    dismissed_count: int
    outstanding_count: int
    plans: Sequence[PlanRow]
    routes: Sequence[PackageRoute]
    acknowledgements: Sequence[AcknowledgementRow]
    ledger_head: Mapping[str, str] | None
    controls: Sequence[str] = _CONTROLS
    content_sha256: str | UnsetType = UNSET
