"""The ledger against plain INSERTs of the same rows, its growth, and how fast an export is verified."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Column, Index, MetaData, Table, insert

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.appender import append, columns_of
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import ROUTE_DELIVERY_KIND
from tests.bench.figures import alternate, print_figure, print_throughput
from tests.checkout import ROOT
from tests.samples.builders import KEY, open_key
from tests.samples.plain_records import as_record, start_record
from tests.samples.schemas import POSTGRES, empty_schema

ROWS = 10_000
BATCH = 500
EXPORTED = 200_000
SMALL, LARGE = 10_000, 1_000_000
START = datetime(2026, 1, 1, tzinfo=UTC)


def report() -> None:
    """Print `append_ratio`, `append_growth_ratio` and `verify_rows_per_second`."""
    with tempfile.TemporaryDirectory() as folder:
        _report_appends(f"sqlite:///{folder}/appends.db", "SQLite")
    if POSTGRES:
        with empty_schema() as url:
            _report_appends(url, "PostgreSQL")
    with tempfile.TemporaryDirectory() as folder:
        _report_growth(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _report_verification(Path(folder))


def make_records(start: int, count: int) -> list[Record]:
    """Make records as a run leaves them: the outcome of a notification each."""
    return [_make_record(number) for number in range(start, start + count)]


def _make_record(number: int) -> Record:
    start = start_record(
        ROUTE_DELIVERY_KIND,
        f"rcd-payments-{number:012x}",
        created_at=START + timedelta(seconds=number),
        signer="drill-check",
    )
    return as_record(
        {
            **start,
            "schedule_id": f"payments-{number % 977}",
            "cycle_id": f"gordcycle-{number * 2654435761 % 2**32:016x}",
            "plan_id": f"gordn-{number:016x}",
            "status": "needs_attention",
            "event_id": f"gordevent-{number:016x}",
            "event_type": "cavra.go_backend.rollback_drill.notification",
            "generated_at": start["created_at"],
            "delivery_success": number % 50 != 0,
            "provider": "slack",
            "owner": f"team-{number % 40}",
            "notification_id": f"gordmsg-{number:016x}",
            "notification_reason": "first",
            "outcome": "delivered" if number % 50 else "dead",
            "attempt_count": 1,
            "status_code": 200,
            "error": "",
            "request": {
                "method": "POST",
                "url": "https://hooks.slack.com/services/[redacted]",
                "headers": {},
            },
        }
    )


def _report_appends(url: str, name: str) -> None:
    """Append in batches with a signed head each, against plain batched INSERTs of the same columns."""
    database = Database.open(url)
    metadata = MetaData()
    plain = Table(
        "plain",
        metadata,
        *(
            Column(
                each.name, each.type, primary_key=each.primary_key, nullable=each.nullable, index=each.index
            )
            for each in LEDGER.c
            if each.name != "hashes"
        ),
    )
    Index("plain_by_schedule_and_kind", plain.c.schedule_id, plain.c.metadata_kind, plain.c.leaf_index)
    metadata.create_all(database.engine)
    batches = [make_records(start, BATCH) for start in range(0, ROWS, BATCH)]
    placed = iter(range(10**9))

    def ours() -> None:
        for batch in batches:
            append(database, batch, open_key)

    def baseline() -> None:
        for batch in batches:
            numbered = (msgspec.structs.replace(record, leaf_index=next(placed)) for record in batch)
            rows = [{**columns_of(each), "record": msgspec.json.encode(each).decode()} for each in numbered]
            with database.write() as connection:
                connection.execute(insert(plain), rows)

    seconds = alternate(ours, baseline, 5)
    what = f"{ROWS} rows in batches of {BATCH} into the ledger / as plain INSERTs, {name}"
    print_throughput("append_ratio", *seconds, at_least=0.5, runs=5, what=what)
    database.engine.dispose()


def _report_growth(folder: Path) -> None:
    """Time the append of a run to a ledger of a million rows against one of ten thousand."""
    databases = [Database.open(f"sqlite:///{folder}/{size}.db") for size in (SMALL, LARGE)]
    for database, size in zip(databases, (SMALL, LARGE), strict=True):
        for start in range(0, size, SMALL):
            append(database, make_records(start, SMALL), open_key)
    number = iter(range(LARGE, 10**9, 50))

    def timed(database: Database) -> float:
        records = make_records(next(number), 50)
        started = time.perf_counter()
        append(database, records, open_key)
        return time.perf_counter() - started

    small, large = databases
    times: tuple[Sequence[float], Sequence[float]] = ([], [])
    for _ in range(200):
        times = ([*times[0], timed(large)], [*times[1], timed(small)])
    ours, baseline = (statistics.median(each) for each in times)
    what = f"an append of 50 rows with its commit at {LARGE:,} rows / at {SMALL:,} rows, SQLite"
    print_figure("append_growth_ratio", ours, baseline, at_most=1.2, runs=200, what=what)


def _report_verification(folder: Path) -> None:
    """Verify exports of two sizes in processes of their own, and compare the memory they took."""
    from rollback_drills.evidence.export.bundle import export

    found = {}
    for count in (EXPORTED // 10, EXPORTED):
        database = Database.open(f"sqlite:///{folder}/{count}.db")
        for start in range(0, count, 1000):
            append(database, make_records(start, 1000), open_key)
        bundle = folder / f"bundle-{count}"
        export(database, Query(), bundle, key=KEY, exported_at=START, progress=lambda _: None)
        runs = [_verify(bundle) for _ in range(3)]
        found[count] = (statistics.median(each[0] for each in runs), max(each[1] for each in runs))
        database.engine.dispose()
    seconds, megabytes = found[EXPORTED]
    figure = {
        "figure": "verify_rows_per_second",
        "rows_per_second": round(EXPORTED / seconds),
        "at_least": 100_000,
        "seconds": round(seconds, 2),
        "memory_ratio": round(megabytes / found[EXPORTED // 10][1], 2),
        "megabytes": round(megabytes),
        "runs": 3,
        "what": f"an export of {EXPORTED:,} rows, files included; memory against an export of a tenth",
    }
    print(json.dumps(figure), flush=True)  # noqa: T201 - this is the report


def _verify(bundle: Path) -> tuple[float, float]:
    """Return the seconds of a verification, and the most megabytes that its process took."""
    script = (
        "import re, sys, time; from pathlib import Path\n"
        "from rollback_drills.evidence.verify.auditor import Trust\n"
        "from rollback_drills.evidence.verify.bundle import verify_bundle\n"
        "started = time.perf_counter()\n"
        "result = verify_bundle(Path(sys.argv[1]), Trust(), lambda _: None)\n"
        "assert result.is_intact, result.findings\n"
        "seconds = time.perf_counter() - started\n"
        "peak = re.search('VmHWM:\\\\s+(\\\\d+)', Path('/proc/self/status').read_text())\n"
        "print(seconds, int(peak[1]) / 1024)"
    )
    command = [sys.executable, "-c", script, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes
