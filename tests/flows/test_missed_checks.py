"""The follow-up goes on while the deployment of the checks is paused: it names the check that is missing."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import State
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from pytest_httpserver import HTTPServer

from flows import missed_checks
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from flows.missed_checks import explain_missed_check, find_missed_check

LAST = datetime(2026, 3, 2, 19, 0, 30, tzinfo=UTC)  # a Monday, the last check of the day
DEPLOYED = LAST - timedelta(days=9)
BY_DAY = CronSchedule(cron="0 7-19 * * *", timezone="UTC")
DUE = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE = 2 * HOUR
MOMENT = timedelta(seconds=1)


def deployed(
    *schedules: Any, active: bool = True, paused: bool = False, created: datetime = DEPLOYED
) -> DeploymentResponse:
    """Return a deployment of the checks as the server has it."""
    known = [DeploymentSchedule(schedule=each, active=active, created=created) for each in schedules]
    return DeploymentResponse(name="drill-check", flow_id=uuid4(), schedules=known, paused=paused, labels={})


@pytest.mark.parametrize(
    ("schedules", "due"),
    [
        ([BY_DAY], DUE),
        ([CronSchedule(cron="0 9 * * 1", timezone="Europe/Berlin")], DUE + timedelta(days=6, hours=1)),
        ([IntervalSchedule(interval=HOUR, anchor_date=LAST)], LAST + HOUR),
        ([RRuleSchedule(rrule="DTSTART:20260101T080000Z\nFREQ=DAILY", timezone="UTC")], DUE + HOUR),
        ([CronSchedule(cron="0 0 1 1 *"), BY_DAY], DUE),
    ],
    ids=["hourly by day", "weekly in Berlin", "each hour", "a rule", "the earlier of two"],
)
def test_a_check_is_missed_two_hours_after_the_next_one_was_due(
    schedules: Sequence[Any], due: datetime
) -> None:
    last = LAST + MOMENT
    deployment = deployed(*schedules)

    assert explain_missed_check(deployment, last, now=due + PATIENCE) == []
    (problem,) = explain_missed_check(deployment, last, now=due + PATIENCE + MOMENT)

    assert problem.startswith(
        "no check has ended since 2 Mar 2026, 19:00 UTC, though the deployment drill-check"
    )


@pytest.mark.parametrize(
    ("deployment", "remedy"),
    [
        (deployed(BY_DAY), "look at its runs, its work queue and its workers"),
        (deployed(BY_DAY, paused=True), "it is paused: resume it"),
        (deployed(BY_DAY, active=False), "its schedule is not active: activate it"),
    ],
)
def test_a_missed_check_names_the_remedy(deployment: DeploymentResponse, remedy: str) -> None:
    (problem,) = explain_missed_check(deployment, LAST, now=DUE + timedelta(hours=3))

    due = "the deployment drill-check/drill-check had one due 3 Mar 2026, 07:00 UTC"
    assert problem == f"no check has ended since 2 Mar 2026, 19:00 UTC, though {due}; {remedy}"


def test_a_schedule_that_was_changed_begins_with_the_change() -> None:
    later = DUE + timedelta(days=3, hours=1, minutes=30)
    deployment = deployed(BY_DAY, created=later)

    assert explain_missed_check(deployment, LAST, now=later + PATIENCE) == []
    assert explain_missed_check(deployment, None, now=later + PATIENCE) == []
    (problem,) = explain_missed_check(deployment, None, now=later + timedelta(hours=3))
    assert problem.startswith("no check has ended yet, though")


def test_checks_without_a_schedule_are_missed_by_nobody() -> None:
    assert explain_missed_check(deployed(), LAST, now=LAST + timedelta(days=99)) == []


@pytest.fixture
def client(prefect_server: None) -> Iterator[SyncPrefectClient]:
    """Ask the server."""
    with get_client(sync_client=True) as opened:
        yield opened


@pytest.fixture
def paused(client: SyncPrefectClient) -> Iterator[UUID]:
    """Have the deployment of the checks, which is paused."""
    schedules = [DeploymentScheduleCreate(schedule=BY_DAY)]
    made = client.create_deployment(
        client.create_flow(drill_check), "drill-check", schedules=schedules, paused=True
    )
    yield made
    client.delete_deployment(made)


@pytest.mark.usefixtures("prefect_server")
def test_nothing_is_missed_where_no_checks_are_deployed(url: str) -> None:
    assert find_missed_check(url, of_fleet=True, now=datetime.now(UTC) + timedelta(days=9)) == []


def test_a_paused_deployment_fails_the_follow_up_and_stops_its_heartbeat(
    url: str,
    paused: UUID,
    client: SyncPrefectClient,
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRILLS_SCHEDULE", str(tmp_path / "schedule.json"))
    httpserver.expect_request("/ping").respond_with_data("taken")
    Secret(value=httpserver.url_for("/ping")).save("checks", overwrite=True, _sync=True)  # type: ignore[call-arg]

    def follow_up() -> State[Any]:
        return escalate_unacknowledged(heartbeat_secret="checks", return_state=True)

    assert follow_up().name == "Healthy"
    monkeypatch.setattr(missed_checks, "_PATIENCE", timedelta(days=-2))
    missing = follow_up()
    drill_check(return_state=True)
    assert missing.is_failed()
    assert (missing.message or "").startswith("no check has ended yet, though the deployment drill-check")
    assert (missing.message or "").endswith("it is paused: resume it")
    assert "no check has ended since" in (follow_up().message or "")
    assert [request.path for request, _ in httpserver.log].count("/ping") == 1
