"""What a message says of the latest drill."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.planning.latest_drill_text import describe_latest_drill
from rollback_drills.readiness.acceptance import is_accepted
from tests.samples.builders import DRILL, NOW, judged, make_subject

AT = "2026-11-20T09:00:00+00:00"


def describe(**changes: Any) -> str:
    """Describe the one drill of a history."""
    return describe_latest_drill(judged(make_subject([{**DRILL, **changes}])).history)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "accepted"),
        ({"executed_at": "2020-01-01T00:00:00Z"}, "accepted"),
        ({"status": "fail"}, "not accepted (status fail)"),
        ({"status": ""}, "not accepted (status missing)"),
        ({"target_mode": "promoted"}, "not accepted (ended in mode promoted, not disabled)"),
        ({"fallback_verified": False}, "not accepted (fallback not verified)"),
        ({"recovery_minutes": 41}, "not accepted (recovery took 41 minutes, at most 15 minutes)"),
        ({"recovery_minutes": 120}, "not accepted (recovery took 2 hours, at most 15 minutes)"),
        ({"recovery_minutes": None}, "not accepted (recovery time unknown)"),
        ({"max_recovery_minutes": None}, "not accepted (recovery took 7 minutes, no limit given)"),
        ({"runbook_ref": "", "evidence_refs": []}, "not accepted (no runbook; no evidence)"),
        ({"executed_at": None}, "not accepted (no date)"),
        ({"executed_at": (NOW + timedelta(minutes=6)).isoformat()}, "not accepted (dated in the future)"),
        ({"executed_at": (NOW + timedelta(minutes=5)).isoformat()}, "accepted"),
    ],
)
def test_the_verdict_names_what_is_missing(changes: dict[str, Any], verdict: str) -> None:
    assert describe(**changes).endswith(f": {verdict}")


def test_a_drill_is_named_with_its_time() -> None:
    assert describe() == f"drill-1, {AT}: accepted"
    assert describe(drill_id="") == f"without an id, {AT}: accepted"
    assert describe(executed_at=None) == "drill-1, without a date: not accepted (no date)"


def test_there_is_nothing_to_say_without_a_drill() -> None:
    assert describe_latest_drill(judged(make_subject([])).history) == ""
    assert describe_latest_drill(judged(make_subject()).history) == ""


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "status": st.sampled_from(["pass", "fail", ""]),
            "target_mode": st.sampled_from(["disabled", "promoted", ""]),
            "fallback_verified": st.booleans(),
            "recovery_minutes": st.sampled_from([None, 0, 15, 16]),
            "max_recovery_minutes": st.sampled_from([None, 15]),
            "runbook_ref": st.sampled_from(["", "docs/runbook.md"]),
            "evidence_refs": st.sampled_from([[], ["go-rollback-drill://ci/run-1"]]),
            "executed_at": st.sampled_from([None, "2026-12-01T09:05:00Z", "2026-12-01T09:05:01Z", AT]),
        },
    )
)
def test_the_verdict_is_that_of_the_rules(changes: dict[str, Any]) -> None:
    subject = make_subject([{**DRILL, **changes}])
    assert subject.history
    assert subject.history.document
    (drill,) = subject.history.document.drills

    assert describe(**changes).endswith(": accepted") is is_accepted(drill, now=NOW)
