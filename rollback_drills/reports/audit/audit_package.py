"""The acknowledgement audit package of contract §6: who was notified, and who acknowledged or did not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.index import LedgerRow
from rollback_drills.evidence.ledger.canonical import digest_canonical
from rollback_drills.notifications.reasons import Reason
from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills.reports.audit.audit_document import (
    AcknowledgementRow,
    AuditPackage,
    PackageRoute,
    PlanRow,
)
from rollback_drills.reports.filters import PackageFilter
from rollback_drills.reports.period import Period
from rollback_drills.reports.routes import RouteRow

_ACKNOWLEDGED: Final = ("acknowledged", "resolved")

_OF_DECISION: Final = (
    *("route_key", "schedule_id", "cycle_id", "plan_id", "provider", "owner", "escalation_owner"),
    "acknowledgement_minutes",
)
_OF_ACKNOWLEDGEMENT: Final = (
    *("acknowledgement_state", "acknowledgement_id", "acknowledged_by", "acknowledged_at"),
    *("acknowledged_until", "external_ref", "notes"),
)

RouteKey = tuple[str, str, str]
"""Cycle (of an imported plan: the plan), provider and owner."""

_NOTHING_SAID: Final = AcknowledgementRow(acknowledgement_state="outstanding")


class Outcome(LedgerRow, frozen=True, gc=False):
    """What a package takes from the record of an outcome."""

    created_at: str
    cycle_id: str
    provider: str
    owner: str
    outcome: str
    delivery_success: bool
    reason: str = ""
    completed_at: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ledger holds that a package is made of; each in its order."""

    decisions: Sequence[RouteRow] = ()
    """The rows of the routing history that notified somebody within the period."""
    acknowledgements: Sequence[AcknowledgementRow] = ()
    """Up to the end of the period."""
    deliveries: Sequence[Outcome] = ()
    """Up to the end of the period."""
    plans: Sequence[PlanRow] = ()
    """The plans of the period that notified somebody."""
    plan_count: int = 0
    """How many plans there are in the period."""
    in_period: frozenset[int | None] = frozenset()
    """The rows of the acknowledgements that were written within the period."""
    head: Mapping[str, str] | None = None
    """The newest signed head of the ledger."""


def build_package(
    evidence: Evidence, wanted: PackageFilter, period: Period, *, now: datetime, generated_by: str
) -> AuditPackage:
    """Put a package together; it is sealed by `seal`."""
    routes = _build_routes(evidence)
    states = Counter(each.acknowledgement_state for each in routes)
    outstanding = sum(not each.acknowledged for each in routes)
    acknowledgements = [each for each in evidence.acknowledgements if each.row in evidence.in_period]
    return AuditPackage(
        generated_at=write_instant(now),
        generated_by=generated_by,
        filters=wanted.to_wire(),
        period=period.to_wire(),
        alert_level="critical" if outstanding or states["escalated"] else "healthy",
        plan_count=evidence.plan_count,
        route_count=len(routes),
        acknowledgement_count=len(acknowledgements),
        acknowledged_count=states["acknowledged"],
        resolved_count=states["resolved"],
        escalated_count=states["escalated"],
        dismissed_count=states["dismissed"],
        outstanding_count=outstanding,
        plans=evidence.plans,
        routes=routes,
        acknowledgements=acknowledgements,
        ledger_head=evidence.head,
    )


def seal(package: AuditPackage) -> AuditPackage:
    """Return a package without secrets, with its id and a SHA-256 digest.

    The digest is that of its canonical JSON (RFC 8785) without the digest.
    """
    content = redactor_in_use().document(msgspec.to_builtins(package))
    asked = {name: value for name, value in content.items() if name != "generated_at"}
    named = {**content, "audit_id": f"gordackaudit-{digest_canonical(asked)[:16]}"}
    return msgspec.convert({**named, "content_sha256": digest_canonical(named)}, AuditPackage)


def _build_routes(evidence: Evidence) -> list[PackageRoute]:
    decisions: dict[RouteKey, list[RouteRow]] = defaultdict(list)
    for decision in evidence.decisions:
        decisions[_find_key(decision)].append(decision)
    outcomes: dict[RouteKey, list[Outcome]] = defaultdict(list)
    for each in evidence.deliveries:
        outcomes[each.cycle_id, each.provider, each.owner].append(each)
    said = _find_latest(evidence.acknowledgements)
    return [
        _build_route(some, outcomes.get(key, ()), _find_said(said, key, some[-1].cycle_id))
        for key, some in decisions.items()
    ]


def _find_key(row: RouteRow | AcknowledgementRow) -> RouteKey:
    return row.cycle_id or row.plan_id, row.provider, row.owner


def _find_latest(acknowledgements: Iterable[AcknowledgementRow]) -> dict[RouteKey, AcknowledgementRow]:
    latest: dict[RouteKey, AcknowledgementRow] = {}
    for each in acknowledgements:
        key = _find_key(each)
        if key not in latest or each.acknowledged_at >= latest[key].acknowledged_at:
            latest[key] = each
    return latest


def _find_said(
    latest: Mapping[RouteKey, AcknowledgementRow], key: RouteKey, cycle_id: str
) -> AcknowledgementRow:
    if key not in latest and not cycle_id:  # the system that this one takes over from names no owner
        key = (*key[:2], "")
    return latest.get(key, _NOTHING_SAID)


def _build_route(
    decisions: Sequence[RouteRow], outcomes: Sequence[Outcome], said: AcknowledgementRow
) -> PackageRoute:
    latest = decisions[-1]
    attempts = [each for each in outcomes if each.reason != Reason.RESOLVED]
    return PackageRoute(
        route_id=latest.route_key,
        route_action=latest.action,
        **{name: getattr(latest, name) for name in _OF_DECISION},
        first_decided_at=decisions[0].created_at,
        route_created_at=latest.created_at,
        decision_rows=[each.row for each in decisions],
        first_delivered_at=next((each.completed_at for each in attempts if each.delivery_success), None),
        outcome=attempts[-1].outcome if attempts else "",
        closed_at=next((each.created_at for each in outcomes if each.reason == Reason.RESOLVED), None),
        **{name: getattr(said, name) for name in _OF_ACKNOWLEDGEMENT},
        acknowledged=said.acknowledgement_state in _ACKNOWLEDGED,
        acknowledgement_row=said.row,
    )
