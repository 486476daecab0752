"""Kills checks of a fleet and their shards with SIGKILL, and counts what was lost and what arrived twice.

    python -m tests.chaos.fleet_storm --database postgresql+psycopg://… --count 10000 --kills 20

A Prefect server on PostgreSQL and two workers run beside it: on SQLite, workers that publish at once wait for
each other. In each round more schedules are overdue. Prints JSON.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient
from sqlalchemy import func, select

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import OUTBOX
from rollback_drills.evidence.record_kinds import CHECK_KIND
from rollback_drills.notifications.states import NOTIFIED, State
from tests.chaos.storm import count_unanswered
from tests.e2e.conftest import PrefectServer, running_server, wait_until
from tests.processes.loopback_receiver import Running, running_receiver
from tests.processes.prefect_server import postgresql_for_prefect
from tests.samples.builders import SCHEDULE
from tests.samples.populations import records, verify

_RUN_ID = b"PREFECT__FLOW_RUN_ID="
_SHARDS = 4
_TIMEOUT_SECONDS = 2.0
_LEASE_SECONDS = 2 * _TIMEOUT_SECONDS + 30
_SLOW_SECONDS = 0.02
_MOST_KILLS_IN_A_ROUND = 4
_NEW_IN_A_ROUND = 0.03
_LONGEST_RUN_SECONDS = 900
_LONGEST_START_SECONDS = 60
_LONGEST_SILENCE_SECONDS = 60
"""A process of this age is also killed if nothing is delivered."""
_SHARE_OF_SHARDS = 0.8


class FleetStorm:
    """A fleet, a server, a receiver, and runs that are killed."""

    def __init__(self, server: PrefectServer, receiver: Running, count: int, seed: int) -> None:
        """Write the fleet; nothing is overdue yet."""
        self.server, self.receiver, self.count = server, receiver, count
        self.chance = random.Random(seed)
        self.database = Database.at(server.environ["DRILLS_DATABASE_URL"])
        self.fleet = server.home / "fleet.jsonl"
        now = datetime.now(UTC)  # once: another due time is another cycle, and notifies anew
        self.late, self.ready = ((now + timedelta(days=days)).isoformat() for days in (-3, 400))
        self.overdue: set[int] = set()
        self.killed: Counter[str] = Counter()
        self.in_flight = 0
        self.states: list[str] = []
        self.next_is_shard = True
        """Whether the next process to be killed is a shard: while there is none, nothing is killed."""
        self.write()

    def let_be_overdue(self, count: int) -> None:
        """Let so many schedules more be overdue."""
        rest = [each for each in range(self.count) if each not in self.overdue]
        self.overdue |= set(self.chance.sample(rest, count))
        self.write()

    def run_round(self, kills: int = 0, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Check, and kill so many runs meanwhile; give up waiting for none."""
        with SyncPrefectClient(self.server.api) as client:
            run_id = self._start(client)
            meanwhile()
            until, next_kill = time.monotonic() + _LONGEST_RUN_SECONDS, self._next_kill()
            arrived, last_seen = self._count_arrived(), time.monotonic()
            while (state := self._state_of(client, run_id)) is None or kills:
                if state is not None or time.monotonic() > until:
                    break
                if any(find_processes(self.server.api)):
                    last_seen = time.monotonic()
                elif time.monotonic() > last_seen + _LONGEST_START_SECONDS:
                    break  # the check was killed, and nobody ends its run
                youngest = 0 if self._count_arrived() > arrived else _LONGEST_SILENCE_SECONDS
                if kills and time.monotonic() > next_kill and self._kill_one(run_id, youngest):
                    kills, next_kill, arrived = kills - 1, self._next_kill(), self._count_arrived()
                time.sleep(0.5)
        self.states.append(state or "still running")
        sys.stderr.write(f"{self.states[-1]}; {sum(self.killed.values())} kills so far\n")

    def finish(self) -> None:
        """Check until everything is delivered: what a killed run had claimed waits for its lease."""
        for _ in range(4):
            time.sleep(_LEASE_SECONDS)
            self.run_round()
            if self._count(*NOTIFIED) >= len(self.overdue):
                return

    def report(self) -> dict[str, Any]:
        """Compare what was committed with what arrived, and verify the evidence."""
        arrived: Counter[str] = Counter()
        schedules: set[str] = set()
        unmarked = 0
        for each in self.receiver.received():
            body = json.loads(each["body"])
            unmarked += bool(arrived[body["notification_id"]]) and not body.get("may_repeat")
            arrived[body["notification_id"]] += 1
            schedules.add(body["schedule_id"])
        verified = verify(self.database)
        return {
            "schedules": self.count,
            "notifications": len(self.overdue),
            "kills": sum(self.killed.values()),
            "killed": dict(self.killed),
            "in_flight_at_the_kills": self.in_flight,
            "lost": len({_name(each) for each in self.overdue} - schedules),
            "too_many": len(arrived) - len(self.overdue),
            "duplicates": sum(arrived.values()) - len(arrived),
            "unanswered": count_unanswered(self.database),
            "unmarked_duplicates": unmarked,
            "undelivered": len(self.overdue) - self._count(*NOTIFIED),
            "is_intact": verified.is_intact,
            "problems": [str(each) for each in getattr(verified, "findings", ())][:5],
            "rows": verified.row_count,
            "verified_checks": verified.check_count,
            "recorded_checks": len(records(self.database, CHECK_KIND)),
            "states": dict(Counter(self.states)),
        }

    def write(self) -> None:
        """Write the fleet as it is in this round."""
        with (path := self.fleet.with_suffix(".new")).open("w") as file:
            for number in range(self.count):
                schedule = {
                    **SCHEDULE,
                    "schedule_id": _name(number),
                    "next_due_at": self.late if number in self.overdue else self.ready,
                    "owners": ["payments-team"],
                    "notification_providers": ["webhook"],
                }
                file.write(json.dumps(schedule) + "\n")
        path.replace(self.fleet)

    def _start(self, client: SyncPrefectClient) -> str:
        deployment = client.read_deployment_by_name("drill-check/drill-check")
        parameters = {"schedule": str(self.fleet), "timeout_seconds": _TIMEOUT_SECONDS}

        def started() -> str | None:
            with suppress(httpx.HTTPStatusError):  # 503 while the database of the server is busy
                return str(client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id)
            return None

        return wait_until(started, within_seconds=300)

    def _state_of(self, client: SyncPrefectClient, run_id: str) -> str | None:
        """Return the name of the state in which a run ended; None if it has not."""
        with suppress(httpx.HTTPError):
            state = client.request("GET", "/flow_runs/{id}", path_params={"id": run_id}).json()["state"]
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return str(state["name"])
        return None

    def _count_arrived(self) -> int:
        log = self.receiver.log
        return log.stat().st_size if log.exists() else 0

    def _next_kill(self) -> float:
        return time.monotonic() + self.chance.uniform(0, 3)

    def _kill_one(self, check_id: str, youngest: float) -> bool:
        """Kill the processes of a run if they have this age, and count what they had on its way."""
        running = list(find_processes(self.server.api))
        wanted = [each for each in running if (each[0] != check_id) == self.next_is_shard]
        if not any(_age_of(pid) >= youngest for _, pid in wanted):
            return False
        run_id, _ = self.chance.choice(wanted)
        self.next_is_shard = self.chance.random() < _SHARE_OF_SHARDS
        self.kill([pid for its_run, pid in running if its_run == run_id])
        self.killed["check" if run_id == check_id else "shard"] += 1
        return True

    def kill(self, pids: Iterable[int]) -> None:
        """Kill processes, and count the notifications that they had on their way."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            claim = OUTBOX.c.claim.like(f"{pid}-%") & (OUTBOX.c.state == State.SENDING)
            if self.database.has("outbox"):
                with self.database.read() as connection:
                    self.in_flight += (
                        connection.scalar(select(func.count()).select_from(OUTBOX).where(claim)) or 0
                    )

    def _count(self, *states: State) -> int:
        with self.database.read() as connection:
            return (
                connection.scalar(select(func.count()).select_from(OUTBOX).where(OUTBOX.c.state.in_(states)))
                or 0
            )


def _name(number: int) -> str:
    return f"service-{number:05}"


def find_processes(api: str) -> Iterator[tuple[str, int]]:
    """Find the processes of flow runs that the workers of this server have started, with their runs."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(entry.name)
            environ = (entry / "environ").read_bytes().split(b"\0")
            if f"PREFECT_API_URL={api}".encode() in environ:
                for each in environ:
                    if each.startswith(_RUN_ID):
                        yield each.removeprefix(_RUN_ID).decode(), pid


