"""Checks of a large fleet are killed, and their shards: nothing is lost, and the evidence is right."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.chaos.fleet_storm import FleetStorm
from tests.checkout import ROOT
from tests.e2e.conftest import PrefectServer
from tests.processes.loopback_receiver import Running

POSTGRES = os.environ.get("DRILLS_TEST_POSTGRES", "")
COUNT = int(os.environ.get("DRILLS_CHAOS_SCHEDULES", "10000"))


@pytest.mark.chaos
@pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")
def test_twenty_kills_of_checks_and_shards_lose_nothing() -> None:
    name = f"storm_{uuid4().hex}"
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.chaos.fleet_storm", "--database", url, "--count", str(COUNT)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=5400)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])

    assert report["kills"] >= 20
    assert report["lost"] == report["undelivered"] == report["too_many"] == 0, report
    assert report["duplicates"] <= report["unanswered"], report
    assert report["unmarked_duplicates"] == 0, report
    assert report["is_intact"], report
    assert report["verified_checks"] == report["recorded_checks"] >= 2, report


def test_a_schedule_is_due_at_the_same_time_in_every_round(tmp_path: Path) -> None:
    """Another due time would be another cycle: resolved, and notified anew."""
    environ = {"DRILLS_DATABASE_URL": f"sqlite:///{tmp_path / 'drills.db'}"}
    storm = FleetStorm(PrefectServer("", environ, tmp_path), Running(0, tmp_path / "received"), 3, seed=1)
    before = storm.fleet.read_text().splitlines()

    storm.overdue = {1}
    storm.write()
    late = storm.fleet.read_text().splitlines()
    storm.write()

    assert [late[0], late[2]] == [before[0], before[2]]
    assert late[1] != before[1]
    assert storm.fleet.read_text().splitlines() == late
