"""The page of outages: what connectors kept from owners, and which step of a replay comes next."""

from datetime import timedelta

import pytest

from rollback_drills.console import outages
from rollback_drills.console.links import ServedLinks
from rollback_drills.console.outages import read_outages
from rollback_drills.console.pages import write_outages
from rollback_drills.console.source import Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.evidence.outages.listing import read_open_outages
from rollback_drills.notifications.states import State
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.replays import (
    RefusedReplayError,
    approve_replay,
    discard,
    execute_replay,
    request_replay,
)
from tests.reading.html_pages import HtmlPage
from tests.samples.outbox import make_entries
from tests.samples.outbox_rows import put
from tests.samples.recovery import START, attempt, instant, run_index, writer

MARIA = Act("maria", "the <receiver> is up again")


def look_at(database: Database, at: float) -> Console:
    """Return the console at a time in seconds after the start."""
    return read_console(database, [], [], now=instant(at))


def page_of(database: Database, at: float) -> HtmlPage:
    """Write the page at a time in seconds after the start."""
    return HtmlPage(write_outages(look_at(database, at), ServedLinks()))


def test_without_an_outage_the_page_says_so(database: Database) -> None:
    text = page_of(database, 1).text

    assert "No connector ever had an outage." in text
    assert "Nobody has requested a replay." in text


def test_an_open_outage_says_what_waits_and_a_closed_one_what_came_of_it(database: Database) -> None:
    first, second, third = put(database, *make_entries(3), now=START)
    attempt(database, {first: State.RETRY, second: State.PERMANENT, third: State.PERMANENT}, at=60)
    run_index(database, at=61, flow_run_id="0691f5a2-8a0e-7f3c-8000-2b1c5d8e9f01")

    view = read_outages(look_at(database, 3600))
    assert (view.open_count, view.waiting_count, view.undecided_count) == (1, 3, 0)
    text = page_of(database, 3600).text
    assert "59 min" in text
    assert "0 delivered, 1 waiting, 2 dead" in text
    (found,) = read_open_outages(database, now=instant(3600))
    assert (found.provider, found.waiting_count, found.dead_letter_count) == ("webhook", 1, 2)

    discard(database, [third], MARIA, writer(3700))
    attempt(database, State.DELIVERED, at=3800)
    run_index(database, at=3801)
    text = page_of(database, 4000).text
    assert "1 h 2 min" in text
    assert "1 delivered, 0 waiting, 1 dead, 1 discarded" in text
    assert "1 discarded by maria: the <receiver> is up again" in text
    assert read_open_outages(database, now=instant(4000)) == []


def test_a_request_names_the_command_that_comes_next(database: Database) -> None:
    ids = put(database, *make_entries(2), now=START)
    attempt(database, State.PERMANENT, at=10)
    replay_id = request_replay(database, ids, MARIA, writer(20)).records[-1].replay_id
    with pytest.raises(RefusedReplayError):
        execute_replay(database, replay_id, "maria", writer(21))

    (request,) = read_outages(look_at(database, 30)).replays
    assert request.refusal_count == 1
    assert f"drills outbox approve-replay {replay_id} --by YOUR-NAME" in page_of(database, 30).text
    approve_replay(database, replay_id, "jo", writer(40))
    assert f"drills outbox execute-replay {replay_id} --by YOUR-NAME" in page_of(database, 50).text
    execute_replay(database, replay_id, "jo", writer(60))
    assert "--by YOUR-NAME" not in page_of(database, 70).text
    assert read_outages(look_at(database, 70)).undecided_count == 0


def test_of_very_many_outages_the_newest_are_shown(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "MOST_SHOWN", 2)
    for number, entry in enumerate(make_entries(3)):
        at = 100.0 * number
        put(database, entry, now=START + at)
        attempt(database, State.RETRY, at=at + 10)
        run_index(database, at=at + 11)
        attempt(database, State.DELIVERED, at=at + 20)
        run_index(database, at=at + 21)

    view = read_outages(look_at(database, 1000))

    assert [each.opened_at for each in view.outages] == [
        (instant(0) + timedelta(seconds=each)).isoformat() for each in (209, 109)
    ]
    assert "2 of 3 outages" in page_of(database, 1000).text
