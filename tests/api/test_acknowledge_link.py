"""The page behind a link in a message: it shows, and only its button acts."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from rollback_drills.access.link_permission import LinkKeys
from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.evidence.record import name_run
from rollback_drills.evidence.record_kinds import ACKNOWLEDGEMENT_KIND
from rollback_drills.followup.linked_route import record_revocation
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.names import ids
from rollback_drills.outbox.commit import commit
from rollback_drills.planning.alarm_path import AlarmPath, build_entries
from rollback_drills_api.flow_runs import Ran
from rollback_drills_api.logins import parse_login
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import NOTIFICATIONS, client_of
from tests.samples.builders import open_key
from tests.samples.plain_records import read_plain

KEYS = LinkKeys.generate()


@pytest.fixture
def database(options: ApiOptions) -> Any:
    """Open the evidence that is served."""
    return Database.at(options.database_url)


@pytest.fixture
def page(options: ApiOptions) -> Iterator[TestClient]:
    """Ask as somebody without a token."""
    with client_of(options, load_link_keys=lambda: KEYS) as opened:
        yield opened


def link_to(database: Any, owner: str = "team-a", provider: str = "slack", **when: Any) -> str:
    """Return the link to a route that was notified."""
    (cycle,) = read_open_cycles(database, now=datetime.now(UTC))
    route = cycle.find_route(provider, owner)
    assert route
    return f"/acknowledge/{KEYS.sign(route.route_key, now=when.get('now', datetime.now(UTC)))}"


def acknowledged(database: Any) -> list[dict[str, Any]]:
    """Return what was acknowledged."""
    return read_plain(database, ACKNOWLEDGEMENT_KIND)


@pytest.fixture
def without_flows(monkeypatch: pytest.MonkeyPatch, database: Any) -> list[dict[str, Any]]:
    """Let the flow run be what its task does; the whole way is tried with a real Prefect server."""
    ran: list[dict[str, Any]] = []

    def run(_: ApiOptions, name: str, parameters: dict[str, Any]) -> Ran:
        from rollback_drills.followup.acknowledgements.acknowledgement import Acknowledgement
        from rollback_drills.followup.acknowledgements.bulk_acknowledgement import acknowledge
        from rollback_drills.followup.acknowledgements.route_choice import RouteChoice

        ran.append(parameters)
        now = datetime.now(UTC)
        choices = [RouteChoice(**each) for each in parameters["routes"]]
        said = Acknowledgement(parameters["acknowledged_by"], notes=parameters["notes"])
        records = acknowledge(
            EvidenceIndex(database), [(each, said) for each in choices], now=now, created_at=now
        )
        flow_run_id = "0691f5a2-8a0e-7f3c-8000-2b1c5d8e9f02"
        append(database, [name_run(each, flow_run_id) for each in records], open_key)
        return Ran(flow_run_id, "Acknowledged", True, None)

    monkeypatch.setattr("rollback_drills_api.run_records.run_flow", run)
    return ran


def test_opening_a_link_shows_what_it_is_about_and_writes_nothing(page: TestClient, database: Any) -> None:
    for _ in range(3):  # a mail scanner, a preview of a chat, and the person
        answer = page.get(link_to(database))

        assert answer.status_code == 200
        for text in ("Acknowledge payments", "team-a", "slack", "Holds until", "Your name"):
            assert text in answer.text
    assert acknowledged(database) == []


def test_the_drill_of_an_alarm_path_is_acknowledged_on_a_page_that_says_so(
    page: TestClient, database: Any, without_flows: list[dict[str, Any]]
) -> None:
    now = datetime.now(UTC)
    path = AlarmPath(owner="team-a", provider="slack", schedule_count=1, not_before=now.isoformat())
    (entry,), _ = build_entries([path], within=timedelta(days=1), now=now)
    commit(database, [entry], [], now=now.timestamp())
    link = f"/acknowledge/{KEYS.sign(entry.route_key, now=now)}"

    shown = page.get(link).text
    answer = page.post(link, data={"by": "Maria"})

    assert "This is a drill" in shown
    assert "Nothing is wrong" in shown
    assert "Holds until" not in shown
    assert "Maria via link has acknowledged this" in answer.text
    (record,) = acknowledged(database)
    assert (record["schedule_id"], record["cycle_id"]) == ("alarm-path:team-a", entry.cycle_id)


def test_head_and_other_methods_do_not_act_either(page: TestClient, database: Any) -> None:
    assert page.head(link_to(database)).status_code == 200
    assert page.put(link_to(database)).status_code == 405
    assert acknowledged(database) == []


def test_the_button_acknowledges_exactly_one_route(
    page: TestClient, database: Any, without_flows: list[dict[str, Any]]
) -> None:
    link = link_to(database)

    answer = page.post(link, data={"by": "  Maria   Rossi "})

    assert answer.status_code == 200
    assert answer.history[0].status_code == 303
    assert "Maria Rossi via link has acknowledged this" in answer.text
    (record,) = acknowledged(database)
    assert (record["owner"], record["provider"]) == ("team-a", "slack")
    assert record["acknowledged_by"] == "Maria Rossi via link"
    assert record["notes"] == "acknowledged by the link of the message"
    assert "has acknowledged" not in page.get(link_to(database, provider="teams")).text
    assert "has acknowledged" not in page.get(link_to(database, owner="team-b")).text


@pytest.mark.parametrize(
    ("by", "problem"),
    [
        ("", "The name is missing; say who acknowledges"),
        ("   ", "The name is missing; say who acknowledges"),
        ("maria@corp.example.com", "holds an e-mail address"),
    ],
)
def test_a_name_that_evidence_cannot_have_is_asked_for_again(
    page: TestClient, database: Any, without_flows: list[dict[str, Any]], by: str, problem: str
) -> None:
    answer = page.post(link_to(database), data={"by": by})

    assert answer.status_code == 422
    assert problem in answer.text
    assert without_flows == []


def test_markup_in_a_name_is_shown_as_text(
    page: TestClient, database: Any, without_flows: list[dict[str, Any]]
) -> None:
    answer = page.post(link_to(database), data={"by": "<script>alert(1)</script>"})

    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_a_form_of_another_site_is_refused(
    page: TestClient, database: Any, without_flows: list[dict[str, Any]], site: str, status: int
) -> None:
    answer = page.post(link_to(database), data={"by": "maria"}, headers={"sec-fetch-site": site})

    assert answer.status_code == status
    assert len(without_flows) == (status == 200)


def test_a_body_that_is_no_form_is_refused(page: TestClient, database: Any) -> None:
    assert page.post(link_to(database), json={"by": "maria"}).status_code == 415


def test_a_form_is_taken_nowhere_else(page: TestClient) -> None:
    assert page.post(f"{NOTIFICATIONS}/deliver", data={"a": "b"}).status_code == 415


@pytest.mark.parametrize("path", ["nonsense", "a.b.c", "x" * 5000])
def test_what_is_no_link_says_so(page: TestClient, path: str) -> None:
    answer = page.get(f"/acknowledge/{path}")

    assert answer.status_code == 410
    assert "This link is not valid" in answer.text


def test_an_expired_link_says_so(page: TestClient, database: Any) -> None:
    answer = page.get(link_to(database, now=datetime.now(UTC) - timedelta(days=31)))

    assert (answer.status_code, "This link has expired" in answer.text) == (410, True)


def test_after_the_cycle_a_link_says_that_it_is_over(
    page: TestClient, database: Any, without_flows: list[dict[str, Any]]
) -> None:
    other = KEYS.sign(ids.route_key("gordcycle-0123456789abcdef", "slack", "team-a"), now=datetime.now(UTC))

    for answer in (
        page.get(f"/acknowledge/{other}"),
        page.post(f"/acknowledge/{other}", data={"by": "maria"}),
    ):
        assert (answer.status_code, "This cycle is over" in answer.text) == (410, True)
    assert without_flows == []


def test_revoked_links_of_a_cycle_permit_nothing(
    page: TestClient, database: Any, without_flows: list[dict[str, Any]]
) -> None:
    link = link_to(database)
    (cycle,) = read_open_cycles(database, now=datetime.now(UTC))
    record = record_revocation(
        cycle.cycle_id, "payments", by="maria", reason="forwarded", created_at=datetime.now(UTC)
    )
    append(database, [record], open_key)

    assert "were revoked" in page.get(link).text
    assert page.post(link, data={"by": "mallory"}).status_code == 410
    assert without_flows == []


def test_without_keys_no_link_is_valid(options: ApiOptions, database: Any) -> None:
    with client_of(options) as opened:
        assert opened.get(link_to(database)).status_code == 410


def test_keys_that_cannot_be_loaded_are_tried_again_later(options: ApiOptions, database: Any) -> None:
    asked: list[int] = []

    def fail() -> LinkKeys:
        asked.append(1)
        raise OSError("no server")

    with client_of(options, load_link_keys=fail) as opened:
        answers = [opened.get(link_to(database)) for _ in range(3)]

    assert {each.status_code for each in answers} == {503}
    assert "no server" not in answers[0].text
    assert len(asked) == 1, "strangers do not reach the Prefect server with each request"


def test_a_link_is_in_no_log_and_no_referrer(
    page: TestClient, database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    link = link_to(database)
    with caplog.at_level(logging.DEBUG):
        answer = page.get(link)

    assert link.rpartition("/")[2] not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("rollback_drills")
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("http-equiv", "")


def test_the_stylesheet_needs_no_token(page: TestClient) -> None:
    assert page.get("/acknowledge/style.css").headers["content-type"].startswith("text/css")


def test_a_revocation_names_who_and_holds_nothing_private() -> None:
    facts: dict[str, Any] = {
        "cycle_id": "gordcycle-1",
        "schedule_id": "payments",
        "created_at": datetime.now(UTC),
    }
    with pytest.raises(UsageError):
        record_revocation(**facts, by=" ", reason="forwarded")
    with pytest.raises(UsageError):
        record_revocation(**facts, by="maria", reason="sent to eve@corp.example.com")


def test_strangers_are_slowed_down(options: ApiOptions) -> None:
    with client_of(replace(options, requests_per_second=1), load_link_keys=lambda: KEYS) as opened:
        statuses = {opened.get("/acknowledge/guess").status_code for _ in range(10)}

    assert statuses == {410, 429}


def test_who_logged_in_at_the_proxy_is_named_and_types_nothing(
    options: ApiOptions, database: Any, without_flows: list[dict[str, Any]]
) -> None:
    login = parse_login("X-Remote-User", "127.0.0.1", None)
    with client_of(options, load_link_keys=lambda: KEYS, login=login) as page:
        page._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # of starlette
        page.headers["x-remote-user"] = "maria"
        shown = page.get(link_to(database))
        assert "The evidence will name you as <strong>maria via proxy</strong>" in shown.text
        assert 'name="by"' not in shown.text
        for headers in ({}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}):
            assert page.post(link_to(database), data={"by": "anna"}, headers=headers).status_code == 403
        answer = page.post(link_to(database), data={"by": "anna"}, headers={"sec-fetch-site": "same-origin"})

    assert "maria via proxy has acknowledged this" in answer.text
    (record,) = acknowledged(database)
    assert record["acknowledged_by"] == "maria via proxy"
