"""The first run of a fleet, which records every schedule and notifies a tenth of the owners."""

import os
import tempfile
import time
from pathlib import Path

from tests.bench.figures import print_figure
from tests.bench.unchanged_runs import judge_and_run_nothing, quiet_server, write_fleet
from tests.processes.loopback_receiver import running_receiver

SCHEDULES = 10_000
OVERDUE_EVERY = 10
RUNS = 3


def report() -> None:
    """Print `first_run_ratio`."""
    with quiet_server(), running_receiver() as receiver, tempfile.TemporaryDirectory() as folder:
        from prefect.blocks.system import Secret

        from blocks.webhook import WebhookConnector

        WebhookConnector(url=Secret(value=f"{receiver.url}/hook")).save("webhook", overwrite=True)
        schedules = write_fleet(Path(folder), SCHEDULES, overdue_every=OVERDUE_EVERY)
        judge_and_run_nothing(schedules)
        baseline = min(_time_baseline(schedules) for _ in range(RUNS))
        ours = min(_time_first_run(schedules, f"sqlite:///{folder}/{number}.db") for number in range(RUNS))
    what = (
        f"first run of {SCHEDULES:,} schedules; {SCHEDULES // OVERDUE_EVERY:,} are overdue, of 2 owners each"
        " / reading, judging and planning them + an empty flow"
    )
    print_figure("first_run_ratio", ours, baseline, at_most=8, runs=RUNS, what=what)


def _time_baseline(schedules: str) -> float:
    began = time.perf_counter()
    judge_and_run_nothing(schedules)
    return time.perf_counter() - began


def _time_first_run(schedules: str, url: str) -> float:
    from flows.drill_check import drill_check

    os.environ["DRILLS_DATABASE_URL"] = url
    began = time.perf_counter()
    state = drill_check(schedule=schedules, return_state=True)
    taken = time.perf_counter() - began
    delivered = 2 * SCHEDULES // OVERDUE_EVERY
    assert f"notifications delivered: {delivered};" in f"{state.message};", state
    return taken
