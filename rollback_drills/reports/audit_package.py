"""The acknowledgement audit package of contract §6: who was told, who took notice, and who did not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from rollback_drills import PRODUCT
from rollback_drills.evidence.ledger.canonical import write_canonical
from rollback_drills.notifications.reasons import Reason
from rollback_drills.readiness.terms import Report

AUDIT_PACKAGE_SCHEMA: Final = "cavra.go-backend-pilot.rollback-drill-acknowledgement-audit-package.v1"
DIGEST_FIELD: Final = "content_sha256"
_OUTSTANDING: Final = "outstanding"
_TAKEN_NOTICE: Final = ("acknowledged", "resolved")
_OF_ACKNOWLEDGEMENT: Final = (
    *("acknowledgement_id", "acknowledged_by", "acknowledged_at", "acknowledged_until"),
    *("external_ref", "notes"),
)
_CONTROLS: Final = (
    "Every entry names the rows of the evidence that it is taken from.",
    "An acknowledgement counts for its cycle, provider and owner; an imported one for its plan and provider.",
    "Plans that told nobody are counted and not listed.",
)

RouteKey = tuple[str, str, str]
"""Cycle (of an imported plan: the plan), provider and owner."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ledger holds that a package is made of; each in its order."""

    decisions: Sequence[Report]
    """The rows of the routing history that told somebody within the period."""
    acknowledgements: Sequence[Report]
    """Up to the end of the period, as `described` writes them."""
    deliveries: Sequence[Mapping[str, Any]]
    """Up to the end of the period: records of outcomes."""
    plans: Sequence[Report]
    """The plans of the period that told somebody."""
    plan_count: int
    """How many plans there are in the period."""
    in_period: frozenset[int]
    """The rows of the acknowledgements that were written within the period."""
    head: Mapping[str, str] | None
    """The newest signed head of the ledger."""


def build_package(evidence: Evidence, facts: Mapping[str, Any]) -> Report:
    """Put a package together; it is sealed by `seal`.

    Args:
        evidence: What the ledger holds.
        facts: What was asked for, by whom and when: `generated_at`, `generated_by`, `filters`, `period`.
    """
    routes = _collect_routes(evidence.decisions)
    _add_deliveries(routes, evidence.deliveries)
    _add_acknowledgements(routes, evidence.acknowledgements)
    entries = list(routes.values())
    states = Counter(entry["acknowledgement_state"] for entry in entries)
    outstanding = sum(not entry["acknowledged"] for entry in entries)
    acknowledgements = [each for each in evidence.acknowledgements if each["row"] in evidence.in_period]
    return {
        "schema_version": AUDIT_PACKAGE_SCHEMA,
        "product": PRODUCT,
        **facts,
        "alert_level": "critical" if outstanding or states["escalated"] else "healthy",
        "plan_count": evidence.plan_count,
        "route_count": len(entries),
        "acknowledgement_count": len(acknowledgements),
        **{f"{name}_count": states[name] for name in ("acknowledged", "resolved", "escalated", "dismissed")},
        "outstanding_count": outstanding,
        "plans": list(evidence.plans),
        "routes": entries,
        "acknowledgements": acknowledgements,
        "ledger_head": evidence.head,
        "controls": list(_CONTROLS),
    }


def seal(package: Report) -> Report:
    """Return a package with its id and the SHA-256 of its canonical JSON (RFC 8785) without that field."""
    asked = {name: value for name, value in package.items() if name != "generated_at"}
    named = {"audit_id": f"gordackaudit-{_digest(asked)[:16]}", **package}
    return {**named, DIGEST_FIELD: _digest(named)}


def _digest(content: Report) -> str:
    return sha256(write_canonical(content)).hexdigest()


def _collect_routes(decisions: Iterable[Report]) -> dict[RouteKey, Report]:
    """Return one entry for each notified route: its latest decision, and when the first was made."""
    routes: dict[RouteKey, Report] = {}
    names = (
        *("route_key", "schedule_id", "cycle_id", "plan_id", "provider", "owner", "escalation_owner"),
        "acknowledgement_minutes",
    )
    for decision in decisions:
        key = decision["cycle_id"] or decision["plan_id"], decision["provider"], decision["owner"]
        earlier = routes.get(key)
        routes[key] = {
            "route_id": decision["route_key"],
            "route_action": decision["action"],
            **{name: decision[name] for name in names},
            "first_decided_at": earlier["first_decided_at"] if earlier else decision["created_at"],
            "route_created_at": decision["created_at"],
            "decision_rows": [*(earlier["decision_rows"] if earlier else ()), decision["row"]],
        }
    return routes


def _add_deliveries(routes: Mapping[RouteKey, Report], deliveries: Iterable[Mapping[str, Any]]) -> None:
    for entry in routes.values():
        entry |= {"first_delivered_at": None, "outcome": "", "closed_at": None}
    for record in deliveries:
        entry = routes.get((record["cycle_id"], record["provider"], record["owner"]), {})
        if not entry:
            continue
        if record.get("reason") == Reason.RESOLVED:
            entry["closed_at"] = entry["closed_at"] or record["created_at"]
            continue
        entry["outcome"] = record["outcome"]
        if record["delivery_success"] and entry["first_delivered_at"] is None:
            entry["first_delivered_at"] = record["completed_at"]


def _add_acknowledgements(routes: Mapping[RouteKey, Report], acknowledgements: Iterable[Report]) -> None:
    latest: dict[RouteKey, Report] = {}
    for each in acknowledgements:
        key = each["cycle_id"] or each["plan_id"], each["provider"], each["owner"]
        if key not in latest or each["acknowledged_at"] >= latest[key]["acknowledged_at"]:
            latest[key] = each
    for (scope, provider, owner), entry in routes.items():
        said = latest.get((scope, provider, owner))
        if said is None and not entry["cycle_id"]:  # the system that this one takes over from names no owner
            said = latest.get((scope, provider, ""))
        state = said["acknowledgement_state"] if said else _OUTSTANDING
        entry |= {
            "acknowledgement_state": state,
            "acknowledged": state in _TAKEN_NOTICE,
            **{name: said[name] if said else _NOTHING_SAID.get(name, "") for name in _OF_ACKNOWLEDGEMENT},
            "acknowledgement_row": said["row"] if said else None,
        }


_NOTHING_SAID: Final = {"acknowledged_until": None}
