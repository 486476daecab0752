"""`drills check --json` and `drills gate --json` as processes, against `python -c "import pydantic"`."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import alternate, print_figure

RUNS = 15


def report() -> None:
    """Print `check_startup_ratio` and `gate_startup_ratio`."""
    for command in ("check", "gate"):
        _report(command)


def _report(command: str) -> None:
    drills = Path(sys.executable).with_name("drills")
    with tempfile.TemporaryDirectory() as folder:
        schedule = Path(folder) / "schedule.json"
        schedule.write_text(json.dumps({"schedule_id": "payments", "next_due_at": "2126-01-01T00:00:00Z"}))

        def judge() -> None:
            done = subprocess.run(
                [str(drills), command, "--json", "--schedule", str(schedule)],
                capture_output=True,
                check=False,
            )
            assert done.returncode == 1, done.stderr
            assert json.loads(done.stdout)["status"] == "needs_attention"

        def import_pydantic() -> None:
            subprocess.run([sys.executable, "-c", "import pydantic"], check=True)

        ours, baseline = alternate(judge, import_pydantic, RUNS)
    what = f'drills {command} --json / python -c "import pydantic", each as a process'
    print_figure(f"{command}_startup_ratio", ours, baseline, at_most=2.2, runs=RUNS, what=what)
