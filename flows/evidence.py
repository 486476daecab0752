"""Adds to the evidence what a check decided, delivered and found."""

from collections.abc import Sequence
from datetime import datetime

from flows.ending import Outcome
from flows.planning import Checked, Run
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.outbox_transfer import Indexed
from rollback_drills.recording.retests import find_all_retests
from tasks.evidence import index_evidence


def keep_evidence(run: Run, checked: Checked, outcomes: Sequence[Outcome], created_at: datetime) -> Indexed:
    """Append the records of a run; a dry run appends nothing."""
    if run.request.dry_run:
        return Indexed(0, None, None)
    by, fleet = run.request.generated_by, checked.fleet
    records = [record for outcome in outcomes for record in outcome.records]
    records += checked.guard.records(created_at=created_at, signer=by)
    drills = find_drills(fleet.subjects, fleet.schedule_ids, now=run.now, created_at=created_at, signer=by)
    drills.followed_by(find_all_retests(fleet.checks, now=run.now, created_at=created_at, signer=by))
    return index_evidence(records, drills, created_at, by, run.database_url, run.open_key)
