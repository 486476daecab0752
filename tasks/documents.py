"""Loads the documents of a run."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.documents.fleets.fleet import Fleet, load_fleet
from rollback_drills.documents.fleets.partial_fleet import load_shard
from rollback_drills.documents.fleets.shard import Shard
from rollback_drills.rendering.counts import write_count
from rollback_drills.settings import Settings


@task(task_run_name="load-documents", cache_policy=NO_CACHE, persist_result=False)
def load_documents(settings: Settings, shard: Shard | None = None) -> Fleet:
    """Load the schedules and histories that the settings stand for, or those of a shard."""
    if shard is None:
        fleet = load_fleet(settings.schedule, settings.history, settings.changes)
    else:
        fleet = load_shard(settings.schedule, settings.history, shard, settings.changes)
    logger = get_run_logger()
    logger.info("%s", write_count(len(fleet.subjects), "schedule"))
    for warning in fleet.warnings:
        logger.warning("%s", warning)
    return fleet
