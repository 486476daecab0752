"""Records a performed drill in the history and in the evidence."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.recording.drill_entry import NOTHING, build_drill, read_entry, read_fields
from rollback_drills.recording.recorder import Recorded, record_drill
from rollback_drills.recording.target import Target
from rollback_drills.rendering.counts import write_count


@task(task_run_name="write-drill-down", cache_policy=NO_CACHE)
def write_drill_down(
    target: Target,
    fields: Mapping[str, Any],
    further: PlainJson | None,
    criteria: Criteria,
    now: datetime,
    *,
    create: bool,
    advance: bool,
) -> Recorded:
    """Add a drill to the history on disk, made of its fields and of further ones, unless it is there."""
    drill = build_drill(
        read_entry(json.dumps(further).encode(), "further") if further else NOTHING,
        read_fields(fields),
        schedule_id=target.schedule.schedule_id,
        runbook_ref=target.schedule.runbook_ref,
        now=now,
    )
    recorded = record_drill(target, drill, criteria, now=now, create=create, advance=advance, again=True)
    what = "is recorded" if recorded.is_new else "was recorded before"
    get_run_logger().info("%s %s; %s", drill.drill_id, what, write_count(len(recorded.problems), "problem"))
    return recorded
