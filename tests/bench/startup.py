"""`drills check --json` as a process, against `python -c "import pydantic"`."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import alternate, print_figure

RUNS = 15


def report() -> None:
    """Print `check_startup_ratio`."""
    command = Path(sys.executable).with_name("drills")
    with tempfile.TemporaryDirectory() as folder:
        schedule = Path(folder) / "schedule.json"
        schedule.write_text(json.dumps({"schedule_id": "payments", "next_due_at": "2126-01-01T00:00:00Z"}))

        def check() -> None:
            done = subprocess.run(
                [str(command), "check", "--json", "--schedule", str(schedule)],
                capture_output=True,
                check=False,
            )
            assert done.returncode == 1, done.stderr
            assert json.loads(done.stdout)["schedule"]["schedule_id"] == "payments"

        def import_pydantic() -> None:
            subprocess.run([sys.executable, "-c", "import pydantic"], check=True)

        ours, baseline = alternate(check, import_pydantic, RUNS)
    what = 'drills check --json / python -c "import pydantic", each as a process'
    print_figure("check_startup_ratio", ours, baseline, at_most=3.0, runs=RUNS, what=what)
