"""Findings of drills: open since the first drill that names them, until the latest one closes them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET

from rollback_drills.readiness.open_findings import OpenFinding
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import DRILL, NOW, judged, make_subject

DAY = timedelta(days=1)
READY = {"next_due_at": "2027-01-10T09:00:00Z"}
AT = "2026-11-{:02}T09:00:00Z"


def drill(day: int, *findings: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {**DRILL, "drill_id": f"drill-{day}", "executed_at": AT.format(day), "findings": findings, **facts}


def found(*drills: dict[str, Any], now: datetime = NOW) -> list[tuple[str, str, str, bool]]:
    findings = judged(make_subject(list(drills), **READY), now=now).history.open_findings
    return [(each.finding_id, each.drill_id, each.due_at, each.overdue) for each in findings or ()]


def test_a_finding_is_open_since_the_first_drill_that_names_it() -> None:
    again = {"finding_id": "f-1", "summary": "DNS is slow", "severity": "critical", "ticket": "OPS-1"}
    subject = make_subject([drill(20, again), drill(5, {"finding_id": "F-1"})], **READY)

    assert judged(subject).history.open_findings == (
        OpenFinding(
            finding_id="f-1",
            summary="DNS is slow",
            severity="critical",
            ticket="OPS-1",
            drill_id="drill-5",
            opened_at="2026-11-05T09:00:00+00:00",
            due_at="",
            overdue=False,
        ),
    )


def test_the_latest_drill_that_names_it_says_whether_it_is_closed() -> None:
    opened, closed = {"finding_id": "f-1"}, {"finding_id": "f-1", "closed_at": AT.format(12)}

    assert found(drill(5, closed)) == []
    assert found(drill(5, opened), drill(20, closed)) == []
    assert found(drill(20, closed), drill(5, opened)) == []
    assert found(drill(5, closed), drill(20, opened)) == [("f-1", "drill-5", "", False)]
    assert found(drill(5, opened), drill(20)) == [("f-1", "drill-5", "", False)]


def test_those_that_are_due_come_first_and_are_overdue_after_their_time() -> None:
    drills = drill(
        5,
        {"finding_id": "undated"},
        {"finding_id": "later", "due_at": "2026-12-20T00:00:00Z"},
        {"finding_id": "late", "due_at": "2026-12-01T09:00:00Z"},
    )

    late, later = "2026-12-01T09:00:00+00:00", "2026-12-20T00:00:00+00:00"
    rows = [
        ("late", "drill-5", late, False),
        ("later", "drill-5", later, False),
        ("undated", "drill-5", "", False),
    ]
    assert found(drills) == rows
    assert found(drills, now=NOW + timedelta(seconds=1))[0] == ("late", "drill-5", late, True)


def test_nothing_is_written_where_nothing_is_open() -> None:
    assert judged(make_subject([DRILL], **READY)).history.open_findings is UNSET


@pytest.mark.parametrize(
    ("severities", "state"),
    [(None, Readiness.READY), (["major"], Readiness.READY), (["Critical"], Readiness.NEEDS_ATTENTION)],
)
def test_an_open_finding_needs_attention_if_the_schedule_says_so(
    severities: list[str] | None, state: Readiness
) -> None:
    findings = ({"finding_id": "f-1", "severity": "critical"}, {"finding_id": "f-2", "severity": "CRITICAL"})
    subject = make_subject([drill(20, *findings)], **READY, blocking_severities=severities)

    judgement = judged(subject)

    assert judgement.readiness is state
    assert judgement.history_report.status is Readiness.READY
    if state is Readiness.NEEDS_ATTENTION:
        assert judgement.schedule.message == (
            'history.json: the finding "f-1" (critical) of "drill-20" is open, and so is 1 more; close it,'
            " and write its closed_at"
        )


def test_a_blocked_schedule_is_free_when_the_findings_are_closed() -> None:
    closed = {"finding_id": "f-1", "severity": "critical", "closed_at": AT.format(21)}

    subject = make_subject([drill(20, closed)], **READY, blocking_severities=["critical"])

    assert judged(subject).readiness is Readiness.READY
