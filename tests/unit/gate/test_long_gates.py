"""The gate of a fleet of which much blocks: page, error and event stay what people and Prefect can take."""

from pathlib import Path

from rollback_drills.documents.promotion import load_promotion
from rollback_drills.gate.decision import decide_gate, explain_block
from rollback_drills.gate.document import Gate
from rollback_drills.gate.events import gate_event
from rollback_drills.gate.page import render_gate
from rollback_drills.gate.promotion import report_promotion
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.reports.events.event_payloads import GatePayload
from tests.samples.builders import NOW, judged, make_subject
from tests.samples.promotion import write_promotion


def decide(folder: Path, *, ready: int, overdue: int) -> Gate:
    """Decide the gate of a fleet without drills."""
    documents = load_promotion(*write_promotion(folder))
    due = ["2027-01-01T09:00:00Z"] * ready + ["2026-11-01T09:00:00Z"] * overdue
    subjects = [
        make_subject([], schedule_id=f"service-{number:03d}", next_due_at=each)
        for number, each in enumerate(due)
    ]
    criteria = Criteria()
    return decide_gate(
        report_promotion(documents, criteria, now=NOW),
        [judged(each, criteria=criteria) for each in subjects],
    )


def test_the_page_shows_what_blocks_and_counts_the_rest(tmp_path: Path) -> None:
    page = render_gate(decide(tmp_path, ready=150, overdue=5))

    assert page.count("\n|") == 2 + 200
    assert all(f"service-{number}" in page for number in range(150, 155))
    assert "more checks are not shown" in page


def test_error_and_event_name_some_of_many_reasons(tmp_path: Path) -> None:
    gate = decide(tmp_path, ready=0, overdue=150)

    error = explain_block(gate)

    assert error is not None
    assert len(error.reasons) >= 150, "the error itself keeps all"
    assert str(error).endswith(f" and {len(error.reasons) - 10:,} more")
    assert len(str(error)) < 5000
    payload = gate_event(gate, "fleet").payload
    assert isinstance(payload, GatePayload)
    assert len(payload.reasons) == 100
