"""The keys of links are one Secret block, whoever needs them first."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.blocks.system import Secret
from pytest_httpserver import HTTPServer

from blocks.link_keys import BLOCK_NAME, LinkKeysError, load_link_keys, open_link_keys, replace_link_keys
from flows.deliver_notifications import deliver_notifications
from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from tests.samples.builders import SCHEDULE
from tests.samples.commands import Done, drills
from tests.samples.unreadable_blocks import save_unreadable

pytestmark = pytest.mark.usefixtures("prefect_server")
ROUTE = "gordroute-0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_keys() -> None:
    with suppress(ValueError):  # there are none
        Secret.delete(BLOCK_NAME)


def test_deliveries_that_find_no_keys_at_the_same_time_sign_with_the_same() -> None:
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: open_link_keys(), range(4)))

    assert set(opened) == {load_link_keys()}


def test_a_rotation_replaces_the_keys_of_all() -> None:
    now, before = datetime.now(UTC), open_link_keys()
    permission = before.sign(ROUTE, now=now)

    replace_link_keys(before.rotate(is_old_valid=True))

    rotated = open_link_keys()
    assert rotated.read(permission, now=now) == ROUTE
    assert rotated.keys[1:] == before.keys
    with pytest.raises(UsageError):
        before.read(rotated.sign(ROUTE, now=now), now=now)


def test_a_damaged_block_is_named_with_its_remedy() -> None:
    Secret(value="nonsense").save(BLOCK_NAME, overwrite=True)

    with pytest.raises(LinkKeysError, match=f"{BLOCK_NAME} is not usable: it holds no keys; delete it"):
        open_link_keys()


def test_keys_that_the_server_cannot_read_are_not_replaced() -> None:
    with (
        save_unreadable("secret", BLOCK_NAME),
        pytest.raises(LinkKeysError, match="is not usable: the Prefect server cannot read it"),
    ):
        open_link_keys()


def test_messages_go_out_without_a_link_to_acknowledge_if_the_keys_are_damaged(
    url: str, receiver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Secret(value="nonsense").save(BLOCK_NAME, overwrite=True)
    monkeypatch.setenv("DRILLS_PUBLIC_URL", "https://drills.example")
    schedule = tmp_path / "schedule.json"
    schedule.write_text(json.dumps({**SCHEDULE, "owners": ["team-a"], "notification_providers": ["webhook"]}))

    state = deliver_notifications(schedule=str(schedule), return_state=True)

    assert state.is_completed(), state.message
    (sent,) = [request.get_json() for request, _ in receiver.log if request.path == "/webhook"]
    labels = [each["label"] for each in sent["links"]]
    assert "Schedule" in labels
    assert "Acknowledge" not in labels


def test_a_feed_is_made_listed_and_revoked(url: str, tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(json.dumps({**SCHEDULE, "owners": ["team-a"]}))
    Database.open(url).engine.dispose()

    def links(*words: str) -> Done:
        public_url = "https://drills.example/below/"
        return drills(*("links", *words), cwd=tmp_path, DRILLS_PUBLIC_URL=public_url, DRILLS_DATABASE_URL=url)

    assert "There is no feed yet. `drills links feed" in links("feeds").stdout
    made = links("feed", "--owner", "Team-A", "--by", "maria", "--schedule", "schedule.json")
    assert made.returncode == 0, made.stderr
    address = made.stdout.splitlines()[-1]
    assert re.fullmatch(r"https://drills\.example/below/feeds/[\w.-]+\.ics", address)
    permission = address.rpartition("/")[2].removesuffix(".ics")
    (feed,) = json.loads(links("feeds", "--json").stdout)["feeds"]
    assert open_link_keys().read_feed(permission, now=datetime.now(UTC)) == feed["feed_id"]
    assert (feed["owner"], feed["granted_by"], feed["revoked_at"]) == ("team-a", "maria", None)

    ended = links("revoke-feed", "--owner", "team-a", "--by", "maria", "--reason", "forwarded")
    assert ended.stdout == f"maria has revoked the feed {feed['feed_id']} of team-a.\n"
    assert json.loads(links("feeds", "--json").stdout)["feeds"][0]["revoked_by"] == "maria"
    again = links("revoke-feed", "--feed-id", feed["feed_id"], "--by", "maria", "--reason", "twice")
    assert again.returncode == 2
    assert "--feed-id is not that of a usable feed; there is none" in again.stderr


def test_a_feed_needs_the_address_of_the_api_and_an_owner_that_there_is(tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(json.dumps({**SCHEDULE, "owners": ["team-a", "team-b"]}))
    wanted = ("links", "feed", "--owner", "team-c", "--by", "maria", "--schedule", "schedule.json")

    nowhere = drills(*wanted, cwd=tmp_path)
    assert (nowhere.returncode, "DRILLS_PUBLIC_URL is not set" in nowhere.stderr) == (2, True)
    found = drills(*wanted, cwd=tmp_path, DRILLS_PUBLIC_URL="https://drills.example")
    assert found.returncode == 2
    assert '--owner is not known: there is no owner "team-c"; there are team-a, team-b' in found.stderr
