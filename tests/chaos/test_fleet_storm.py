"""Checks of a large fleet are killed, and their shards: nothing is lost, and the evidence is right."""

import json
import os
import subprocess
import sys
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.checkout import ROOT

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
    assert report["duplicates"] <= report["in_flight_at_the_kills"], report
    assert report["unmarked_duplicates"] == 0, report
    assert report["is_intact"], report
    assert report["verified_checks"] == report["recorded_checks"] >= 2, report
