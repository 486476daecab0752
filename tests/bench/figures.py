"""How a figure is printed, and how two things are timed against each other."""

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence


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
    """Print how many times as long ours takes, as one line of JSON."""
    _print(name, ours / baseline, {"at_most": at_most}, ours, baseline, runs, what)


def print_throughput(
    name: str, ours: float, baseline: float, *, at_least: float | None, runs: int, what: str
) -> None:
    """Print which part of the baseline's throughput ours has, as one line of JSON."""
    _print(name, baseline / ours, {"at_least": at_least}, ours, baseline, runs, what)


def print_count(name: str, value: int, *, at_most: int, what: str) -> None:
    """Print a count of one run, as one line of JSON."""
    figure = {"figure": name, "value": value, "at_most": at_most, "what": what}
    print(json.dumps(figure), flush=True)  # noqa: T201 - this is the report


def print_exponent(
    name: str, exponent: float, seconds: Sequence[float], *, at_most: float, what: str
) -> None:
    """Print with which exponent something grows, as one line of JSON."""
    figure = {
        "figure": name,
        "value": round(exponent, 3),
        "at_most": at_most,
        "seconds": [round(each, 4) for each in seconds],
        "what": what,
    }
    print(json.dumps(figure), flush=True)  # noqa: T201 - this is the report


def _print(
    name: str,
    ratio: float,
    bound: dict[str, float | None],
    ours: float,
    baseline: float,
    runs: int,
    what: str,
) -> None:
    figure = {
        "figure": name,
        "ratio": round(ratio, 2),
        **bound,
        "seconds": round(ours, 4),
        "baseline_seconds": round(baseline, 4),
        "runs": runs,
        "what": what,
    }
    print(json.dumps(figure), flush=True)  # noqa: T201 - this is the report
