"""What a run writes and asks when nothing changed, and how long it takes beside judging alone."""

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from sqlalchemy import func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from tests.bench.figures import print_count, print_figure

SIZES = (1_000, 10_000)
RUNS_FOR_BYTES = 100
RUNS_FOR_TIME = 5


def report() -> None:
    """Print the figures of runs in which nothing changed."""
    with quiet_server():
        for count in SIZES:
            with tempfile.TemporaryDirectory() as folder:
                _measure(Path(folder), count)


@contextmanager
def quiet_server() -> Iterator[None]:
    """Run a Prefect server that logs nothing, without heartbeats."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    no_heartbeats = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with prefect_test_harness(server_startup_timeout=120), no_heartbeats:
        yield


def _measure(folder: Path, count: int) -> None:
    from flows.drill_check import drill_check

    url = f"sqlite:///{folder}/evidence.db"
    os.environ["DRILLS_DATABASE_URL"] = url
    schedules = write_fleet(folder, count)

    def check() -> None:
        state = drill_check(schedule=schedules, return_state=True)
        assert state.name == "Ready", state

    def rows() -> int:
        with Database.open(url).read() as connection:
            return connection.scalar(select(func.count()).select_from(LEDGER)) or 0

    check()  # writes every schedule and the page of the day
    before = rows()
    with counting_requests() as requests:
        check()
    of = f"in a run of {count:,} unchanged schedules"
    print_count("unchanged_run_requests", len(requests), at_most=60, what=f"requests to the Prefect API {of}")
    print_count("unchanged_run_rows", rows() - before, at_most=1, what=f"evidence rows {of}")
    if count == SIZES[0]:
        grown = _size(url)
        for _ in range(RUNS_FOR_BYTES):
            check()
        what = f"growth of the database over {RUNS_FOR_BYTES} runs of {count:,} unchanged schedules"
        print_count("unchanged_run_bytes", _size(url) - grown, at_most=500_000, what=what)
    ours, baseline = _time(check, lambda: judge_and_run_nothing(schedules))
    what = f"warm run of {count:,} unchanged schedules / reading, judging and planning them + an empty flow"
    print_figure("fleet_run_ratio", ours, baseline, at_most=1.5, runs=RUNS_FOR_TIME, what=what)


def judge_and_run_nothing(schedules: str) -> None:
    from prefect import flow

    from rollback_drills.documents.fleets.fleet import load_fleet
    from rollback_drills.planning.fleet_check import ScheduleCheck
    from rollback_drills.planning.plan_request import PlanRequest
    from rollback_drills.readiness.criteria import Criteria
    from rollback_drills.readiness.judgement import judge_all

    @flow
    def empty() -> None:
        pass

    now, request = datetime.now(UTC), PlanRequest()
    subjects = load_fleet(schedules, None).subjects
    for subject, judgement in zip(subjects, judge_all(subjects, Criteria(), now=now), strict=True):
        ScheduleCheck(subject, judgement).plan_at_once(request, now=now)
    empty()


def _time(ours: Callable[[], None], baseline: Callable[[], None]) -> tuple[float, float]:
    """Return the best of several runs in turn: what else the machine does only adds to a time."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS_FOR_TIME):
        for what, into in ((ours, times[0]), (baseline, times[1])):
            started = perf_counter()
            what()
            into.append(perf_counter() - started)
    return min(times[0]), min(times[1])


@contextmanager
def counting_requests() -> Iterator[list[str]]:
    """Count every request of the Prefect clients of this process."""
    import httpx

    requests: list[str] = []
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def note(client: httpx.Client, request: httpx.Request, **options: object) -> httpx.Response:
        requests.append(f"{request.method} {request.url.path}")
        return send(client, request, **options)  # type: ignore[arg-type]  # whatever it was called with

    async def note_async(
        client: httpx.AsyncClient, request: httpx.Request, **options: object
    ) -> httpx.Response:
        requests.append(f"{request.method} {request.url.path}")
        return await send_async(client, request, **options)  # type: ignore[arg-type]  # as above

    httpx.Client.send, httpx.AsyncClient.send = note, note_async  # type: ignore[method-assign,assignment]
    try:
        yield requests
    finally:
        httpx.Client.send, httpx.AsyncClient.send = send, send_async  # type: ignore[method-assign]


def _size(url: str) -> int:
    """Return how many bytes of the database are in use."""
    with Database.open(url).read() as connection:
        names = ("page_count", "freelist_count", "page_size")
        pages, free, size = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names)
    return int((pages - free) * size)


def write_fleet(folder: Path, count: int, *, overdue_every: int = 0) -> str:
    """Write schedules of 2 owners as a file of JSON Lines; all are healthy, or each n-th is overdue."""
    now = datetime.now(UTC)
    schedules = folder / "schedules.jsonl"
    with schedules.open("w") as file:
        for number in range(count):
            name = f"service-{number:06d}"
            is_overdue = overdue_every and number % overdue_every == 0
            days = -3 if is_overdue else 30 + number % 60
            schedule = {
                "schema_version": "cavra.go-backend-rollback-drill-schedule.v1",
                "schedule_id": name,
                "environment": "production",
                "status": "active",
                "interval_days": 30,
                "next_due_at": (now + timedelta(days=days)).isoformat(),
                "owners": [f"team-{number % 50}", "release-governance"],
                "notification_providers": ["webhook"],
                "runbook_ref": "docs/runbook.md",
            }
            file.write(json.dumps(schedule) + "\n")
    return str(schedules)
