"""Starts the process of a check: on demand, for one shard, for a small fleet, or shard by shard."""

import gc
import os
from collections.abc import Callable
from typing import Final

from flows.check.process import run_process
from flows.check.shard_runs import CheckShard
from flows.check.sharded_check import check_in_shards
from flows.failing import fail
from flows.results import FinalState
from rollback_drills.documents.fleets.fleet import count_schedules
from rollback_drills.documents.fleets.shard import find_shards, read_shard
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills.planning.requests import DeliverRequest, DrillCheckRequest
from rollback_drills.settings import Settings, read_settings

_RARE_COLLECTIONS: Final = (1_000_000, 50, 50)
"""After so many new objects Python looks for garbage, and then among the older ones."""


def run_on_demand(request: DeliverRequest) -> FinalState:
    """Run the process, and return the final state of the flow run, with the data of every schedule.

    What the caller got wrong ends the run as failed, before anything is written or sent. An error that comes
    later says that the run had begun to deliver.
    """
    return _explain_errors(request, lambda settings: run_process(request, settings))


def run_check(request: DrillCheckRequest, check_shard: CheckShard) -> FinalState:
    """Run the process for one shard, for a small fleet at once, or for a large one shard by shard.

    The data of a fleet leaves out the schedules of which nothing is new: Prefect looks through every value.
    """
    # a large fleet is millions of objects, and hardly any cycle of them is garbage
    gc.set_threshold(*_RARE_COLLECTIONS)

    def check(settings: Settings) -> FinalState:
        if request.shard is not None:
            return run_process(request, settings, shard=read_shard(request.shard))
        shards = find_shards(count_schedules(settings.schedule), settings.shard_size)
        if len(shards) > 1:
            return check_in_shards(request, settings, shards, check_shard)
        return run_process(request, settings, only_news=True)

    return _explain_errors(request, check)


def _explain_errors(request: DeliverRequest, run: Callable[[Settings], FinalState]) -> FinalState:
    before = count_effects()
    try:
        return run(read_settings(os.environ, **dict(request)))
    except DrillsError as error:
        return fail(error, effects_before=before)
