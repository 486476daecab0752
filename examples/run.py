"""Runs one real drill check on examples/fleet: embedded Prefect server, SQLite, HTTP over loopback.

Everything it writes is below `.demo/`, and is removed when it is run again.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, Final

ROOT: Final = Path(__file__).resolve().parent.parent
DEMO: Final = ROOT / ".demo"
AS_OF: Final = datetime(
    2026, 12, 1, 9, tzinfo=UTC
)  # the documents are of that time; the result stays the same


class Receiver(BaseHTTPRequestHandler):
    """Takes notifications as a webhook and as Slack would, and counts them."""

    received: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Take one notification."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        message = json.loads(body)
        self.received.append((message.get("title") or message["text"]).partition("\n")[0])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@contextmanager
def receiver() -> Iterator[str]:
    """Serve a receiver on loopback, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def prepare() -> None:
    """Keep everything below `.demo/`, and Prefect quiet."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    from rollback_drills_cli.quiet_prefect import quieten_prefect

    quieten_prefect()
    os.environ.pop("PREFECT_API_URL", None)
    os.environ.update(
        PREFECT_HOME=str(DEMO / "prefect"),
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="true",
        DRILLS_DATABASE_URL=f"sqlite:///{DEMO / 'evidence.db'}",
    )


def write_connector_config(address: str) -> Path:
    """Write a connector configuration as existing users have one, its secrets in the environment."""
    os.environ.update(DEMO_SLACK_URL=f"{address}/services/slack", DEMO_WEBHOOK_URL=f"{address}/hook")
    path = DEMO / "connectors.json"
    entries = {"slack": {"url_env": "DEMO_SLACK_URL"}, "webhook": {"url_env": "DEMO_WEBHOOK_URL"}}
    path.write_text(json.dumps({"connectors": entries}))
    return path


def check(address: str) -> dict[str, Any]:
    """Import the connectors, run the flow, and give its result."""
    from rich.console import Console

    with Console(stderr=True).status("starting an embedded Prefect server") as status:
        from blocks.connector_import import import_connectors
        from flows.drill_check import drill_check

        import_connectors(write_connector_config(address), os.environ)
        status.update("running the drill-check flow")
        state = drill_check(schedule="examples/fleet", as_of=AS_OF, return_state=True)
    result = state.result(raise_on_failure=False)
    if not isinstance(result, dict):
        sys.exit(f"the flow run failed: {state.message}")
    print(f"The flow run ended as {state.name}: {state.message}.\n")
    return result


def summarise(runs: list[dict[str, Any]]) -> None:
    """Print the readiness, who was notified, and the evidence."""
    from rollback_drills.evidence.index import EvidenceFilter, EvidenceIndex
    from rollback_drills.rendering.times import how_long
    from rollback_drills_cli.terminal.output import print_table

    print_table(
        f"Readiness on {AS_OF:%d %B %Y}",
        ("schedule", "state", "due", "why"),
        [
            (
                run["plan"]["schedule_id"],
                run["plan"]["status"].replace("_", " "),
                how_long(run["plan"]["next_due_at"], now=AS_OF),
                run["plan"]["reason"].removeprefix("examples/fleet/"),
            )
            for run in runs
        ],
    )
    print_table(
        "Who was notified, who was not, and why",
        ("schedule", "owner", "provider", "action", "why", "deferred until"),
        [
            (
                each["schedule_id"].removeprefix("examples/fleet/").partition("_")[0],
                *(each[name] for name in ("owner", "provider", "action", "reason")),
                each["deferred_until"] or "",
            )
            for run in runs
            for each in run["plan"]["route_decisions"]
        ],
    )
    count = len(Receiver.received)
    print(f"\nThe receiver on loopback got {count} messages; one can carry several notifications:")
    for title in Receiver.received:
        print(f"  {title}")
    _, total = EvidenceIndex.open(os.environ["DRILLS_DATABASE_URL"]).find(EvidenceFilter(), limit=1)
    print(f"\n{total} evidence records are in .demo/evidence.db.")


NEXT = """
What to try next:
  export DRILLS_DATABASE_URL=sqlite:///.demo/evidence.db PATH="$PWD/.venv/bin:$PATH"
  drills outbox list                                      what was sent, and what became of it
  drills evidence list                                    what was recorded
  drills evidence verify                                  whether somebody has changed it
  drills check --schedule examples/fleet                  the same judgement, as of today, without Prefect
  drills plan --schedule examples/fleet/payments-schedule.json --history examples/fleet/payments-history.json
  drills lint examples                                    finds the typo in ledger-schedule.json
  make serve                                              the Prefect UI, with the deployments scheduled
"""


def main() -> None:
    """Run the example from end to end."""
    prepare()
    with receiver() as address:
        result = check(address)
    summarise(result["runs"])
    print(NEXT)


if __name__ == "__main__":
    main()
