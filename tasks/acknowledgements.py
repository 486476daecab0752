"""Writes acknowledgements into the evidence."""

from collections.abc import Sequence
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.followup.acknowledgements.acknowledgement import Acknowledgement, AcknowledgementRecord
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import acknowledge
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.events.act_events import acknowledgement_event
from tasks.events import emit
from tasks.evidence import index_evidence, open_existing


@task(task_run_name="acknowledge-routes", cache_policy=NO_CACHE)
def acknowledge_routes(
    choices: Sequence[RouteChoice], given: Acknowledgement, now: datetime, url: str, *, are_listed: bool
) -> list[AcknowledgementRecord]:
    """Acknowledge the routes that are meant, all of them or none, and return the records.

    Raises:
        UsageError: A name is unknown, or something is said that cannot be.
    """
    database = open_existing(url, to_write=True)
    if database is None:
        raise UsageError("there is no evidence yet, and so nothing to acknowledge; has a drill check run?")
    records = acknowledge(
        EvidenceIndex(database),
        [(choice, given) for choice in choices],
        now=now,
        created_at=now,
        are_listed=are_listed,
    )
    index_evidence(records, {}, now, given.acknowledged_by, url)
    emit(map(acknowledgement_event, records))
    get_run_logger().info("%s", write_count(len(records), "route"))
    return records
