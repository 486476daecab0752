"""Deliveries that are killed: nothing is lost, and what arrives twice is at most what was on its way."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.checkout import ROOT

POSTGRES = os.environ.get("DRILLS_TEST_POSTGRES", "")
EVERY = int(os.environ.get("DRILLS_CHAOS_EVERY", "5"))
NEEDS_POSTGRES = pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")


def storm(*arguments: object) -> dict[str, Any]:
    """Run a storm in a process of its own, and give its report."""
    command = [sys.executable, "-m", "tests.chaos.storm", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def check_promise(report: dict[str, Any]) -> None:
    """Nothing is lost, and every repeat follows an attempt without an answer, and says that it may be one."""
    assert report["lost"] == report["undelivered"] == report["unmarked_duplicates"] == 0, report
    assert report["duplicates"] <= report["unanswered"], report


def test_a_small_storm_of_kills_loses_nothing() -> None:
    report = storm("random", "--count", 300, "--kills", 3)

    check_promise(report)
    assert report["kills"] == 3


@pytest.mark.chaos
def test_a_kill_at_any_commit_loses_nothing() -> None:
    report = storm("commits", "--count", 20)

    check_promise(report)
    assert report["kills"] >= 6, "before and after the intake, the claim and the outcome"
    assert report["too_many_duplicates"] == 0
    assert report["duplicates"], "a kill between the send and the record makes repeats: else it tests nothing"


@NEEDS_POSTGRES
def test_two_workers_at_once_send_nothing_twice() -> None:
    report = storm("together", "--count", 400, "--database", POSTGRES)

    check_promise(report)
    assert report["duplicates"] == 0


@pytest.mark.chaos
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_twenty_kills_over_two_thousand_notifications(seed: int) -> None:
    report = storm("random", "--count", 2000, "--kills", 20, "--seed", seed)

    check_promise(report)
    assert report["kills"] == 20
    assert report["in_flight_at_the_kills"] > 0


@pytest.mark.chaos
def test_twenty_kills_make_no_item_twice_where_the_provider_drops_repeats() -> None:
    report = storm("random", "--count", 2000, "--kills", 20, "--provider", "pagerduty")

    check_promise(report)
    assert report["kills"] == 20
    assert report["items_too_many"] == 0


@pytest.mark.chaos
def test_a_kill_at_the_commits_of_two_thousand_notifications() -> None:
    """Kill at the first ten commits and at each fifth after: all of them take half an hour."""
    report = storm("commits", "--count", 2000, "--every", EVERY)

    check_promise(report)
    assert report["commits"] >= 100
    assert report["kills"] >= 2 * report["commits"] // EVERY, "before and after"
    assert report["too_many_duplicates"] == 0


@pytest.mark.chaos
@NEEDS_POSTGRES
def test_two_workers_at_once_on_postgresql() -> None:
    report = storm("together", "--count", 2000, "--database", POSTGRES)

    check_promise(report)
    assert report["duplicates"] == 0


@pytest.mark.chaos
@NEEDS_POSTGRES
def test_twenty_kills_on_postgresql() -> None:
    report = storm("random", "--count", 2000, "--kills", 20, "--database", POSTGRES)

    check_promise(report)
    assert report["kills"] == 20
