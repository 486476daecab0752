from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.cadences.interval_cadence import DuePolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schema_versions import SCHEDULE_SCHEMAS
from rollback_drills.readiness.schedule_faults import REQUIREMENTS, find_written_faults

SCHEDULES = st.builds(
    Schedule,
    schema_version=st.sampled_from([*SCHEDULE_SCHEMAS, ""]),
    schedule_id=st.sampled_from(["payments", ""]),
    status=st.sampled_from(["active", "paused"]),
    interval_days=st.sampled_from([30.0, 1e-9, 0.0, -1.0, None]),
    next_due_at=st.sampled_from([datetime(2026, 12, 1, tzinfo=UTC), None]),
    due_policy=st.sampled_from(DuePolicy),
    owners=st.sampled_from([("team-a",), ()]),
    notification_providers=st.sampled_from([("slack",), ()]),
    runbook_ref=st.sampled_from(["docs/runbook.md", ""]),
)


@given(SCHEDULES)
def test_the_faults_of_a_schedule_are_exactly_the_requirements_that_it_misses(schedule: Schedule) -> None:
    missed = {each.id: each.missing(schedule) for each in REQUIREMENTS if each.missing(schedule)}
    assert find_written_faults(schedule) == missed
    assert list(find_written_faults(schedule)) == list(missed)
