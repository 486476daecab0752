"""Takes the pictures of docs/audit-trail.md that need a year, from what `tests.e2e.year` has left.

python -m tests.e2e.year_pictures FOLDER
"""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.sync.connection import Connection

from rollback_drills.reports.pages.artifact_keys import artifact_key
from tests.e2e.moved_clock import MovedClock
from tests.e2e.screenshots import ask, browser, take
from tests.e2e.year import PORT, moved_server
from tests.e2e.year_fleet import FOLLOWED, ZONE

_SITE: Final = f"http://127.0.0.1:{PORT}"
_NOW: Final = datetime(2026, 12, 31, 12, tzinfo=ZONE)
"""A month after the drill of November, which was overdue on the 27th and performed on 1 December."""
_OVERDUE: Final = "2026-11-27"
_MOVE_CLOCK: Final = """
    const RealDate = Date, moved = MOVED - RealDate.now();
    Date = class extends RealDate {
        constructor(...given) { given.length ? super(...given) : super(RealDate.now() + moved) }
        static now() { return RealDate.now() + moved }
    };
"""


def main(home: Path) -> None:
    """Start a server on what a year has left, and take the pictures."""
    clock = MovedClock(home / "picture-clock")
    clock.set(_NOW)
    with moved_server(home, clock):
        take_pictures(home)


def take_pictures(home: Path) -> None:
    """Ask the Prefect UI who was notified of a drill a month ago."""
    key = artifact_key(FOLLOWED)
    newest, *_ = versions = list(_versions(key))
    overdue = next(each for each in versions if each["created"].startswith(_OVERDUE))
    flow_run_id = overdue["flow_run_id"]
    with browser(home) as line:
        _move_clock(line)
        take(line, "year-history", f"{_SITE}/artifacts/key/{key}", "Flow run", height=1100)
        take(line, "year-changes", f"{_SITE}/artifacts/artifact/{newest['id']}", "What changed", 2000, 2400)
        take(line, "month-later-run", f"{_SITE}/runs/flow-run/{flow_run_id}", "needs attention", height=900)


def _versions(key: str) -> Iterator[dict[str, Any]]:
    """Yield all versions of an artifact, the newest first."""
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 200}
    yield from httpx.post(f"{_SITE}/api/artifacts/filter", json=wanted, timeout=60).raise_for_status().json()


def _move_clock(line: Connection) -> None:
    """Let every page believe that it is the time of the server."""
    script = _MOVE_CLOCK.replace("MOVED", str(int(_NOW.timestamp() * 1000)))
    ask(line, "Page.enable")
    ask(line, "Page.addScriptToEvaluateOnNewDocument", source=script)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
