"""Plays the flow `record-drill`: the same steps without a Prefect server, for tests of those who run it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rollback_drills.database.connections import Database
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.recording.drill_entry import NOTHING, build_drill, read_entry, read_fields
from rollback_drills.recording.recorder import Recorded, record_drill
from rollback_drills.recording.requests import RecordRequest
from rollback_drills.recording.target import find_target
from rollback_drills.settings import Settings
from tests.samples.builders import open_key


def record_as_the_flow_does(
    settings: Settings, url: str, parameters: Mapping[str, Any], run: str
) -> Recorded:
    """Record a drill in the history and in the evidence, as the run of a flow."""
    request, now = RecordRequest(**parameters), datetime.now(UTC)
    target = find_target(settings.schedule, settings.history, request.schedule_id)
    further = request.further
    drill = build_drill(
        read_entry(json.dumps(further).encode(), "further") if further else NOTHING,
        read_fields(request.drill_fields),
        schedule_id=target.schedule.schedule_id,
        runbook_ref=target.schedule.runbook_ref,
        now=now,
    )
    recorded = record_drill(target, drill, settings.criteria, now=now, advance=request.advance, again=True)
    database = Database.open(url)
    index_run(
        database,
        (),
        drills=recorded.find_evidence(created_at=now, signer=request.generated_by),
        created_at=now,
        signer=request.generated_by,
        redact=lambda record: record,
        open_key=open_key,
        flow_run_id=run,
    )
    database.engine.dispose()
    return recorded
