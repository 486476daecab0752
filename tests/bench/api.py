"""Reads of the API over many schedules and rows, against a FastAPI endpoint with the bytes ready-made."""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.outbox.commit import commit
from tests.bench.api_process import TOKEN
from tests.bench.figures import alternate, print_throughput
from tests.bench.judging import write_fleet
from tests.bench.ledger import START, make_records
from tests.checkout import ROOT
from tests.samples.builders import open_key
from tests.samples.outbox import make_entries

SCHEDULES = 10_000
ROWS = 200_000
NOTIFICATIONS = 10_000
REQUESTS = 4_000
AT_ONCE = 16
RUNS = 5
_OF_NOTIFICATIONS = "/runtime/go-pilot/rollback-drill-notifications"
PATHS = (
    "/runtime/go-pilot/rollback-drills?limit=10",
    "/runtime/go-pilot/rollback-drill-schedule?schedule_id=service-0042",
    "/deployment/production-readiness?limit=10",
    f"{_OF_NOTIFICATIONS}?limit=10",
    f"{_OF_NOTIFICATIONS}/routes?limit=10",
    f"{_OF_NOTIFICATIONS}/suppression-trends",
    "/badges/service-0042.svg",
    "/healthz",
)


def report() -> None:
    """Print `api_read_ratio`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = _write_world(folder)
        with _running("ours", str(folder / "documents"), url) as ours:
            _keep_answers(ours, folder)
            with _running("ready", str(folder)) as ready:
                ours_took, ready_took = alternate(
                    lambda: asyncio.run(_ask(ours)), lambda: asyncio.run(_ask(ready)), RUNS
                )
    print_throughput(
        "api_read_ratio",
        ours_took,
        ready_took,
        at_least=0.5,
        runs=RUNS,
        what=f"{REQUESTS} reads over {SCHEDULES:,} schedules and {ROWS:,} rows / FastAPI with the same bytes"
        f" ready-made; {len(PATHS)} paths, {AT_ONCE} connections",
    )


def _write_world(folder: Path) -> str:
    (folder / "documents").mkdir()
    write_fleet(folder / "documents", SCHEDULES)
    url = f"sqlite:///{folder / 'evidence.db'}"
    database = Database.open(url)
    for start in range(0, ROWS, 1000):
        append(database, make_records(start, 1000), open_key)
    commit(database, list(make_entries(NOTIFICATIONS)), [], now=START.timestamp())
    database.engine.dispose()
    return url


def _keep_answers(port: int, folder: Path) -> None:
    """Ask for everything once, and keep it for the other server."""
    kept = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        for number, path in enumerate(PATHS):
            answer = client.get(path, headers={"authorization": f"Bearer {TOKEN}"}).raise_for_status()
            (folder / str(number)).write_bytes(answer.content)
            kept[path.partition("?")[0]] = (str(number), answer.headers["content-type"])
    (folder / "paths.json").write_text(json.dumps(kept))


async def _ask(port: int) -> None:
    """Ask for the paths in turn, on some connections that stay open; the client must not be what is slow."""
    todo = iter([PATHS[number % len(PATHS)] for number in range(REQUESTS)])

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in todo:
            writer.write(
                f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200"), head
            length = head.partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(length))
        writer.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


@contextmanager
def _running(*arguments: str) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.bench.api_process", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
