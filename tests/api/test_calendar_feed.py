"""The calendar of an owner at a signed address: exactly that owner's, until it is revoked."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from icalendar import Calendar
from starlette.testclient import TestClient

from rollback_drills.access.link_permission import FEED_LASTS, LinkKeys
from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.reports.feed_grants import (
    choose_feeds,
    list_feeds,
    record_feed,
    record_feed_revocations,
    write_address,
)
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import client_of, overdue
from tests.samples.builders import open_key

KEYS = LinkKeys.generate()
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def database(options: ApiOptions) -> Database:
    """Open the evidence that is served."""
    return Database.at(options.database_url)


@pytest.fixture
def feeds(options: ApiOptions, tmp_path: Path) -> Iterator[TestClient]:
    """Ask as a calendar program, of schedules of two owners."""
    other = {**overdue("billing"), "owners": ["team-b"]}
    fleet = tmp_path / "fleet.jsonl"
    fleet.write_text("\n".join(map(json.dumps, ({**overdue(), "owners": ["team-a"]}, other))))
    settings = msgspec.structs.replace(options.settings, schedule=str(fleet), history=None)
    with client_of(options, settings=settings, load_link_keys=lambda: KEYS) as opened:
        yield opened


def make_feed(database: Database, owner: str = "team-a", *, at: datetime | None = None) -> str:
    """Make a feed, and return its path."""
    now = at or datetime.now(UTC)
    record = record_feed(owner, by="maria", created_at=now)
    append(database, [record], open_key)
    return write_address("", KEYS.sign_feed(record.session_id, now=now))


def permission_of(address: str) -> str:
    """Return the permission in the path of a feed."""
    return address.removeprefix("/feeds/").removesuffix(".ics")


def revoke(database: Database, owner: str) -> None:
    """Revoke the feeds of an owner."""
    now = datetime.now(UTC)
    chosen = choose_feeds(database, feed_id=None, owner=owner, now=now)
    records = record_feed_revocations(chosen, by="maria", reason="the team is gone", created_at=now)
    append(database, records, open_key)


def summaries(content: bytes) -> str:
    """Return the titles of the events."""
    return " ".join(str(each["summary"]) for each in Calendar.from_ical(content).walk("VEVENT"))


def test_a_feed_is_the_calendar_of_exactly_one_owner(feeds: TestClient, database: Database) -> None:
    answer = feeds.get(make_feed(database))

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    assert "payments" in summaries(answer.content)
    assert "billing" not in answer.text
    assert "billing" in summaries(feeds.get(make_feed(database, "TEAM-B")).content)


def test_a_feed_permits_nothing_else(feeds: TestClient, database: Database) -> None:
    address = make_feed(database)
    bearer = {"authorization": f"Bearer {permission_of(address)}"}

    assert feeds.get(f"/acknowledge/{permission_of(address)}").status_code == 410
    assert feeds.get("/calendar.ics", headers=bearer).status_code == 401
    assert feeds.post(address).status_code == 405
    assert feeds.get(f"{address}?owner=team-b").status_code == 422
    message = KEYS.sign("gordroute-0123456789abcdef", now=datetime.now(UTC))
    assert feeds.get(f"/feeds/{message}.ics").status_code == 410


def test_an_address_in_which_a_character_is_changed_permits_nothing(
    feeds: TestClient, database: Database
) -> None:
    permission = permission_of(make_feed(database))
    for place in (*range(0, len(permission), 7), *range(len(permission) - 4, len(permission))):
        other = "B" if permission[place] == "A" else "A"
        changed = f"{permission[:place]}{other}{permission[place + 1 :]}"
        assert feeds.get(f"/feeds/{changed}.ics").status_code == 410, place


def test_the_last_character_of_an_address_has_one_form(feeds: TestClient, database: Database) -> None:
    permission = permission_of(make_feed(database))
    statuses = [feeds.get(f"/feeds/{permission[:-1]}{each}.ics").status_code for each in BASE64]
    assert statuses.count(200) == 1


@pytest.mark.parametrize("guess", ["a", "a.b.c", "x" * 4000, "a/b", "%2e%2e%2fcalendar"])
def test_a_guess_permits_nothing(feeds: TestClient, guess: str) -> None:
    assert feeds.get(f"/feeds/{guess}.ics").status_code == 410


def test_a_signature_without_a_record_permits_nothing(feeds: TestClient) -> None:
    permission = KEYS.sign_feed("rdfeed-0123456789abcdef", now=datetime.now(UTC))
    answer = feeds.get(f"/feeds/{permission}.ics")
    assert answer.status_code == 410
    assert answer.json()["detail"] == "this address is not valid; ask for a new one"


def test_a_revoked_feed_ends_and_the_next_one_works(feeds: TestClient, database: Database) -> None:
    first, other = make_feed(database), make_feed(database, "team-b")
    assert feeds.get(first).status_code == 200
    revoke(database, "team-a")

    answer = feeds.get(first)
    assert answer.status_code == 410
    assert answer.json()["detail"] == "this address was revoked; ask for a new one"
    assert feeds.get(other).status_code == 200
    assert feeds.get(make_feed(database)).status_code == 200
    assert [each.revoked_by for each in list_feeds(database)] == [None, None, "maria"]


def test_a_feed_expires_after_a_year(feeds: TestClient, database: Database) -> None:
    old = make_feed(database, at=datetime.now(UTC) - FEED_LASTS - timedelta(seconds=1))
    young = make_feed(database, at=datetime.now(UTC) - FEED_LASTS + timedelta(hours=1))

    assert "has expired" in feeds.get(old).json()["detail"]
    assert feeds.get(young).status_code == 200


def test_other_keys_end_every_feed(options: ApiOptions, database: Database) -> None:
    address = make_feed(database)
    with client_of(options, load_link_keys=lambda: KEYS.rotate(is_old_valid=False)) as client:
        assert client.get(address).status_code == 410
    with client_of(options) as client:
        assert client.get(address).status_code == 410


def test_an_answer_is_private_and_is_not_sent_twice(feeds: TestClient, database: Database) -> None:
    address = make_feed(database)
    first = feeds.get(address)
    assert first.headers["cache-control"].startswith("private")
    assert first.headers["referrer-policy"] == "no-referrer"

    for known in (first.headers["etag"], f'"else", {first.headers["etag"]}'):
        again = feeds.get(address, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["cache-control"].startswith("private")
    assert feeds.get(address, headers={"if-none-match": '"else"'}).status_code == 200


def test_the_tag_changes_with_the_documents(feeds: TestClient, database: Database, tmp_path: Path) -> None:
    address = make_feed(database)
    before = feeds.get(address).headers["etag"]
    (tmp_path / "fleet.jsonl").write_text(json.dumps({**overdue("search"), "owners": ["team-a"]}))
    feeds.app.state.service.forget()  # type: ignore[attr-defined]  # of the application in the client
    assert feeds.get(address).headers["etag"] != before


def test_an_address_is_in_no_log(
    feeds: TestClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    address = make_feed(database)
    with caplog.at_level(logging.DEBUG):
        feeds.get(address)
        feeds.get(f"{address}/beyond")
        feeds.post(address)

    logged = [each.getMessage() for each in caplog.records if each.name.startswith("rollback_drills")]
    assert any("/feeds/{link}" in each for each in logged)
    assert permission_of(address) not in "".join(logged)


def test_guesses_are_slowed_down(options: ApiOptions) -> None:
    with client_of(replace(options, requests_per_second=1), load_link_keys=lambda: KEYS) as client:
        statuses = {client.get("/feeds/guess.ics").status_code for _ in range(10)}
    assert statuses == {410, 429}


@pytest.mark.parametrize(
    ("owner", "by", "field"),
    [("", "maria", "owner"), ("team-a", " ", "by"), ("team-a", "eve@corp.example.com", "by")],
)
def test_a_feed_names_who_made_it_and_nothing_private(owner: str, by: str, field: str) -> None:
    with pytest.raises(UsageError) as caught:
        record_feed(owner, by=by, created_at=datetime.now(UTC))
    assert caught.value.field == field


def test_revoking_what_is_not_there_names_the_feeds_that_are(database: Database) -> None:
    make_feed(database)
    now = datetime.now(UTC)
    with pytest.raises(UsageError, match="there are feeds of team-a"):
        choose_feeds(database, feed_id=None, owner="nobody", now=now)
    with pytest.raises(UsageError, match="pass either feed_id or owner"):
        choose_feeds(database, feed_id="rdfeed-1", owner="team-a", now=now)
    revoke(database, "team-a")
    with pytest.raises(UsageError, match="there is none"):
        choose_feeds(database, feed_id=None, owner="team-a", now=now)
