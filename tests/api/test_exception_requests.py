"""Exceptions over HTTP: one caller requests, and another one approves or declines."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from rollback_drills.access.api_token import Scope
from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.evidence.record_kinds import EXCEPTION_KIND
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS, Keys
from tests.api.played_flows import play_flows
from tests.samples.plain_records import read_plain

REQUESTS = f"{NOTIFICATIONS}/exception-requests"


@pytest.fixture(autouse=True)
def _played(options: ApiOptions, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_flows(options))
    keys.add("board", Scope.ADMIN)


def granted(options: ApiOptions) -> list[PlainJson]:
    """Return the exceptions of the evidence."""
    return read_plain(Database.at(options.database_url), EXCEPTION_KIND)


def ask(client: TestClient, keys: Keys, who: str = "operateer", **changes: Any) -> Response:
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds")
    body = {"exception": "postpone", "until": until, "reason": "a freeze", **changes}
    return client.post(f"{NOTIFICATIONS}/payments/exception-requests", headers=keys.header(who), json=body)


def decide(
    client: TestClient, keys: Keys, request_id: str, how: str = "approve", who: str = "adminer", **body: str
) -> Response:
    return client.post(f"{REQUESTS}/{request_id}/{how}", headers=keys.header(who), json=body)


def test_a_request_is_listed_until_somebody_else_approves_it(
    client: TestClient, keys: Keys, options: ApiOptions
) -> None:
    asked = ask(client, keys, requested_by="maria").json()["request"]

    assert asked["requested_by"] == "maria via operateer"
    listed = client.get(REQUESTS).json()
    assert (listed["total"], listed["items"][0]["request_id"]) == (1, asked["request_id"])
    assert client.get(REQUESTS, params={"schedule_id": "PAYMENTS"}).json()["total"] == 1
    assert client.get(REQUESTS, params={"schedule_id": "search"}).json()["items"] == []
    assert client.get(f"{NOTIFICATIONS}/dashboard").json()["open_request_count"] == 1
    assert granted(options) == []

    answer = decide(client, keys, asked["request_id"], decided_by="anna", reason="this once")

    assert answer.status_code == 200, answer.text
    (row,) = granted(options)
    assert answer.json()["exception"]["exception_id"] == row["exception_id"]
    assert (row["requested_by"], row["approver"]) == ("maria via operateer", "anna via adminer")
    assert row["remark"] == "this once"
    assert client.get(REQUESTS).json()["items"] == []
    again = decide(client, keys, asked["request_id"], "decline", "board", reason="no")
    assert (again.status_code, "was approved by anna" in again.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("asker", "asks_for", "decides", "decides_for"),
    [
        ("adminer", "", "adminer", ""),
        ("adminer", "maria", "adminer", "anna"),
        ("adminer", "", "adminer", "anna"),
        ("operateer", "maria", "adminer", "MARIA"),
        ("board", "maria", "adminer", "m\u0430ria"),
        ("board", "adminer", "adminer", ""),
    ],
)
def test_who_requested_it_cannot_approve_it(
    client: TestClient,
    keys: Keys,
    options: ApiOptions,
    asker: str,
    asks_for: str,
    decides: str,
    decides_for: str,
) -> None:
    asked = ask(client, keys, asker, **({"requested_by": asks_for} if asks_for else {})).json()["request"]

    body = {"decided_by": decides_for} if decides_for else {}
    answer = decide(client, keys, asked["request_id"], who=decides, **body)

    assert answer.status_code == 422
    assert "somebody else must approve it" in answer.json()["detail"]
    assert granted(options) == []


def test_a_request_that_is_declined_grants_nothing(
    client: TestClient, keys: Keys, options: ApiOptions
) -> None:
    asked = ask(client, keys).json()["request"]

    assert decide(client, keys, asked["request_id"], "decline").status_code == 422
    answer = decide(client, keys, asked["request_id"], "decline", reason="there is time")

    assert answer.json()["decline"]["declined_by"] == "adminer"
    assert granted(options) == []
    assert client.get(REQUESTS).json()["total"] == 0


def test_a_decision_needs_the_scope_admin_and_a_request(client: TestClient, keys: Keys) -> None:
    asked = ask(client, keys).json()["request"]

    assert ask(client, keys, "reader").status_code == 403
    for how in ("approve", "decline"):
        assert decide(client, keys, asked["request_id"], how, "operateer").status_code == 403
        assert decide(client, keys, "gordexreq-none", how, reason="no").status_code == 404
    assert decide(client, keys, "gordexreq-none").status_code == 404
    assert (
        client.post(
            f"{NOTIFICATIONS}/nope/exception-requests",
            headers=keys.header("operateer"),
            json={"exception": "skip", "until": "2099-01-01T00:00:00Z", "reason": "a freeze"},
        ).status_code
        == 404
    )


def test_an_exception_whose_requester_approves_it_is_refused(
    client: TestClient, keys: Keys, options: ApiOptions
) -> None:
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds")
    body = {
        "exception": "skip",
        "until": until,
        "reason": "a freeze",
        "approver": "Maria",
        "requested_by": "maria",
    }
    path = f"{NOTIFICATIONS}/payments/exceptions"

    answer = client.post(path, headers=keys.header("adminer"), json=body)

    assert answer.status_code == 422
    assert "who requested it; somebody else must approve it" in answer.json()["detail"]
    assert granted(options) == []
    answer = client.post(path, headers=keys.header("adminer"), json={**body, "requested_by": "otto"})
    assert answer.json()["exception"]["requested_by"] == "otto via adminer"
    alone = client.post(
        path, headers=keys.header("adminer"), json={**body, "approver": None, "requested_by": None}
    )
    assert (alone.json()["exception"]["approver"], alone.json()["exception"]["requested_by"]) == (
        "adminer",
        None,
    )
