"""The decision of the gate: which backend, and which check failed first."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.documents.history import History
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.documents.promotion import load_promotion
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.gate.decision import decide_gate, warnings_of
from rollback_drills.gate.production_readiness import production_readiness
from rollback_drills.gate.promotion import report_promotion
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import find_due, judge
from rollback_drills.readiness.states import Mode
from tests.samples.builders import DRILL, NOW, judged, make_subject
from tests.samples.promotion import SAMPLES, write_promotion
from tests.unit.planning.test_parity import SAME, load

Changes = Mapping[str, Mapping[str, Any]]
PROMOTED = Criteria(Mode.PROMOTED)
ON_TIME: dict[str, Any] = {"next_due_at": "2027-01-01T09:00:00Z"}


def decide(
    folder: Path,
    subjects: list[Subject] | None = None,
    criteria: Criteria = PROMOTED,
    changes: Changes | None = None,
) -> PlainJson:
    """Decide the gate of a promotion in order, with changes."""
    documents = load_promotion(*write_promotion(folder, **(changes or {})))
    subjects = subjects or [make_subject([DRILL], **ON_TIME)]
    gate = decide_gate(
        report_promotion(documents, criteria, now=NOW),
        [judged(each, criteria=criteria) for each in subjects],
    )
    return to_plain(gate)


def test_go_is_selected_when_every_check_is_acceptable(tmp_path: Path) -> None:
    gate = decide(tmp_path)

    assert (gate["selected_backend"], gate["fallback"], gate["acceptable"]) == ("go", False, True)
    assert (gate["status"], gate["first_failed_check"], gate["fallback_reason"]) == ("ready", None, "")
    assert gate["message"] == "go is selected: every check is acceptable"
    assert [each["id"] for each in gate["checks"]] == [
        "go_backend_promotion",
        "go_backend_rollback_controls",
        "go_backend_rollback_rehearsal",
        "go_backend_rollback_drill_history",
        "go_backend_rollback_drill_schedule",
    ]


def test_what_fails_is_no_warning_beside_the_decision(tmp_path: Path) -> None:
    documents = load_promotion(*write_promotion(tmp_path, evidence={"approved": False}))
    subject = make_subject([DRILL], **ON_TIME)

    gate = decide_gate(report_promotion(documents, PROMOTED, now=NOW), [judged(subject, criteria=PROMOTED)])

    assert any(each.findings for each in gate.checks if each.status == "warn")
    assert warnings_of(gate) == []


@pytest.mark.parametrize("mode", [Mode.DISABLED, Mode.SHADOW, Mode.ENFORCE])
def test_only_promoted_asks_for_go(mode: Mode, tmp_path: Path) -> None:
    gate = decide(tmp_path, criteria=Criteria(mode))

    assert (gate["selected_backend"], gate["fallback"], gate["acceptable"]) == ("python", False, True)
    assert gate["message"] == f'selected backend: python (mode is "{mode}")'


@pytest.mark.parametrize(
    ("name", "change", "failed", "message"),
    [
        (
            "evidence",
            {"schema_version": "v2"},
            "go_promotion_evidence_file",
            '$.schema_version is "v2"; must',
        ),
        ("evidence", {"parity_status": "warn"}, "go_promotion_parity", '$.parity_status is "warn"; must be'),
        ("evidence", {"parity_status": None}, "go_promotion_parity", "$.parity_status is missing"),
        ("evidence", {"deployment_status": "x"}, "go_promotion_deployment", '$.deployment_status is "x"'),
        ("evidence", {"approved": False}, "go_promotion_approved", "$.approved is false; have the promotion"),
        (
            "evidence",
            {"approved": "true"},
            "go_promotion_evidence_file",
            '$.approved is "true"; must be true',
        ),
        ("evidence", {"aproved": True}, "go_promotion_evidence_file", "$.aproved is an unknown key; did you"),
        ("plan", {"status": "draft"}, "go_rollback_plan_ready", '$.status is "draft"; must be "ready"'),
        ("plan", {"target_mode": "shadow"}, "go_rollback_plan_disabled_target", '$.target_mode is "shadow"'),
        ("plan", {"approved": None}, "go_rollback_plan_approved", "$.approved is false; have the plan"),
        (
            "plan",
            {"controls": ["python-fallback-available"]},
            "go_rollback_plan_controls",
            "$.controls lacks promoted-mode-disable-tested, rollback-approval-recorded, operator-runbook",
        ),
        ("plan", {"rollback_steps": []}, "go_rollback_plan_steps", "$.rollback_steps is missing; write down"),
        ("plan", {"rollback_steps": ["a", " "]}, "go_rollback_plan_steps", '$.rollback_steps is ["a", " "]'),
        ("plan", {"evidence_refs": [""]}, "go_rollback_plan_evidence", '$.evidence_refs is [""]; name'),
        ("plan", {"evidence_refs": []}, "go_rollback_plan_evidence", "$.evidence_refs is missing; name the"),
        ("plan", {"max_recovery_minutes": True}, "go_rollback_plan_file", "$.max_recovery_minutes is true"),
        ("rehearsal", {"status": "fail"}, "go_rollback_rehearsal_passed", '$.status is "fail"; must be'),
        ("rehearsal", {"simulated": False}, "go_rollback_rehearsal_simulated", "$.simulated is false"),
        (
            "rehearsal",
            {"fallback_verified": False},
            "go_rollback_rehearsal_fallback_verified",
            "$.fallback_verified is false; must be true",
        ),
        (
            "rehearsal",
            {"recovery_minutes": 15.01},
            "go_rollback_rehearsal_recovery",
            "$.recovery_minutes is 15.01, $.max_recovery_minutes is 15; both are needed",
        ),
        ("rehearsal", {"recovery_minutes": 0}, "go_rollback_rehearsal_recovery", "$.recovery_minutes is 0"),
        ("rehearsal", {"recovery_minutes": None}, "go_rollback_rehearsal_recovery", "is missing"),
        ("rehearsal", {"max_recovery_minutes": None}, "go_rollback_rehearsal_recovery", "is missing"),
        (
            "rehearsal",
            {"runbook_ref": ""},
            "go_rollback_rehearsal_evidence",
            "$.runbook_ref is missing; name",
        ),
        ("rehearsal", {"evidence_refs": []}, "go_rollback_rehearsal_evidence", "$.evidence_refs is missing"),
        (
            "rehearsal",
            {"plan_approval_id": "approval-9"},
            "go_rollback_rehearsal_plan",
            '$.plan_approval_id is "approval-9"; must be that of the rollback plan, "approval-2"',
        ),
        (
            "rehearsal",
            {"runbook_ref": "https://wiki.example.com/x"},
            "go_rollback_rehearsal_file",
            "$.runbook_ref holds a URL",
        ),
    ],
)
def test_a_fault_in_a_promotion_falls_back_to_python_and_is_named(
    name: str, change: dict[str, Any], failed: str, message: str, tmp_path: Path
) -> None:
    gate = decide(tmp_path, changes={name: change})

    assert (gate["selected_backend"], gate["fallback"], gate["acceptable"]) == ("python", True, False)
    first = gate["first_failed_check"]
    assert first["failed_check"] == failed
    assert first["message"].startswith(f"{name}.json: ")
    assert message in first["message"]
    assert f"({failed})" in gate["fallback_reason"]
    assert [each["status"] for each in gate["checks"]].count("warn") == 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("evidence", {"approval_id": None, "evidence_refs": None}),
        ("plan", {"max_recovery_minutes": None}),
        ("rehearsal", {"recovery_minutes": 15}),
        ("rehearsal", {"recovery_minutes": 0.01}),
    ],
)
def test_what_is_optional_or_at_the_bound_passes(name: str, change: dict[str, Any], tmp_path: Path) -> None:
    assert decide(tmp_path, changes={name: change})["selected_backend"] == "go"


def test_a_rehearsal_fits_any_plan_without_an_approval(tmp_path: Path) -> None:
    changes = {"plan": {"approval_id": None}, "rehearsal": {"plan_approval_id": None}}

    assert decide(tmp_path, changes=changes)["selected_backend"] == "go"


@pytest.mark.parametrize(
    ("subject", "check", "failed"),
    [
        (make_subject([], **ON_TIME), "history", "go_rollback_drill_history_file"),
        (
            make_subject([{**DRILL, "status": "fail"}], **ON_TIME),
            "history",
            "go_rollback_drill_latest_passed",
        ),
        (
            make_subject([{**DRILL, "runbook_ref": ""}], **ON_TIME),
            "history",
            "go_rollback_drill_history_file",
        ),
        (make_subject([DRILL]), "schedule", "go_rollback_drill_schedule_not_stale"),
        (make_subject([DRILL], status="paused"), "schedule", "go_rollback_drill_schedule_active"),
        (make_subject([DRILL], owners=[]), "schedule", "go_rollback_drill_schedule_not_stale"),
        (make_subject([DRILL], owners=[], **ON_TIME), "schedule", "go_rollback_drill_notification_routes"),
        (make_subject([DRILL], runbook_ref="", **ON_TIME), "schedule", "go_rollback_drill_schedule_file"),
        (Subject(None, make_subject([DRILL]).history), "schedule", "go_rollback_drill_schedule_file"),
        (Subject(make_subject(**ON_TIME).schedule, None), "history", "go_rollback_drill_history_file"),
    ],
)
def test_a_fault_in_the_drills_falls_back_to_python_and_is_named(
    subject: Subject, check: str, failed: str, tmp_path: Path
) -> None:
    first = decide(tmp_path, [subject])["first_failed_check"]

    assert (first["id"], first["failed_check"]) == (f"go_backend_rollback_drill_{check}", failed)


def test_the_first_of_several_failing_checks_is_named_in_the_order_of_the_promotion(tmp_path: Path) -> None:
    faults = {name: {"status": "x"} for name in ("rehearsal", "plan")}

    gate = decide(tmp_path, [make_subject([DRILL])], changes=faults)

    assert gate["first_failed_check"]["id"] == "go_backend_rollback_controls"
    assert [each["status"] for each in gate["checks"]] == ["pass", "warn", "warn", "pass", "warn"]


@pytest.mark.parametrize(
    ("left", "state", "backend"),
    [
        (timedelta(microseconds=-1), "needs_attention", "python"),
        (timedelta(0), "due_soon", "go"),
        (timedelta(days=14), "due_soon", "go"),
        (timedelta(days=14, microseconds=1), "ready", "go"),
    ],
)
def test_a_drill_may_be_due_soon_but_not_late(
    left: timedelta, state: str, backend: str, tmp_path: Path
) -> None:
    gate = decide(tmp_path, [make_subject([DRILL], next_due_at=(NOW + left).isoformat())])

    assert (gate["status"], gate["selected_backend"]) == (state, backend)


def test_a_document_that_is_missing_is_one_finding(tmp_path: Path) -> None:
    promotion = report_promotion(load_promotion(str(tmp_path / "no.json"), None, None), PROMOTED, now=NOW)

    gate = to_plain(decide_gate(promotion, [judged(make_subject([DRILL], **ON_TIME), criteria=PROMOTED)]))

    assert [each["state"] for each in gate["checks"][:3]] == ["needs_attention"] * 3
    (finding,) = gate["checks"][0]["findings"]
    assert finding["id"] == "go_promotion_evidence_file"
    assert finding["message"].endswith("no.json: does not exist; create the file, or fix the path")
    assert "set DRILLS_ROLLBACK_PLAN or give its path" in gate["checks"][1]["message"]


def test_nothing_is_asked_for_without_a_path_outside_promoted_mode() -> None:
    criteria = Criteria(Mode.SHADOW)
    promotion = report_promotion(load_promotion(None, None, None), criteria, now=NOW)

    gate = to_plain(decide_gate(promotion, [judged(Subject(None, None), criteria=criteria)]))

    assert (gate["status"], gate["acceptable"]) == ("not_requested", True)
    assert {each["state"] for each in gate["checks"]} == {"not_requested"}
    assert gate["message"] == "nothing was checked: name documents, or set the mode to promoted"


def test_a_document_is_asked_for_by_its_path_in_any_mode(tmp_path: Path) -> None:
    gate = decide(tmp_path, criteria=Criteria(Mode.DISABLED), changes={"plan": {"approved": False}})

    assert (gate["acceptable"], gate["fallback"], gate["selected_backend"]) == (False, False, "python")
    assert gate["message"].startswith("blocked: rollback controls (go_rollback_plan_approved): ")


def test_one_bad_schedule_of_several_blocks_and_is_named(tmp_path: Path) -> None:
    late = make_subject([DRILL], schedule_id="search")

    gate = decide(tmp_path, [make_subject([DRILL], **ON_TIME), late])

    assert gate["first_failed_check"]["schedule_id"] == "search"
    assert [each["status"] for each in gate["go_backend_rollback_drill_schedule"]["items"]] == [
        "ready",
        "needs_attention",
    ]
    assert gate["go_backend_rollback_drill_schedule"]["status"] == "needs_attention"
    assert len(gate["checks"]) == 7


def test_a_warning_that_decides_nothing_is_told_but_passes(tmp_path: Path) -> None:
    gate = decide(tmp_path, [make_subject([DRILL], next_due_at="2027-01-01T09:00:00")])

    check = gate["checks"][-1]
    assert (gate["selected_backend"], check["status"], check["failed_check"]) == ("go", "pass", "")
    assert [each["id"] for each in check["findings"]] == ["go_rollback_drill_schedule_timestamps"]


def test_every_report_of_a_promotion_has_the_shape_of_the_others(tmp_path: Path) -> None:
    gate = decide(tmp_path)

    for section in ("go_backend_promotion", "go_backend_rollback", "go_backend_rollback_rehearsal"):
        report = gate[section]
        assert {"schema_version", "generated_at", "generated_by", "mode", "status", "checks"} <= set(report)
        assert len(report["checks"]) == len({each["id"] for each in report["checks"]})
        assert {each["status"] for each in report["checks"]} == {"pass"}
    assert json.loads(json.dumps(gate)) == gate
    assert gate["go_backend_rollback"]["rollback_plan"]["controls"] == SAMPLES["plan"]["controls"]


def test_production_readiness_is_the_two_drill_checks() -> None:
    document = to_plain(production_readiness([judged(make_subject([DRILL]), criteria=PROMOTED)]))

    assert [each["id"] for each in document["checks"]] == [
        "go_backend_rollback_drill_history",
        "go_backend_rollback_drill_schedule",
    ]
    assert (document["status"], document["acceptable"], document["mode"]) == (
        "needs_attention",
        False,
        "promoted",
    )
    assert document["go_backend_rollback_drill_schedule"]["status"] == "needs_attention"
    assert document["generated_at"] == "2026-12-01T09:00:00+00:00"


def test_a_retired_schedule_asks_for_nothing_but_the_last_one_blocks_a_promotion() -> None:
    retired = judged(make_subject(None, schedule_id="search", status="retired"), criteria=PROMOTED)
    ready = judged(
        make_subject([DRILL], next_due_at=(NOW + timedelta(days=100)).isoformat()), criteria=PROMOTED
    )

    both = to_plain(production_readiness([retired, ready]))
    alone = to_plain(production_readiness([retired]))
    shadow = to_plain(production_readiness([judged(make_subject(None, status="retired"))]))

    assert [(each["schedule_id"], each["state"]) for each in both["checks"]] == [
        ("search", "not_requested"),
        ("payments", "ready"),
        ("payments", "ready"),
    ]
    assert both["acceptable"] is True
    assert (alone["acceptable"], alone["status"]) == (False, "needs_attention")
    assert alone["checks"][0]["message"].endswith("; no schedule is left that proves the rollback")
    assert shadow["acceptable"] is True


@pytest.mark.slow
@pytest.mark.parametrize("pair", SAME, ids=[pair["name"] for pair in SAME])
def test_the_gate_agrees_with_the_measured_states(pair: dict[str, Any], tmp_path: Path) -> None:
    inputs, expected = pair["inputs"], pair["expected"]
    now = datetime.fromisoformat(inputs["now"])
    criteria = Criteria(Mode(inputs["mode"]), inputs["due_soon_days"], inputs["max_age_days"])
    subject = Subject(
        load(Schedule, inputs["schedule_file"], tmp_path), load(History, inputs["history_file"], tmp_path)
    )
    judgement = judge(subject, find_due(subject, now=now), criteria, now=now)
    documents = load_promotion(*write_promotion(tmp_path))

    readiness = to_plain(production_readiness([judgement]))
    gate = to_plain(decide_gate(report_promotion(documents, criteria, now=now), [judgement]))

    states = [expected["history"]["status"], expected["schedule"]["status"]]
    blocked = "needs_attention" in states
    assert [each["state"] for each in readiness["checks"]] == states
    assert readiness["acceptable"] is gate["acceptable"] is not blocked
    assert gate["selected_backend"] == ("go" if inputs["mode"] == "promoted" and not blocked else "python")
    assert gate["fallback"] is (inputs["mode"] == "promoted" and blocked)
    if blocked:
        first = "history" if states[0] == "needs_attention" else "schedule"
        failed = gate["first_failed_check"]
        assert failed["id"] == f"go_backend_rollback_drill_{first}"
        assert expected[first]["checks"][failed["failed_check"]] == "warn"
