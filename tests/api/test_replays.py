"""Replays over HTTP and in the console: one person sends again; where it is asked for, it takes two."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from rollback_drills.access.api_token import Scope
from rollback_drills.access.link_permission import LinkKeys
from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.evidence.record_kinds import (
    REPLAY_APPROVAL_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
)
from rollback_drills.notifications.states import State
from rollback_drills.outbox.queries import OutboxFilter, find_rows
from rollback_drills.recovery.recorded_act import Writer
from rollback_drills.recovery.replays import approve_replay, execute_replay
from rollback_drills_api.logins import parse_login
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS, Keys, client_of
from tests.api.played_flows import NEED_APPROVAL, play_flows
from tests.samples.builders import open_key
from tests.samples.recovery import find_records

REPLAYS = f"{NOTIFICATIONS}/replays"
WHY = "the channel exists again"
SAME = {"sec-fetch-site": "same-origin"}
FORM_KEYS = LinkKeys.generate()


@pytest.fixture(autouse=True)
def _played(options: ApiOptions, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_flows(options))
    # which would ask a Prefect server
    monkeypatch.setattr("rollback_drills_api.replays.find_replay_approvals", lambda: NEED_APPROVAL)
    keys.add("board", Scope.ADMIN)


@pytest.fixture(autouse=True)
def dead(options: ApiOptions) -> dict[str, str]:
    """Let every notification be refused; give one of each provider."""
    database = Database.open(options.database_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET state = 'permanent', is_indexed = 1, detail = 'gone'")
    rows, _ = find_rows(database, OutboxFilter())
    return {each.provider: each.notification_id for each in rows}


@pytest.fixture
def board(options: ApiOptions) -> Iterator[TestClient]:
    """Open the console where everybody who logged in may decide."""
    login = parse_login("X-Remote-User", "127.0.0.1", "admin")
    with client_of(options, open_form_keys=lambda: FORM_KEYS, login=login) as opened:
        opened._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # of starlette
        yield opened


def written(options: ApiOptions, *kinds: str) -> list[PlainJson]:
    return find_records(Database.at(options.database_url), *kinds)


def states(options: ApiOptions, provider: str) -> set[State]:
    rows, _ = find_rows(Database.at(options.database_url), OutboxFilter(provider=provider))
    return {each.state for each in rows}


def post(client: TestClient, keys: Keys, who: str, path: str = "", **body: Any) -> Response:
    return client.post(f"{REPLAYS}{path}", headers=keys.header(who), json=body)


def send(board: TestClient, page: str, form: str, person: str = "maria", **fields: str) -> Response:
    """Send a form with the mark of a page."""
    marked = board.get("/console/undelivered", headers=login(person)).text
    found = re.search(r'name="mark" value="([^"]+)"', marked)
    given = {"mark": html.unescape(found[1]) if found else "", **fields}
    return board.post(f"/console/{page}/{form}", data=given, headers={**login(person), **SAME})


def test_a_replay_over_http_takes_two_callers(
    client: TestClient, keys: Keys, options: ApiOptions, dead: dict[str, str]
) -> None:
    asked = post(client, keys, "operateer", provider="TEAMS", reason=WHY, requested_by="maria")
    assert asked.status_code == 200, asked.text
    replay = asked.json()["replay"]
    assert (replay["requested_by"], replay["providers"]) == ("maria via operateer", ["teams"])
    assert client.get(REPLAYS).json()["items"][0]["state"] == "requested"
    path = f"/{replay['replay_id']}"

    early = post(client, keys, "operateer", f"{path}/execute")
    assert (early.status_code, "is not approved" in early.json()["detail"]) == (422, True)
    own = post(client, keys, "adminer", f"{path}/approve", approved_by="MARIA")
    assert (own.status_code, "somebody else must approve it" in own.json()["detail"]) == (422, True)
    assert [each["step"] for each in written(options, REPLAY_REFUSAL_KIND)] == ["execute", "approve"]
    assert states(options, "teams") == {State.PERMANENT}

    approved = post(client, keys, "adminer", f"{path}/approve", approved_by="jo").json()["replay"]
    assert approved["approved_by"] == "jo via adminer"
    executed = post(client, keys, "operateer", f"{path}/execute", retries=0).json()["replay"]
    assert (executed["approved_by"], executed["replayed_by"]) == ("jo via adminer", "operateer")
    assert states(options, "teams") == {State.RETRY}
    again = post(client, keys, "operateer", f"{path}/execute")
    assert (again.status_code, "was executed by operateer already" in again.json()["detail"]) == (422, True)
    assert post(client, keys, "board", f"{path}/approve").status_code == 422
    assert len(written(options, REPLAY_EXECUTION_KIND)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"reason": WHY},
        {"reason": WHY, "provider": "teams", "notification_ids": ["gordmsg-1"]},
        {"reason": "", "provider": "teams"},
        {"reason": "ask maria@corp.example.com", "provider": "teams"},
        {"provider": "teams"},
    ],
)
def test_a_request_that_names_nothing_or_too_much_is_refused(
    client: TestClient, keys: Keys, options: ApiOptions, body: dict[str, Any]
) -> None:
    assert post(client, keys, "operateer", **body).status_code == 422
    assert written(options, REPLAY_REQUEST_KIND) == []


def test_replays_need_their_scopes_and_what_they_name(
    client: TestClient, keys: Keys, dead: dict[str, str]
) -> None:
    replay_id = post(client, keys, "operateer", provider="teams", reason=WHY).json()["replay"]["replay_id"]

    assert post(client, keys, "reader", provider="teams", reason=WHY).status_code == 403
    assert post(client, keys, "recorder", f"/{replay_id}/execute").status_code == 403
    assert post(client, keys, "operateer", f"/{replay_id}/approve").status_code == 403
    assert post(client, keys, "adminer", "/gordreplay-none/approve").status_code == 404
    assert post(client, keys, "adminer", "/gordreplay-none/execute").status_code == 404
    unknown = post(client, keys, "operateer", notification_ids=["gordmsg-none"], reason=WHY)
    assert (unknown.status_code, "gordmsg-none" in unknown.json()["detail"]) == (404, True)


def test_a_person_sends_a_dead_letter_again_with_name_and_reason(
    board: TestClient, options: ApiOptions, dead: dict[str, str]
) -> None:
    page = board.get("/console/undelivered", headers={"x-remote-user": "maria"}).text
    assert "The evidence will name you as <strong>maria via proxy</strong>" in page
    assert "drills outbox replay" not in page

    nothing = send(board, "undelivered", "replay", notification_id=dead["slack"], reason="")
    assert (nothing.status_code, "The reason is empty" in nothing.text) == (422, True)
    long = send(board, "undelivered", "replay", notification_id=dead["slack"], reason="x" * 4001)
    assert (long.status_code, "The reason has 4,001 characters; write at most 4,000" in long.text) == (
        422,
        True,
    )
    answer = send(board, "undelivered", "replay", notification_id=dead["slack"], reason=WHY)

    assert [each.status_code for each in answer.history] == [303]
    assert answer.history[0].headers["location"].startswith("../../console/undelivered?done=replayed&mark=")
    assert "Your replay is in the evidence" in answer.text
    (record,) = written(options, REPLAY_EXECUTION_KIND)
    assert (record["replayed_by"], record["reason"]) == ("maria via proxy", WHY)
    assert [each["notification_id"] for each in record["notifications"]] == [dead["slack"]]


def test_all_dead_letters_of_a_connector_are_sent_again_at_once(
    board: TestClient, options: ApiOptions, dead: dict[str, str]
) -> None:
    given = {"notification_id": dead["slack"], "reason": WHY, "which": "all"}

    assert send(board, "undelivered", "replay", **given).status_code == 200

    (record,) = written(options, REPLAY_EXECUTION_KIND)
    assert record["notification_count"] > 1
    assert (states(options, "slack"), states(options, "teams")) == ({State.RETRY}, {State.PERMANENT})


def test_where_a_second_person_is_needed_the_form_requests_and_another_ones_approves(
    board: TestClient, options: ApiOptions, dead: dict[str, str]
) -> None:
    answer = send(board, "undelivered", "replay", notification_id=dead["teams"], reason=WHY)
    assert "Somebody else approves it on the page Outages" in answer.text
    assert states(options, "teams") == {State.PERMANENT}
    (asked,) = written(options, REPLAY_REQUEST_KIND)
    given = {"replay_id": asked["replay_id"]}
    assert 'action="../console/outages/approve"' in board.get("/console/outages", headers=login("jo")).text
    own = board.get("/console/outages", headers=login("Maria")).text
    assert "You requested it. Somebody else approves it." in own
    assert "console/outages/approve" not in own

    refused = send(board, "outages", "approve", "MARIA", **given)
    assert (refused.status_code, "The refusal is in the evidence." in refused.text) == (422, True)
    assert len(written(options, REPLAY_REFUSAL_KIND)) == 1
    assert "The replay is approved" in send(board, "outages", "approve", "jo", **given).text
    (approval,) = written(options, REPLAY_APPROVAL_KIND)
    assert (approval["requested_by"], approval["approved_by"]) == ("maria via proxy", "jo via proxy")
    assert "Your replay is in the evidence" in send(board, "outages", "execute", **given).text
    assert states(options, "teams") == {State.PERMANENT, State.RETRY}
    assert "<button>" not in board.get("/console/outages", headers=login("jo")).text


@pytest.mark.parametrize(
    ("page", "form", "fields"),
    [
        ("undelivered", "replay", {"reason": WHY, "notification_id": "gordmsg-none"}),
        ("outages", "approve", {"replay_id": "gordreplay-none"}),
        ("outages", "execute", {"replay_id": "gordreplay-none"}),
    ],
)
def test_a_form_that_names_nothing_that_is_there_says_so(
    board: TestClient, page: str, form: str, fields: dict[str, str]
) -> None:
    answer = send(board, page, form, **fields)

    assert answer.status_code in (404, 422)
    assert 'role="alert"' in answer.text


def test_a_page_that_is_out_of_date_says_so(
    board: TestClient, client: TestClient, keys: Keys, options: ApiOptions, dead: dict[str, str]
) -> None:
    with Database.open(options.database_url).write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET state = 'delivered' WHERE provider != 'teams'")

    one = send(board, "undelivered", "replay", notification_id=dead["slack"], reason=WHY)
    all_of_it = send(board, "undelivered", "replay", notification_id=dead["slack"], reason=WHY, which="all")

    assert (one.status_code, "None of these notifications can be replayed" in one.text) == (422, True)
    assert (all_of_it.status_code, "Slack has no dead letters" in all_of_it.text) == (422, True)
    for chosen in ({"provider": "slack"}, {"provider": "webhok"}, {"notification_ids": [dead["slack"]]}):
        assert post(client, keys, "operateer", reason=WHY, **chosen).status_code == 422
    assert written(options) == []


@pytest.mark.parametrize("do", [approve_replay, execute_replay])
def test_who_comes_second_reads_who_was_first(
    client: TestClient,
    keys: Keys,
    options: ApiOptions,
    monkeypatch: pytest.MonkeyPatch,
    do: Callable[..., Any],
) -> None:
    replay_id = post(client, keys, "operateer", provider="teams", reason=WHY).json()["replay"]["replay_id"]
    if do is execute_replay:
        post(client, keys, "adminer", f"/{replay_id}/approve")
    play, database = play_flows(options), Database.at(options.database_url)

    def play_after_another(name: str, parameters: PlainJson, **further: Any) -> Any:
        do(database, replay_id, "jo", Writer(open_key, "cli", database.now()))
        return play(name, parameters, **further)

    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_after_another)
    step = do.__name__.removesuffix("_replay")
    answer = post(client, keys, "board", f"/{replay_id}/{step}")

    assert (answer.status_code, f"was {step}d by jo already" in answer.text) == (422, True)


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {}, {"origin": "https://evil.example"}]
)
def test_a_replay_that_another_site_sends_is_refused(
    board: TestClient, options: ApiOptions, dead: dict[str, str], headers: dict[str, str]
) -> None:
    mark = FORM_KEYS.mark_form("maria via proxy", now=Database.at(options.database_url).now())
    data = {"mark": mark, "notification_id": dead["slack"], "reason": WHY}

    answer = board.post("/console/undelivered/replay", data=data, headers={**login("maria"), **headers})

    assert (answer.status_code, written(options, REPLAY_EXECUTION_KIND)) == (403, [])


def test_a_mark_of_somebody_else_sends_nothing_and_keeps_what_was_typed(
    board: TestClient, options: ApiOptions, dead: dict[str, str]
) -> None:
    mark = FORM_KEYS.mark_form("jo via proxy", now=Database.at(options.database_url).now())
    fields = {"notification_id": dead["slack"], "reason": "a <b> reason"}

    answer = send(board, "undelivered", "replay", mark=mark, **fields)

    assert answer.status_code == 422
    assert 'value="a &lt;b&gt; reason"' in answer.text
    assert written(options, REPLAY_EXECUTION_KIND) == []


@pytest.mark.parametrize(
    ("page", "form", "scope", "needed"),
    [
        ("undelivered", "replay", "read,record", "operate"),
        ("outages", "approve", "operate,record", "admin"),
        ("outages", "execute", "read,record", "operate"),
    ],
)
def test_a_form_needs_its_scope_also_with_a_mark(
    client: TestClient,
    keys: Keys,
    options: ApiOptions,
    dead: dict[str, str],
    page: str,
    form: str,
    scope: str,
    needed: str,
) -> None:
    replay_id = post(client, keys, "operateer", provider="teams", reason=WHY).json()["replay"]["replay_id"]
    if form == "execute":
        post(client, keys, "adminer", f"/{replay_id}/approve")
    before = written(options)
    mark = FORM_KEYS.mark_form("maria via proxy", now=Database.at(options.database_url).now())
    data = {"mark": mark, "notification_id": dead["slack"], "reason": WHY, "replay_id": replay_id}
    given = parse_login("X-Remote-User", "127.0.0.1", scope)

    with client_of(options, open_form_keys=lambda: FORM_KEYS, login=given) as opened:
        opened._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # of starlette
        answer = opened.post(f"/console/{page}/{form}", data=data, headers={**login("maria"), **SAME})

    assert (answer.status_code, f"This needs the scope {needed}" in answer.text) == (403, True)
    assert written(options) == before


def test_who_may_only_read_gets_commands_and_no_forms(options: ApiOptions, keys: Keys) -> None:
    with client_of(options, open_form_keys=lambda: FORM_KEYS) as client:
        reader = client.get("/console/undelivered", headers=keys.header("reader")).text
        operator = client.get("/console/undelivered", headers=keys.header("operateer")).text

    assert ("<form" in reader, "drills outbox replay" in reader) == (False, True)
    assert ("<form" in operator, "drills outbox replay" in operator) == (True, False)


def test_where_everybody_may_read_people_log_in_to_send_again(options: ApiOptions, keys: Keys) -> None:
    with client_of(options, open_form_keys=lambda: FORM_KEYS, is_public_to_read=True) as client:
        for page in ("undelivered", "outages"):
            text = client.get(f"/console/{page}").text
            assert (f'href="../console/{page}/log-in"' in text, "<form" in text) == (True, False)
            assert client.get(f"/console/{page}/log-in").status_code == 401
        assert client.post("/console/undelivered/replay", data={}, headers=SAME).status_code == 401
        client.auth = ("", keys.secrets["operateer"])
        assert "<form" in client.get("/console/undelivered/log-in").text


def login(person: str) -> dict[str, str]:
    return {"x-remote-user": person}