def _age_of(pid: int) -> float:
    with suppress(OSError):
        return time.time() - Path(f"/proc/{pid}").stat().st_ctime
    return 0


def end_runs(api: str) -> None:
    """Kill what the workers have started."""
    for _, pid in find_processes(api):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Run a storm."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True, help="An empty one on PostgreSQL.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver = stack.enter_context(running_receiver(home / "received.jsonl", delay=_SLOW_SECONDS))
        server = stack.enter_context(
            running_server(home, stack.enter_context(postgresql_for_prefect(given.database)))
        )
        environ = {
            **server.environ,
            "DRILLS_DATABASE_URL": given.database,
            "DRILLS_SHARD_SIZE": str(given.count // _SHARDS),
            "DRILLS_TURNED_BAD_SHARE": "1",  # checks that were killed leave much that is new to the next one
        }
        server = replace(server, environ=environ)
        deploy(server, receiver, stack)
        stack.callback(end_runs, server.api)  # else the workers wait for them
        storm = FleetStorm(server, receiver, given.count, given.seed)
        storm.run_round()
        while (left := given.kills - sum(storm.killed.values())) > 0:
            storm.let_be_overdue(round(given.count * _NEW_IN_A_ROUND))
            storm.run_round(min(left, _MOST_KILLS_IN_A_ROUND))
        storm.finish()
        print(json.dumps({**storm.report(), "seed": given.seed}), flush=True)  # noqa: T201 - this is the report


def deploy(server: PrefectServer, receiver: Running, stack: ExitStack) -> list["subprocess.Popen[bytes]"]:
    """Import the connector, deploy the flows, and start two workers; return these."""
    config = server.home / "connectors.json"
    config.write_text(json.dumps({"connectors": {"webhook": {"url": f"{receiver.url}/hook"}}}))
    server.run("rollback_drills_cli.main", "connectors", "import", str(config))
    server.run("prefect", "work-pool", "create", "drills", "--type", "process", "--overwrite")
    server.run("prefect", "--no-prompt", "deploy", "--prefect-file", "deployments/prefect.yaml", "--all")
    server.run("prefect", "deployment", "schedule", "clear", "drill-check/drill-check", "--accept-yes")
    worker = ("worker", "start", "--pool", "drills", "--type", "process", "--limit", "3")
    return [
        stack.enter_context(server.running("prefect", *worker, "--name", f"worker-{number}"))
        for number in (1, 2)
    ]


if __name__ == "__main__":
    main()
