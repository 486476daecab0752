"""The pages of what waits, what died, and what changed since yesterday."""

import pytest

from rollback_drills.console import undelivered
from rollback_drills.console.links import PrefectLinks, StaticLinks
from rollback_drills.console.pages import (
    write_acknowledgements,
    write_changes,
    write_schedule,
    write_undelivered,
)
from rollback_drills.console.source import Console, read_console
from rollback_drills.console.undelivered import read_undelivered
from rollback_drills.database.connections import Database
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.outbox.destinations import note_pause_or_death
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from tests.reading.html_pages import HtmlPage
from tests.samples.builders import open_key
from tests.samples.world import FLOW_RUN, World

LINKS = StaticLinks(PrefectLinks("http://127.0.0.1:4200"))


class BusyWorld(World):
    """A world in which providers that do not take a message ask to try again."""

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        """Take a message, unless its provider is refusing."""
        if notification.provider in self.refusing:
            return Verdict(Outcome.RETRY, "answered 503", 503)
        return await super().send_async(notification, timeout_seconds=timeout_seconds)


def look_at(world: World) -> Console:
    """Return the console of a world as it is now."""
    subjects = world.subjects()
    judgements = judge_all(subjects, Criteria(), now=world.now)
    return read_console(world.database, subjects, judgements, now=world.now)


def index_outcomes(world: World) -> None:
    """Take the outcomes out of the outbox into the evidence, as a run does."""
    index_run(
        world.database,
        [],
        created_at=world.now,
        signer="test",
        redact=lambda record: record,
        open_key=open_key,
        flow_run_id=FLOW_RUN,
    )


def test_dead_letters_say_what_died_why_and_how_to_send_them_again(database: Database) -> None:
    world = World(database, {})
    world.refusing.add("teams")
    world.check()
    index_outcomes(world)
    world.wait(hours=3)

    view = read_undelivered(look_at(world))
    assert (view.waiting_count, view.dead_count) == (0, 2)
    page = HtmlPage(write_undelivered(look_at(world), LINKS))
    for text in ("2 dead letters", "team-a through teams", "3 hours ago", "refused", "owner not notified"):
        assert text in page.text
    assert f"drills outbox replay {view.dead[0].row.notification_id}" in page.text
    assert f"http://127.0.0.1:4200/runs/flow-run/{FLOW_RUN}" in page.addresses


def test_a_dead_letter_whose_owner_was_notified_later_is_settled(database: Database) -> None:
    world = World(database, {})
    world.refusing.add("teams")
    world.check()
    world.refusing.clear()
    world.wait(days=8)
    world.check()

    assert [each.is_pressing for each in read_undelivered(look_at(world)).dead] == [False, False]
    assert "settled" in HtmlPage(write_undelivered(look_at(world), LINKS)).text


def test_what_waits_says_since_when_why_and_when_it_is_tried_again(database: Database) -> None:
    world = BusyWorld(database, {})
    world.refusing.add("slack")
    world.check()
    planned_at = world.now

    view = read_undelivered(look_at(world))
    assert view.waiting_count == 2
    assert {each.since for each in view.waiting} == {planned_at}
    assert all(each.next_attempt_at and each.next_attempt_at > planned_at for each in view.waiting)
    page = HtmlPage(write_undelivered(look_at(world), LINKS))
    for text in ("answered 503", "1 attempt", "team-b through slack", "none yet"):
        assert text in page.text

    world.wait(days=3)
    assert "the next run" in HtmlPage(write_undelivered(look_at(world), LINKS)).text


def test_what_waits_for_a_disabled_connector_has_no_next_attempt(database: Database) -> None:
    world = BusyWorld(database, {})
    world.refusing.add("slack")
    world.check()
    with database.write() as connection:
        died_at = world.now.timestamp()
        note_pause_or_death(
            *(database, connection, "slack"), cool_until=None, disabled_at=died_at, because="answered 410"
        )

    view = read_undelivered(look_at(world))
    assert all(each.next_attempt_at is None for each in view.waiting if each.row.provider == "slack")
    page = HtmlPage(write_undelivered(look_at(world), LINKS))
    assert "slack is disabled: answered 410" in page.text
    assert "drills connectors enable slack" in page.text


def test_only_the_newest_are_listed_and_all_are_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undelivered, "MOST_SHOWN", 1)
    world = World(database, {})
    world.refusing.update({"teams", "slack"})
    world.check()

    view = read_undelivered(look_at(world))
    assert (len(view.dead), view.dead_count) == (1, 4)
    assert "The 1 newest of 4 dead letters" in HtmlPage(write_undelivered(look_at(world), LINKS)).text


def test_nothing_undelivered_is_said_to_be_nothing(database: Database) -> None:
    page = HtmlPage(write_undelivered(look_at(World(database, {})), LINKS))
    assert "No notification waits." in page.text
    assert "There is no dead letter." in page.text


def test_the_run_that_notified_stands_beside_the_notification(database: Database) -> None:
    world = World(database, {})
    world.check()
    run = f"http://127.0.0.1:4200/runs/flow-run/{FLOW_RUN}"
    before = HtmlPage(write_schedule(look_at(world), LINKS, "payments")).addresses.count(run)
    index_outcomes(world)

    page = HtmlPage(write_schedule(look_at(world), LINKS, "payments"))
    assert page.addresses.count(run) == before + 4, "of the four notifications"


def test_without_an_earlier_check_the_page_of_changes_says_so(database: Database) -> None:
    world = World(database, {})
    assert "No schedule came, went or changed its state" in write_changes(look_at(world), LINKS)
    world.check()
    assert "There is no check from before" in write_changes(look_at(world), LINKS)
    world.wait(days=2)
    assert "No schedule came, went or changed its state" in write_changes(look_at(world), LINKS)


def test_who_has_to_acknowledge_and_was_not_notified_does_not_look_notified(database: Database) -> None:
    world = World(database, {}, {"schedule_id": "search", "notification_providers": ["teams"]})
    world.refusing.add("teams")
    world.check()

    page = HtmlPage(write_acknowledgements(look_at(world), LINKS))

    assert page.text.count("slack, teams not notified through teams") == 2
    assert page.text.count(" teams not notified 0") == 2
