"""Open findings in the dashboard: by the newest record of each drill in the evidence."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rollback_drills.database.connections import Database
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.followup.dashboard import build_dashboard
from rollback_drills.followup.drill_findings import read_open_drill_findings
from tests.samples.builders import DRILL, NOW, make_subject, open_key

DUE = "2026-12-05T00:00:00Z"
OPEN: Mapping[str, Any] = {"finding_id": "f-1", "severity": "critical", "summary": "DNS", "due_at": DUE}


def record(database: Database, schedule_id: str, *drills: Mapping[str, Any]) -> None:
    """Write the drills of a schedule into the evidence, as a check does."""
    subject = make_subject(list(drills), schedule_id=schedule_id)
    found = find_drills([subject], [schedule_id], now=NOW, created_at=NOW, signer="test")
    index_run(
        database,
        (),
        drills=found,
        created_at=NOW,
        signer="test",
        redact=lambda each: each,
        open_key=open_key,
    )


def test_findings_of_all_schedules_are_listed_until_they_are_closed(database: Database) -> None:
    record(database, "payments", {**DRILL, "findings": [OPEN]})
    record(database, "search", {**DRILL, "findings": [{"finding_id": "f-1"}]}, {**DRILL, "drill_id": "other"})
    record(database, "idle", DRILL)

    first = read_open_drill_findings(database, now=NOW)
    late = read_open_drill_findings(database, now=NOW + timedelta(days=9))
    record(database, "payments", {**DRILL, "findings": [{**OPEN, "closed_at": "2026-12-01T08:00:00Z"}]})
    closed = read_open_drill_findings(database, now=NOW)

    assert [(each.schedule_id, each.finding_id, each.due_at, each.overdue) for each in first] == [
        ("payments", "f-1", "2026-12-05T00:00:00+00:00", False),
        ("search", "f-1", "", False),
    ]
    assert [each.overdue for each in late] == [True, False]
    assert [each.schedule_id for each in closed] == ["search"]


def test_a_finding_that_is_overdue_makes_the_dashboard_warn(database: Database) -> None:
    record(database, "payments", {**DRILL, "findings": [OPEN]})

    for days, level in ((0, "healthy"), (9, "warning")):
        now = NOW + timedelta(days=days)
        findings = read_open_drill_findings(database, now=now)
        report = build_dashboard([], [], now=now, generated_by="test", findings=findings)
        assert (report.alert_level, report.open_finding_count) == (level, 1)
        assert report.open_findings[0].schedule_id == "payments"
