"""A large fleet is checked in shards: one flow run each, and one record of the whole."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
from prefect.flow_engine import run_flow
from prefect.states import Running
from pytest_httpserver import HTTPServer

from flows.check import process, shard_runs
from flows.check.planning import judge_fleet
from flows.drill_check import drill_check
from rollback_drills.database.connections import Database
from rollback_drills.documents.changes import CHANGES_SCHEMA
from rollback_drills.documents.fleets.shard import find_shards
from rollback_drills.evidence.record_kinds import CHECK_KIND, PLAN_KIND
from rollback_drills.evidence.verify.findings import Verification
from tests.samples.builders import SCHEDULE
from tests.samples.populations import records, verify

pytestmark = pytest.mark.usefixtures("prefect_server")
COUNT = 8
SIZE = 4
OVERDUE = (0, 3)
"""One in each of the two shards: every run of one takes half a second, here and on the server."""
LATE = "2026-11-01T09:00:00Z"
READY = "2100-01-01T00:00:00Z"


@pytest.fixture
def fleet(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 8 schedules, of which 2 are overdue; more than 4 are checked in shards."""
    monkeypatch.setenv("DRILLS_SHARD_SIZE", str(SIZE))
    return write(tmp_path / "fleet.jsonl", dict.fromkeys(OVERDUE, LATE))


def write(path: Path, due: Mapping[int, str] | None = None, *, count: int = COUNT) -> Path:
    """Write schedules; those that are not named are ready."""
    path.write_text(
        "".join(
            json.dumps(
                {
                    **SCHEDULE,
                    "schedule_id": f"service-{number}",
                    "next_due_at": (due or {}).get(number, READY),
                    "owners": ["payments-team"],
                    "notification_providers": ["webhook"],
                }
            )
            + "\n"
            for number in range(count)
        )
    )
    return path


def check(fleet: Path, **parameters: Any) -> Any:
    return drill_check(schedule=str(fleet), return_state=True, **parameters)


