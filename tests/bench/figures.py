"""How a figure is printed, and how two things are timed against each other."""

import gc
import json
import statistics
import time
from collections.abc import Callable


def alternate(ours: Callable[[], object], baseline: Callable[[], object], runs: int) -> tuple[float, float]:
    """Time two things in turn, A B A B …; give the median seconds of each. One run of each is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(runs + 1):
        for what, into in ((ours, times[0]), (baseline, times[1])):
            gc.collect()
            started = time.perf_counter()
            what()
            if number:
                into.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def print_figure(name: str, ours: float, baseline: float, *, at_most: float, runs: int, what: str) -> None:
    """Print a figure as one line of JSON."""
    figure = {
        "figure": name,
        "ratio": round(ours / baseline, 2),
        "at_most": at_most,
        "seconds": round(ours, 4),
        "baseline_seconds": round(baseline, 4),
        "runs": runs,
        "what": what,
    }
    print(json.dumps(figure), flush=True)  # noqa: T201 - this is the report
