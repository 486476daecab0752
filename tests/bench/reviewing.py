"""The suppression trend of a year of hourly checks, against counts that the database makes itself."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import LEDGER
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import DECISION_KIND
from rollback_drills.reports.filters import CATEGORIES, RouteFilter
from rollback_drills.reports.period import Period
from rollback_drills.reports.trend import find_trend
from tests.bench.figures import alternate, print_figure
from tests.samples.builders import open_key
from tests.samples.plain_records import as_record, start_record

DECISIONS = 200_000
BATCH = 5_000
RUNS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = Period(START, START + timedelta(days=365))


def report() -> None:
    """Print `trend_ratio`."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/evidence.db")
        for start in range(0, DECISIONS, BATCH):
            append(database, list(_make_decisions(start)), open_key)

        def ours() -> None:
            trend = find_trend(database, RouteFilter(), YEAR, now=START, generated_by="bench")
            assert trend.decision_count == DECISIONS

        def baseline() -> None:
            names = ("action", "category", "owner", "provider", "schedule_id")
            by = [*(LEDGER.c[name] for name in names), func.substr(LEDGER.c.created_at, 1, 10)]
            with database.read() as connection:
                wanted = [*RouteFilter().to_sql(connection), *YEAR.to_sql()]
                counts = select(*by, func.count()).where(*wanted).group_by(*by)
                assert sum(row[-1] for row in connection.execute(counts)) == DECISIONS

        seconds = alternate(ours, baseline, RUNS)
        database.engine.dispose()
    what = f"a trend of {DECISIONS:,} decisions over 53 weeks / the same counts by GROUP BY, SQLite"
    print_figure("trend_ratio", *seconds, at_most=1.2, runs=RUNS, what=what)


def _make_decisions(start: int) -> Iterator[Record]:
    for number in range(start, start + BATCH):
        category = CATEGORIES[number % len(CATEGORIES)]
        created_at = START + timedelta(seconds=number * 150)
        yield as_record(
            {
                **start_record(
                    DECISION_KIND, f"rcd-{number:012x}", created_at=created_at, signer="drill-check"
                ),
                "schedule_id": f"payments-{number % 977}",
                "cycle_id": f"gordcycle-{number % 3000:016x}",
                "plan_id": f"gordn-{number:016x}",
                "status": "due_soon",
                "alert_level": "warning",
                "route_key": f"gordroute-{number % 9000:016x}",
                "provider": ("slack", "teams", "jira")[number % 3],
                "owner": f"team-{number % 40}",
                "action": "deliver" if category == "deliver" else "suppress",
                "category": category,
                "reason": "the drill is due soon",
                "maintenance_window": None,
                "owner_availability": {"available": True, "reason": ""},
                "deferred_until": None,
            }
        )
