"""Schedules are retired over HTTP, also those whose document is gone."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from rollback_drills.database.connections import Database
from rollback_drills.followup.retirements.retirement import read_retired
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS, Keys
from tests.api.played_flows import play_flows


@pytest.fixture(autouse=True)
def _played(options: ApiOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_flows(options))


def retire(
    client: TestClient, keys: Keys, name: str = "payments", who: str = "adminer", **changes: Any
) -> Any:
    body = {"reason": "the backend is gone", **changes}
    return client.post(f"{NOTIFICATIONS}/{name}/retirements", headers=keys.header(who), json=body)


def test_a_schedule_is_retired_and_restored_by_an_administrator(
    client: TestClient, keys: Keys, options: ApiOptions
) -> None:
    assert retire(client, keys, who="operateer").status_code == 403

    answer = retire(client, keys, approver="anna", requested_by="maria")

    assert answer.status_code == 200, answer.text
    record = answer.json()["retirement"]
    assert (record["approver"], record["requested_by"]) == ("anna via adminer", "maria via adminer")
    assert list(read_retired(Database.at(options.database_url))) == ["payments"]
    assert retire(client, keys).status_code == 422
    assert retire(client, keys, restore=True).json()["retirement"]["change"] == "restored"


def test_what_cannot_be_retired_is_refused(client: TestClient, keys: Keys) -> None:
    alone = retire(client, keys, approver="Maria", requested_by="maria")
    assert alone.status_code == 422
    assert "somebody else must approve it" in alone.json()["detail"]
    unknown = retire(client, keys, "nope")
    assert unknown.status_code == 422
    assert "has neither a document nor an open cycle" in unknown.json()["detail"]
