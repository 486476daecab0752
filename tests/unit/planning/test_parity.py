"""The 160 measured pairs of the system this one takes over from (contract §3 and §4)."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from rollback_drills.documents.fields import Document
from rollback_drills.documents.history import History
from rollback_drills.documents.plain_json import to_plain
from rollback_drills.documents.reading.reader import Loaded, parse_document, read_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.planning.routes import parse_requested
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import find_due, judge
from rollback_drills.readiness.states import Mode
from tests.checkout import ROOT

PAIRS = json.loads((ROOT / "tests" / "vectors" / "parity.json").read_text())
RETIRED = [
    pair for pair in PAIRS if '"status": "retired"' in json.dumps(pair["inputs"]["schedule_file"] or {})
]
"""CAVRA knows no retired schedules: it judges them as inactive ones, which need attention."""
SAME = [pair for pair in PAIRS if pair not in RETIRED]
DECISION_FACTS = ("acknowledgement_minutes", "action", "category", "escalation_owner", "owner", "provider")


D = TypeVar("D", bound=Document)


def load(model: type[D], entry: dict[str, Any] | None, folder: Path) -> Loaded[D] | None:
    """Turn a vector's entry into what reading it from disk would give."""
    if entry is None:
        return None
    if entry.get("missing"):
        return read_document(model, str(folder / "missing.json"))
    return parse_document(model, json.dumps(entry["json"]).encode(), "document.json")


def facts_of(report: dict[str, Any], section: str) -> dict[str, Any]:
    """Flatten a report as the expectations are flattened."""
    checks = {each["id"]: each["status"] for each in report["checks"]}
    return {
        **report[section],
        "status": report["status"],
        "checks": checks,
        "latest_status": report[section].get("latest_status"),
    }


def decision_facts(decision: dict[str, Any]) -> dict[str, Any]:
    """Flatten a route decision as the expectations are flattened."""
    window = decision["maintenance_window"]
    return {
        **{name: decision[name] for name in DECISION_FACTS},
        "maintenance_window_id": window["window_id"] if window else None,
        "owner_available": decision["owner_availability"]["available"],
    }


def assert_facts(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare every expected fact; numbers to 1e-3."""
    assert expected
    for name, value in expected.items():
        if isinstance(value, float | int) and not isinstance(value, bool):
            assert found[name] == pytest.approx(value, abs=1e-3), name
        else:
            assert found[name] == value, name


def test_there_are_160_pairs() -> None:
    assert len(PAIRS) == 160
    assert len(RETIRED) == 8


@pytest.mark.parametrize("pair", RETIRED, ids=[pair["name"] for pair in RETIRED])
def test_a_retired_schedule_is_judged_otherwise_on_purpose(pair: dict[str, Any], tmp_path: Path) -> None:
    inputs = pair["inputs"]
    schedule = load(Schedule, inputs["schedule_file"], tmp_path)
    now = datetime.fromisoformat(inputs["now"])
    subject = Subject(schedule, load(History, inputs["history_file"], tmp_path))
    judgement = judge(subject, find_due(subject, now=now), Criteria(Mode(inputs["mode"])), now=now)

    assert pair["expected"]["schedule"]["status"] == "needs_attention"
    assert judgement.schedule_report.status == "not_requested"


@pytest.mark.slow
@pytest.mark.parametrize("pair", SAME, ids=[pair["name"] for pair in SAME])
def test_reports_and_plan_state_the_measured_facts(pair: dict[str, Any], tmp_path: Path) -> None:
    inputs, expected = pair["inputs"], pair["expected"]
    now = datetime.fromisoformat(inputs["now"])
    by = inputs["generated_by"]
    criteria = Criteria(Mode(inputs["mode"]), inputs["due_soon_days"], inputs["max_age_days"])
    schedule = load(Schedule, inputs["schedule_file"], tmp_path)
    history = load(History, inputs["history_file"], tmp_path)
    policy = load(RoutingPolicy, inputs["routing_policy"] and {"json": inputs["routing_policy"]}, tmp_path)

    subject = Subject(schedule, history)
    judgement = judge(subject, find_due(subject, now=now), criteria, now=now, generated_by=by)
    request = PlanRequest(
        requested=parse_requested(inputs["requested_provider"]),
        force=inputs["force"],
        policy=policy.document if policy else None,
        connectors=inputs["available_providers"],
    )
    check = ScheduleCheck(subject, judgement)
    check.plan_at_once(request, now=now)
    plan = to_plain(check.plan)

    assert_facts(facts_of(to_plain(judgement.history_report), "history"), expected["history"])
    assert_facts(facts_of(to_plain(judgement.schedule_report), "schedule"), expected["schedule"])
    assert_facts(
        {**plan, "route_decisions": [decision_facts(each) for each in plan["route_decisions"]]},
        expected["plan"],
    )
