"""Lets a year of hourly checks pass on a real Prefect server, and prints what it leaves.

    python -m tests.e2e.year FOLDER [DAYS]

The databases stay in FOLDER; `tests.e2e.year_pictures` takes the pictures of docs/audit-trail.md from them.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import HEADS, LEDGER, OUTBOX
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer, wait_until
from tests.e2e.moved_clock import MovedClock
from tests.e2e.year_fleet import FOLLOWED, YearOfDrills, hours
from tests.processes.loopback_receiver import running_receiver
from tests.processes.prefect_server import copy_migrated, write_authority
from tests.samples.records import RECORD_KINDS

PORT: Final = 4217
_YEAR: Final = 365
_IDLE_SERVICES: Final = (
    "TRIGGERS",
    "SCHEDULER",
    "LATE_RUNS",
    "FOREMAN",
    "PAUSE_EXPIRATIONS",
    "CANCELLATION_CLEANUP",
)


@contextmanager
def moved_server(home: Path, clock: MovedClock) -> Iterator[PrefectServer]:
    """Start a Prefect server whose clock is moved, as are those of all that use its environment."""
    api = f"http://127.0.0.1:{PORT}/api"
    copy_migrated(home / "prefect/prefect.db") if not (home / "prefect/prefect.db").exists() else None
    environ = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "CAVRA_", "DRILLS_"))
        },
        **clock.environ,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": api,
        "PREFECT_API_SSL_CERT_FILE": write_authority(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # the clock jumps from hour to hour, and with it whatever a server does from time to time
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _IDLE_SERVICES},
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "DRILLS_DATABASE_URL": f"sqlite:///{home / 'evidence.db'}",
        "DRILLS_MODE": "promoted",
        "DRILLS_SCHEDULE": str(home / "fleet"),
        "HOME": str(home),
    }
    server = PrefectServer(api, environ, home)
    with server.running("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(PORT)):
        wait_until(lambda: _answers(f"{api}/health"), within_seconds=300)
        yield server


def _answers(url: str) -> bool | None:
    try:
        return httpx.get(url, timeout=2).is_success or None
    except httpx.HTTPError:
        return None


def live(home: Path, days: int) -> None:
    """Let a number of days pass, and print what they leave."""
    home.mkdir(parents=True, exist_ok=True)
    of_server, of_runs = MovedClock(home / "server-clock"), MovedClock(home / "run-clock")
    fleet = YearOfDrills(home / "fleet")
    first, _ = next(hours(1))
    of_server.set(first)
    of_runs.set(first)
    with running_receiver() as receiver, moved_server(home, of_server) as server:
        config = home / "connectors.json"
        config.write_text(json.dumps({"connectors": {"webhook": {"url": f"{receiver.url}/hook"}}}))
        server.run("rollback_drills_cli.main", "connectors", "import", str(config))
        _run_checks(server, of_server, of_runs, fleet, days)


def _run_checks(
    server: PrefectServer, of_server: MovedClock, clock: MovedClock, fleet: YearOfDrills, days: int
) -> None:
    states: Counter[str] = Counter()
    began, run_count, drill_count = time.monotonic(), 0, 0
    with (server.home / "runs.log").open("w") as log, (server.home / "runs.err").open("w") as errors:
        runs = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.year_runs"],
            cwd=ROOT,
            env={**server.environ, **clock.environ, "SERVER_CLOCK_FILE": str(of_server.file)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert runs.stdin is not None
        assert runs.stdout is not None
        for hour, can_change in hours(days):
            drill_count += fleet.live_until(hour)
            clock.set(hour)
            runs.stdin.write(f"{FOLLOWED if can_change else ''}\n")
            runs.stdin.flush()
            name, _, message = runs.stdout.readline().rstrip("\n").partition("\t")
            log.write(f"{hour.isoformat()}\t{name}\t{message}\n")
            log.flush()
            run_count += 1
            states[name] += 1
        runs.stdin.close()
        runs.wait(timeout=120)
    _print("runs", run_count)
    _print("seconds", round(time.monotonic() - began, 1))
    _print("drills", drill_count)
    for name, count in sorted(states.items()):
        _print(f"runs_ended_{name}", count)


def measure(home: Path) -> None:
    """Print sizes, rows and the time of verification."""
    database = Database.at(f"sqlite:///{home / 'evidence.db'}")
    with database.read() as connection:
        for kind in RECORD_KINDS:
            count = connection.scalar(select(func.count()).where(LEDGER.c.metadata_kind == kind))
            size = connection.scalar(
                select(func.sum(func.length(LEDGER.c.record))).where(LEDGER.c.metadata_kind == kind)
            )
            if count:
                _print(f"rows {kind}", count, bytes_of_records=size)
        for table in (LEDGER, HEADS, OUTBOX):
            _print(f"rows of {table.name}", connection.scalar(select(func.count()).select_from(table)))
    began = time.process_time()
    result = verify_ledger(database, Trust(), lambda _: None)
    _print("CPU seconds of verification", round(time.process_time() - began, 2), intact=result.is_intact)
    _print("bytes of the evidence database", (home / "evidence.db").stat().st_size)
    _print("bytes of Prefect's database", (home / "prefect/prefect.db").stat().st_size)


def _print(figure: str, value: Any, **more: Any) -> None:
    sys.stdout.write(json.dumps({"figure": figure, "value": value, **more}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    live(folder, int(sys.argv[2]) if len(sys.argv) > 2 else _YEAR)
    measure(folder)
