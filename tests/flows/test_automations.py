"""`drills automations apply` against a real Prefect server: what it creates, updates and leaves alone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from deployments.server_setup import find_former_pools
from deployments.shipped import read_deployments
from rollback_drills.errors import UsageError
from rollback_drills_cli.automations.shipped import RECURRING, find_key, list_shipped
from rollback_drills_cli.main import app
from tests.checkout import ROOT

pytestmark = pytest.mark.usefixtures("prefect_server")
NAMES = [each.name for each in list_shipped("drills")]


@pytest.fixture(autouse=True)
def _without_automations(receiver: HTTPServer) -> Iterator[None]:
    """Begin and end without automations."""
    yield
    with get_client(sync_client=True) as client:
        for each in client.read_automations():
            client.delete_automation(each.id)


def run(*options: str, notify: str = "webhook") -> Result:
    return CliRunner().invoke(app, ["automations", "apply", "--notify", notify, "--json", *options])


def steps(done: Result) -> dict[str, str]:
    """Return what was done with each automation."""
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    items = json.loads(done.stdout[done.stdout.index("{") :])["items"]
    return {each["name"]: each["step"] for each in items}


def there() -> list[Automation]:
    with get_client(sync_client=True) as client:
        return client.read_automations()


def update(automation: Automation, **changes: Any) -> None:
    whole = automation.model_dump(mode="json", exclude={"id", "owner_resource"})
    changed = AutomationCore.model_validate({**whole, **changes})
    with get_client(sync_client=True) as client:
        client.update_automation(automation.id, changed)


def test_applying_twice_changes_nothing() -> None:
    dry = run("--dry-run")
    assert dry.exit_code == 1
    assert steps(dry) == dict.fromkeys(NAMES, "create")
    assert there() == []

    assert steps(run()) == dict.fromkeys(NAMES, "create")
    before = there()
    assert sorted(each.name for each in before) == sorted(NAMES)

    assert steps(run()) == dict.fromkeys(NAMES, "unchanged")
    assert there() == before
    assert run("--dry-run").exit_code == 0


def test_one_that_was_changed_is_set_right_and_stays_switched_off() -> None:
    run()
    first = next(each for each in there() if find_key(each) == "gate-blocked")
    other_actions = [{**first.model_dump(mode="json")["actions"][0], "body": "something else"}]
    update(first, enabled=False, actions=other_actions, name="renamed")

    dry = run("--dry-run")
    items = json.loads(dry.stdout[dry.stdout.index("{") :])["items"]
    assert [each for each in items if each["step"] != "unchanged"] == [
        {"name": "Rollback drills: a release is blocked", "step": "update", "fields": ["name", "actions"]}
    ]
    run()

    (again,) = [each for each in there() if find_key(each) == "gate-blocked"]
    assert (again.id, again.name, again.enabled) == (first.id, "Rollback drills: a release is blocked", False)
    assert again.actions == first.actions


def covers(key: str, event: str, resource: str, deployment: str) -> bool:
    """Return whether the trigger of an automation takes an event of a run of a deployment."""
    (shipped,) = (each for each in list_shipped("drills") if each.key == key)
    trigger = EventTrigger.model_validate(shipped.build(uuid4()).trigger.model_dump())
    related = [
        {
            "prefect.resource.id": f"prefect.{role}.1",
            "prefect.resource.role": role,
            "prefect.resource.name": name,
        }
        for role, name in (("flow-run", "blue-moon"), ("deployment", deployment), ("work-pool", "drills"))
    ]
    occurred = {"occurred": datetime.now(UTC), "received": datetime.now(UTC), "id": uuid4()}
    of_pool = {"prefect.resource.id": resource, "prefect.resource.name": "drills"}
    return trigger.covers(ReceivedEvent(event=event, resource=of_pool, related=related, **occurred))


@pytest.mark.parametrize(("deployment", "is_check"), [("drill-check", True), ("record-drill", False)])
def test_a_drill_that_is_recorded_does_not_stand_for_the_check_of_the_fleet(
    deployment: str, is_check: bool
) -> None:
    completed = "cavra.go_backend.rollback_drill.check.completed"

    assert covers("no-check", completed, "rollback-drills.check.payments", deployment) is is_check


@pytest.mark.parametrize("deployment", ["escalate-unacknowledged", "drill-check"])
def test_only_runs_of_the_follow_up_stand_for_it(deployment: str) -> None:
    is_follow_up = deployment == "escalate-unacknowledged"

    assert (
        covers("no-follow-up", "prefect.flow-run.Healthy", "prefect.flow-run.1", deployment) is is_follow_up
    )


@pytest.mark.parametrize("event", ["prefect.work-pool.not-ready", "prefect.work-pool.paused"])
def test_a_paused_work_pool_is_told_like_one_without_a_worker(event: str) -> None:
    assert covers("worker-offline", event, "prefect.work-pool.1", "")


def test_a_work_pool_that_is_paused_or_loses_the_checks_is_named_and_the_other_one_watched() -> None:
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="first", type="process", is_paused=True))

    first = CliRunner().invoke(app, ["deploy", "--work-pool", "first"])
    second = CliRunner().invoke(app, ["deploy", "--work-pool", "second"])
    run()
    served = find_former_pools(read_deployments())

    assert served == ["second"]
    assert "The work pool first is paused" in first.output
    assert "Deployments moved" not in first.output
    assert "Deployments moved from the work pool first to second" in second.output
    assert "paused" not in second.output
    (offline,) = [each for each in there() if find_key(each) == "worker-offline"]
    assert offline.trigger.model_dump()["match"]["prefect.resource.name"] == "second"


def test_another_work_pool_and_another_block_update_what_names_them(receiver: HTTPServer) -> None:
    run()
    assert steps(run("--work-pool", "other"))["Rollback drills: no worker is online"] == "update"
    block = CustomWebhookNotificationBlock(
        name="team", url=receiver.url_for("/team"), json_data={"text": "{{body}}"}
    )
    block.save("platform-team", overwrite=True)
    assert set(steps(run("--work-pool", "other", notify="platform-team")).values()) == {"update"}


def test_the_automations_of_others_are_never_touched() -> None:
    own = AutomationCore.model_validate(
        {
            "name": NAMES[0],
            "description": "ours",
            "trigger": {"type": "event", "expect": ["x"], "posture": "Reactive", "threshold": 1, "within": 0},
            "actions": [{"type": "do-nothing"}],
        }
    )
    with get_client(sync_client=True) as client:
        own_id = client.create_automation(own)
    before = next(each for each in there() if each.id == own_id)

    done = run()

    assert done.exit_code == 1
    assert steps(done) == {NAMES[0]: "left alone", **dict.fromkeys(NAMES[1:], "create")}
    assert next(each for each in there() if each.id == own_id) == before


def test_a_block_that_is_unknown_or_cannot_notify_is_refused() -> None:
    Secret(value="x").save("no-notifier", overwrite=True)
    for notify, problem in (
        ("nowhere", 'is "nowhere", which is no block'),
        ("no-notifier", "secret/no-notifier cannot notify"),
        ("slack-webhook/webhook", 'is "slack-webhook/webhook", which is no block'),
    ):
        refused = run(notify=notify)
        assert isinstance(refused.exception, UsageError)
        assert problem in str(refused.exception)
    assert there() == []
    assert run("--dry-run", notify="rollback-drills-webhook/webhook").exit_code == 1


def test_the_recurring_deployments_are_those_with_a_schedule() -> None:
    deployed = (ROOT / "deployments" / "prefect.yaml").read_text()
    assert all(f"  - name: {name}\n" in deployed for name in RECURRING)
    assert deployed.count("cron:") == len(RECURRING)
