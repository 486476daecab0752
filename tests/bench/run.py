"""Prints one JSON line for each benchmark figure: a ratio against a baseline of the same run."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from tests.bench import (
        api,
        console,
        delivery,
        first_run,
        flow_overhead,
        judging,
        ledger,
        reviewing,
        shards,
        simulating,
        startup,
        unchanged_runs,
    )

    delivery.report()
    judging.report()
    startup.report()
    flow_overhead.report()
    unchanged_runs.report()
    first_run.report()
    shards.report()
    simulating.report()
    ledger.report()
    reviewing.report()
    api.report()
    console.report()
