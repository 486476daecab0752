"""Runs a check for every line that it reads, and says how the run ended; its clock is moved meanwhile.

A line names a schedule. A check in which something of that schedule is new becomes a run of the flow. Any
other check is done by the same functions and writes the same to the outbox and the evidence, but Prefect does
not hear of it: a year of flow runs takes hours. An empty line says that nothing can have changed: what the
last check found is then recorded once more.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from prefect import State, Task
from prefect.client import base
from prefect.logging import disable_run_logger
from prefect.states import Completed
from prefect.utilities.annotations import quote
from sqlalchemy import select

from blocks.ledger_key import open_signing_key
from flows.check.delivery import Delivered
from flows.check.ending import join_runs
from flows.check.evidence import keep_evidence
from flows.check.planning import Checked, Run, begin_run, judge_fleet, plan_fleet
from flows.check.starting import run_check
from flows.drill_check import drill_check
from rollback_drills.database.tables import LAST_FINDINGS, OUTBOX
from rollback_drills.evidence.checks.population import Concluded, Population
from rollback_drills.planning.finding import find_finding
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.planning.requests import DrillCheckRequest
from rollback_drills.settings import read_settings
from tasks.evidence import index_evidence, read_clock
from tasks.head_artifact import Memory
from tasks.remembered_head import Comparison
from tests.e2e.moved_clock import write_seconds

_RETRY_SECONDS = 0.1
_open_key = cache(open_signing_key)
_found: list[ScheduleCheck] = []
"""By the last check that has looked."""


class _Ended:
    """Stands for the future of a task that was called as a function."""

    def __init__(self, state: State[Any]) -> None:
        self.state = state

    def wait(self, timeout: float | None = None) -> None:
        """Has ended."""


def main() -> None:
    """Run checks until there is nothing more to read."""
    # SQLite answers two writers at once with 503, and Prefect's client tries again after two seconds
    with patch.object(base, "clamped_poisson_interval", lambda *_: _RETRY_SECONDS):
        for line in sys.stdin:
            sys.stdout.write(f"{check(line.strip())}\n")
            sys.stdout.flush()


def check(followed: str) -> str:
    """Run one check, and return how it ended."""
    with _plain_steps():
        run = begin_run(DrillCheckRequest(), read_settings(os.environ))
        if not followed:
            _record_again(run)
            return "nothing can be new"
        checked = plan_fleet(run, *judge_fleet(run))
        _found[:] = checked.fleet.checks
        news = _find_news(run, checked)
        if not news:
            runs = join_runs(checked.fleet.checks, Delivered(), checked.guard.reasons)
            keep_evidence(run, checked, runs, read_clock(run.database_url), None)
            return "nothing new"
        if followed not in news:
            ended = run_check(DrillCheckRequest(), _check_shard)
            return f"{ended.name} without a flow run\t{ended.message}"
    write_seconds(Path(os.environ["SERVER_CLOCK_FILE"]), Path(os.environ["MOVED_CLOCK_FILE"]).read_bytes())
    state = drill_check(return_state=True)
    return f"{state.name}\t{state.message}"


def _check_shard(**_: Any) -> State[Any]:
    raise AssertionError("the fleet is too small for shards")


def _record_again(run: Run) -> None:
    """Record a check that found what the last one has found."""
    concluded = [
        Concluded(
            each.schedule_id, find_finding(each).digest(), each.judgement.readiness, "", False, lambda: ()
        )
        for each in _found
    ]
    looked = Population(run.population_id, run.watched, run.now, concluded)
    url, signer = run.database_url, run.request.generated_by
    index_evidence([], {}, run.now, signer, url, _open_key, looked, Comparison(None))


def _find_news(run: Run, checked: Checked) -> set[str]:
    """Return the schedules of which a check would write more than that it has looked at them."""
    checks = checked.fleet.checks
    if run.database is None:
        return {each.schedule_id for each in checks}
    known = select(LAST_FINDINGS.c.schedule_id, LAST_FINDINGS.c.finding_digest)
    waiting = select(OUTBOX.c.schedule_id).where(OUTBOX.c.due_at <= run.now.timestamp())
    with run.database.read() as connection:
        last = {row.schedule_id: row.finding_digest for row in connection.execute(known)}
        news = set(connection.scalars(waiting))
    return news | {
        each.schedule_id
        for each in checks
        if each.plan.deliverable_route_count or last.get(each.schedule_id) != find_finding(each).digest()
    }


@contextmanager
def _plain_steps() -> Iterator[None]:
    """Let tasks be functions, within a run that Prefect does not know and that publishes nothing."""

    def call(task: Task[Any, Any], *args: Any, **kwargs: Any) -> Any:
        return task.fn(*map(_plain, args), **kwargs)

    def submit(task: Task[Any, Any], *args: Any, **kwargs: Any) -> _Ended:
        return _Ended(Completed(data=call(task, *args, **kwargs)))

    own_id = {"PREFECT__RUNTIME__FLOW_RUN__ID": str(uuid4())}
    with (
        patch.object(Task, "__call__", call),
        patch.object(Task, "submit", submit),
        patch("flows.check.process.publish"),
        patch("flows.check.planning.open_key_ahead", lambda _: _open_key),
        patch("tasks.remembered_head.recall", lambda _: Memory()),
        patch("tasks.remembered_head.remember"),
        patch.dict(os.environ, own_id),
        disable_run_logger(),
    ):
        yield


def _plain(value: Any) -> Any:
    return value.unwrap() if isinstance(value, quote) else value


if __name__ == "__main__":
    main()
