"""One noisy run with a canary in every secret; started by test_canary.py in a process of its own."""

import importlib
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

from rollback_drills.delivery.outcome import RequestSummary, Verdict


def main() -> None:
    """Import the connectors, check every schedule, and log as much as there is."""
    logging.basicConfig(level=logging.DEBUG)
    from blocks.connector_import import import_connectors
    from flows.drill_check import drill_check

    config, schedules = Path(sys.argv[1]), sys.argv[2]
    import_connectors(config, os.environ)
    for place in sys.argv[3:]:  # take a redaction out
        module, name, replacement = place.split(":")
        owner: object = importlib.import_module(module)
        *outer, last = name.split(".")
        for each in outer:
            owner = getattr(owner, each)
        setattr(owner, last, REPLACEMENTS[replacement])
    state = drill_check(schedule=schedules, retries=1, return_state=True)
    sys.stdout.write(f"{state.name} {state.message} {state.result(raise_on_failure=False)}")


def _let_logs_pass() -> None:
    from blocks import exchange

    for name in ("httpx", "httpcore", *logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.removeFilter(exchange._not_while_sending)
        if name.startswith(("httpx", "httpcore")):
            logger.setLevel(logging.DEBUG)


def _show_verdict(_: object, verdict: Verdict, request: RequestSummary | None = None) -> Verdict:
    return replace(verdict, request=request)


REPLACEMENTS = {"unredacted": _show_verdict}

if __name__ == "__main__":
    if "logs" in sys.argv:
        sys.argv.remove("logs")
        _let_logs_pass()
    main()
