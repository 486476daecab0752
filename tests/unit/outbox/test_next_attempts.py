"""When a waiting notification is tried again: runs, lists, console, API and follow-up name the same time."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rollback_drills.console.source import read_console
from rollback_drills.console.undelivered import read_undelivered
from rollback_drills.database.connections import Database
from rollback_drills.delivery.undelivered_text import explain_attempt
from rollback_drills.documents.utc import from_seconds
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.notifications.states import State
from rollback_drills.outbox.claims import next_attempt_at
from rollback_drills.outbox.destinations import note_pause_or_death
from rollback_drills.outbox.undelivered import find_undelivered
from rollback_drills.reports.notifications import find_notifications
from tests.samples.builders import NOW
from tests.samples.commands import drills
from tests.samples.outbox import make_entry
from tests.samples.outbox_rows import force, put

AT = NOW.timestamp()
HOUR = 3600.0


def pause(database: Database, until: float) -> None:
    """Let the destination ask for a pause, under another spelling of its name."""
    with database.write() as connection:
        note_pause_or_death(database, connection, "Webhook", cool_until=until, disabled_at=None, because="")


def die(database: Database) -> None:
    """Let the destination die."""
    with database.write() as connection:
        note_pause_or_death(database, connection, "webhook", cool_until=None, disabled_at=AT, because="gone")


@pytest.mark.parametrize(
    ("happens", "at"),
    [
        pytest.param(lambda _: None, AT + HOUR, id="nothing"),
        pytest.param(lambda database: pause(database, AT + 2 * HOUR), AT + 2 * HOUR, id="a longer pause"),
        pytest.param(lambda database: pause(database, AT + 0.5 * HOUR), AT + HOUR, id="a shorter pause"),
        pytest.param(die, None, id="death"),
    ],
)
@pytest.mark.parametrize("state", [State.PENDING, State.RETRY, State.AMBIGUOUS])
def test_everything_that_names_the_next_attempt_names_the_same(
    state: State, happens: Callable[[Database], None], at: float | None, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    database = Database.open(url)
    (notification_id,) = put(database, make_entry("payments"), now=AT)
    force(database, notification_id, state=state, due_at=AT + HOUR)
    happens(database)

    (of_run,) = find_undelivered(database, None, None, now=AT).waiting
    (of_console,) = read_undelivered(read_console(database, [], [], now=NOW)).waiting
    (of_history,) = find_notifications(database).items
    ((route,),) = (cycle.routes for cycle in read_open_cycles(database, now=NOW))
    listed = drills("outbox", "list", "--json", "--database", url, cwd=tmp_path).stdout
    shown = drills("outbox", "show", notification_id, "--database", url, cwd=tmp_path).stdout
    database.engine.dispose()

    expected = None if at is None else from_seconds(at)
    assert next_attempt_at(Database.open(url), "webhook") == at
    assert of_run.next_attempt_at == expected
    assert of_console.next_attempt_at == expected
    assert of_history.next_attempt_at == (expected.isoformat() if expected else None)
    assert route.last.attention_at == expected
    assert json.loads(listed)["items"][0]["next_attempt_at"] == of_history.next_attempt_at
    assert json.loads(shown)["next_attempt_at"] == of_history.next_attempt_at


@pytest.mark.parametrize(
    ("state", "why", "at", "text"),
    [
        (
            State.RETRY,
            "answered 503",
            NOW + timedelta(minutes=2),
            "answered 503; next attempt 1 Dec 2026, 09:02",
        ),
        (
            State.PENDING,
            "",
            NOW + timedelta(minutes=2),
            "waits for its first attempt; next attempt 1 Dec 2026",
        ),
        (State.PENDING, "", NOW, "waits for its first attempt; the next run tries it"),
        (State.AMBIGUOUS, "no answer", NOW - timedelta(days=3), "no answer; the next run tries it"),
        (State.PENDING, "the connector is disabled", None, "the connector is disabled"),
        (State.PERMANENT, "answered 404", None, "answered 404"),
        (State.DELIVERED, "answered 200", None, "answered 200"),
    ],
)
def test_a_list_says_why_a_notification_waits_and_when_it_goes_on(
    state: State, why: str, at: datetime | None, text: str
) -> None:
    assert explain_attempt(state, why, at, now=NOW).startswith(text)


def test_the_lists_of_commands_say_that_a_first_attempt_waits_for_a_pause(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    database = Database.open(url)
    put(database, make_entry("payments"), now=AT)
    pause(database, datetime(2099, 1, 2, 3, 4, tzinfo=NOW.tzinfo).timestamp())
    database.engine.dispose()

    for command in (("outbox", "list"), ("notifications",)):
        table = drills(*command, "--database", url, cwd=tmp_path, COLUMNS="250").stdout
        assert "waits for its first attempt; next attempt 2 Jan 2099, 03:04 UTC" in table
