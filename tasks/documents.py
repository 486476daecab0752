"""Loads the documents of a run."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from rollback_drills.documents.fleet import Fleet, load_fleet
from rollback_drills.documents.partial_fleet import load_shard
from rollback_drills.documents.shard import Shard


@task(task_run_name="load-documents", cache_policy=NO_CACHE, persist_result=False)
def load_documents(schedule_path: str | None, history_path: str | None, shard: Shard | None = None) -> Fleet:
    """Load the schedules and histories that the paths stand for, or those of a shard."""
    if shard is None:
        fleet = load_fleet(schedule_path, history_path)
    else:
        fleet = load_shard(schedule_path, history_path, shard)
    logger = get_run_logger()
    logger.info("%d schedules", len(fleet.subjects))
    for warning in fleet.warnings:
        logger.warning("%s", warning)
    return fleet