def shards_of(state: Any) -> list[Any]:
    """Return the subflow runs of a check, by their names."""
    with get_client(sync_client=True) as client:
        wanted = {"flow_runs": {"parent_flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}
        return sorted(
            client.request("POST", "/flow_runs/filter", json=wanted).json(), key=lambda each: each["name"]
        )


def name_of(state: Any) -> str:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(state.state_details.flow_run_id).name


def verified(url: str) -> Verification:
    return verify(Database.open(url))


def test_a_large_fleet_is_checked_in_shards_and_recorded_once(
    fleet: Path, url: str, receiver: HTTPServer
) -> None:
    state = check(fleet)

    assert state.name == "NeedsAttention"
    assert state.message.startswith("2 need attention; 8 of 8 changed; 2 shards; notifications delivered: 2")
    assert len(receiver.log) == 2
    database = Database.open(url)
    (recorded,) = records(database, CHECK_KIND)
    assert recorded["schedule_count"] == recorded["changed_count"] == COUNT
    assert recorded["state_counts"] == {"needs_attention": 2, "ready": 6}
    assert recorded["flow_run_id"] == str(state.state_details.flow_run_id)
    assert len(records(database, PLAN_KIND)) == COUNT
    assert (verified(url).is_intact, verified(url).check_count) == (True, 1)
    data = state.result()
    assert [each["shard"] for each in data["shards"]] == ["1/2", "2/2"]
    assert sum(each["schedule_count"] for each in data["shards"]) == COUNT
    assert name_of(state) == "2 need attention; 8 of 8 changed"
    assert [each["name"].partition(":")[0] for each in shards_of(state)] == ["shard 1/2", "shard 2/2"]


def test_a_check_that_begins_evidence_beside_other_evidence_says_so_once(
    fleet: Path, url: str, receiver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(fleet)
    monkeypatch.setenv("DRILLS_DATABASE_URL", f"sqlite:///{tmp_path / 'another.db'}")

    said = "new evidence begins in this database, although the Prefect server has keys of"
    assert [said in check(fleet).message for _ in range(2)] == [True, False]


def test_a_check_in_which_nothing_changed_writes_one_row(fleet: Path, url: str, receiver: HTTPServer) -> None:
    check(fleet)
    before = verified(url).row_count

    state = check(fleet)

    assert state.message == "2 need attention; nothing changed; 2 shards; notifications delivered: 0"
    # the outcomes of the first check's notifications were recorded by then
    assert verified(url).row_count == before + 1
    assert len(receiver.log) == 2


def test_what_changed_came_and_went_is_named_once(fleet: Path, url: str, receiver: HTTPServer) -> None:
    check(fleet)
    write(fleet, {1: LATE}, count=COUNT + 1)
    lines = fleet.read_text().splitlines()
    fleet.write_text("\n".join(line for line in lines if '"service-7"' not in line))

    state = check(fleet)

    recorded = records(Database.open(url), CHECK_KIND)[-1]
    assert (recorded["came"], recorded["gone"]) == (["service-8"], ["service-7"])
    assert recorded["changed_count"] == 2 + 1 + 1  # two are ready again, one is late, one is new
    assert state.is_failed()
    assert "1 schedule is gone, and nobody retired it: service-7;" in state.message
    reasons = Counter(json.loads(request.data)["reason"] for request, _ in receiver.log)
    assert reasons == {"first": 3, "resolved": 2}
    assert verified(url).is_intact


def test_shards_and_one_run_find_the_same(
    fleet: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(fleet)
    monkeypatch.delenv("DRILLS_SHARD_SIZE")
    whole = check(fleet)
    monkeypatch.setenv("DRILLS_SHARD_SIZE", "3")
    smaller = check(fleet)

    assert "nothing changed" in whole.message
    assert "nothing changed; 3 shards" in smaller.message
    assert len(receiver.log) == 2


def test_a_shard_that_fails_is_repeated_alone(
    fleet: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = fail_shard(monkeypatch, "2/2", times=2)

    state = check(fleet)

    assert failures == ["2/2", "2/2"]
    assert state.name == "NeedsAttention"
    assert Counter(each["name"].partition(":")[0] for each in shards_of(state) if ":" in each["name"]) == {
        "shard 1/2": 1,
        "shard 2/2": 1,
    }
    assert len(shards_of(state)) == 4
    assert (verified(url).is_intact, verified(url).check_count) == (True, 1)


def test_a_check_whose_shard_keeps_failing_fails_and_names_it_and_nothing_is_called_unchanged(
    fleet: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(fleet)
    write(fleet, dict.fromkeys(range(COUNT), LATE))
    failures = fail_shard(monkeypatch, "2/2", times=3)

    failed = check(fleet)

    assert failures == ["2/2"] * 3
    assert failed.type.value == "FAILED"
    assert failed.message.startswith("shard 2/2 of 2 was not checked in 3 attempts: Flow run encountered")
    assert "FullDiskError: the disk is full; no check is recorded" in failed.message
    assert len(records(Database.open(url), CHECK_KIND)) == 1

    sent = len(receiver.log)
    state = check(fleet)

    late = next(each for each in find_shards(COUNT, SIZE) if str(each) == "2/2")
    of_shard = {f"service-{number}" for number in range(COUNT) if late.holds(f"service-{number}")}
    new = [json.loads(request.data)["schedule_id"] for request, _ in receiver.log[sent:]]
    assert set(new) == of_shard - {f"service-{number}" for number in OVERDUE}
    assert len(new) == len(set(new))
    assert state.message.startswith("all 8 need attention; 6 of 8 changed")
    plans = Counter(each["schedule_id"] for each in records(Database.open(url), PLAN_KIND))
    assert set(plans.values()) <= {1, 2}
    assert (verified(url).is_intact, verified(url).check_count) == (True, 2)


def fail_shard(monkeypatch: pytest.MonkeyPatch, shard: str, *, times: int) -> list[str]:
    """Let the runs of a shard fail before they have looked; return those that did."""
    failures: list[str] = []

    def fail(run: Any) -> Any:
        if str(run.shard) == shard and len(failures) < times:
            failures.append(shard)
            raise FullDiskError
        return judge_fleet(run)

    monkeypatch.setattr(process, "judge_fleet", fail)
    return failures


class FullDiskError(OSError):
    """What may happen in a run."""

    def __str__(self) -> str:
        return "the disk is full"


def test_a_later_check_stops_an_earlier_one_that_is_still_running(
    fleet: Path, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[Any] = []

    def overtake(run: Any) -> Any:
        if str(run.shard) == "2/2" and not later:
            monkeypatch.setattr(process, "judge_fleet", judge_fleet)
            later.append(check(fleet))
        return judge_fleet(run)

    monkeypatch.setattr(process, "judge_fleet", overtake)

    earlier = check(fleet)

    assert earlier.type.value == "FAILED"
    assert "a later check of the same schedules" in earlier.message
    assert later[0].name == "NeedsAttention"
    assert "8 of 8 changed" in later[0].message
    assert len(receiver.log) == 2
    assert (verified(url).is_intact, verified(url).check_count) == (True, 1)


def test_a_file_that_is_replaced_between_two_shards_is_named(
    fleet: Path, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "was replaced" not in check(fleet).message

    def replace(run: Any) -> Any:
        if str(run.shard) == "2/2":
            write(fleet.with_suffix(".new"), count=COUNT + 1).replace(fleet)
        return judge_fleet(run)

    monkeypatch.setattr(process, "judge_fleet", replace)

    assert "; fleet.jsonl was replaced during the check, so a schedule that is" in check(fleet).message


@pytest.mark.parametrize("shard", ["5/4", "", "third", "0/1"])
def test_what_is_no_shard_is_one_error(fleet: Path, shard: str) -> None:
    state = check(fleet, shard=shard)

    assert state.type.value == "FAILED"
    assert state.message.startswith(f"shard is {json.dumps(shard)}; write NUMBER/COUNT, such as 3/8 for")


def test_a_person_can_check_one_shard(fleet: Path, url: str, receiver: HTTPServer) -> None:
    state = check(fleet, shard="1/2")

    assert state.name in ("NeedsAttention", "Ready")
    assert records(Database.open(url), CHECK_KIND) == []
    assert len(records(Database.open(url), PLAN_KIND)) == state.result()["schedule_count"]
    assert "8 of 8 changed" in check(fleet).message
    assert len(records(Database.open(url), PLAN_KIND)) == COUNT
    assert verified(url).is_intact


def test_a_dry_run_writes_nothing(fleet: Path, url: str, receiver: HTTPServer) -> None:
    state = check(fleet, dry_run=True)

    assert (state.name, state.message) == (
        "NeedsAttention",
        "dry run in 2 shards: each shows what it would do",
    )
    assert not Database.at(url).has("ledger")
    assert not receiver.log


def test_a_provider_that_only_another_shard_names_is_known(fleet: Path, receiver: HTTPServer) -> None:
    lines = fleet.read_text().splitlines()
    lines[5] = lines[5].replace('["webhook"]', '["webhook", "pager"]')
    fleet.write_text("\n".join(lines))

    assert check(fleet, provider="webhook,pager").name == "NeedsAttention"
    unknown = check(fleet, provider="webhook,paper")
    assert "paper is unknown" in unknown.message
    assert not shards_of(unknown)


def test_what_a_shard_could_not_deliver_fails_the_check(fleet: Path, url: str, receiver: HTTPServer) -> None:
    receiver.clear()
    receiver.expect_request("/webhook").respond_with_data("down", status=503)

    state = check(fleet, retries=0)

    assert state.type.value == "FAILED"
    assert "2 notifications wait for webhook" in state.message
    assert (verified(url).is_intact, verified(url).check_count) == (True, 1)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Deploy the check and its shards to a pool that no worker serves, and return a run of the check."""
    monkeypatch.setattr(shard_runs, "_IDLE_SECONDS", 2)
    monkeypatch.setattr(shard_runs, "_POLL_SECONDS", 0.2)
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(drill_check)
        client.create_deployment(flow_id, "check-shard")
        deployment_id = client.create_deployment(flow_id, "drill-check")
        yield client.create_flow_run_from_deployment(deployment_id)


def check_in(run: Any, fleet: Path) -> Any:
    return run_flow(drill_check, flow_run=run, parameters={"schedule": str(fleet)}, return_type="state")


def test_a_check_whose_shards_nobody_takes_checks_them_itself(
    fleet: Path, url: str, receiver: HTTPServer, pool: Any
) -> None:
    state = check_in(pool, fleet)

    assert state.name == "NeedsAttention", state.message
    found = Counter((each["state_name"], each["deployment_id"] is None) for each in shards_of(state))
    assert found == {("Cancelled", False): 2, ("NeedsAttention", True): 2}
    assert (verified(url).is_intact, verified(url).check_count) == (True, 1)


def test_a_shard_that_never_ends_is_given_up_and_repeated(
    fleet: Path, url: str, receiver: HTTPServer, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLS_SHARD_MINUTES", "0.01")
    stuck: list[Any] = []

    def start(name: str, **more: Any) -> Any:
        asked: Any = run_deployment(name, **more)
        if more["parameters"]["shard"] == "2/2" and not stuck:
            stuck.append(asked.id)
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(asked.id, Running(), force=True)
        return asked

    monkeypatch.setattr(shard_runs, "run_deployment", start)

    state = check_in(pool, fleet)

    assert state.name == "NeedsAttention", state.message
    with get_client(sync_client=True) as client:
        given_up = client.read_flow_run(stuck[0]).state
    assert given_up is not None
    assert (given_up.name, given_up.message) == ("Cancelling", "The shard took too long.")
    assert [each["shard"] for each in state.result()["shards"]] == ["1/2", "2/2"]
    assert verified(url).is_intact


def test_a_check_in_shards_says_what_a_single_one_says(
    fleet: Path, url: str, receiver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {
        "schema_version": CHANGES_SCHEMA,
        "changes": [
            {
                "change_id": "a-change",
                "promoted_at": "2026-11-20T09:00:00Z",
                "schedule_ids": ["service-1", "service-6", "servise-3"],
                "environments": ["production", "nowhere"],
            }
        ],
    }
    (tmp_path / "changes.json").write_text(json.dumps(changes))
    monkeypatch.setenv("DRILLS_CHANGES", str(tmp_path / "changes.json"))
    receiver.clear()
    receiver.expect_request("/webhook").respond_with_data("busy", status=503)
    check(fleet, retries=0)

    said: dict[str, str] = {}
    pages: dict[str, str] = {}
    for provider, size in (("slack", SIZE), ("teams", 2 * COUNT)):
        monkeypatch.setenv("DRILLS_SHARD_SIZE", str(size))
        said[provider] = check(fleet, provider=provider, retries=0).message
        with get_client(sync_client=True) as client:
            wanted = {"artifacts": {"key": {"any_": ["rollback-drill-fleet"]}}}
            pages[provider] = client.request("POST", "/artifacts/latest/filter", json=wanted).json()[0][
                "data"
            ]

    for provider, message in said.items():
        assert (
            "through providers that this run was not asked for: 2 notifications wait for webhook" in message
        )
        assert f"nobody is notified through {provider}: the schedules have webhook" in message
    for page in pages.values():
        assert "servise-3" in page
        assert "nowhere" in page
        assert "service-6" not in page.partition("## Left out")[2].partition("##")[0]
