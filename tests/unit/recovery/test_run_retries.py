"""A person retries a flow run: what failed is due again, and the evidence says by whom."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.database.tables import DESTINATIONS
from rollback_drills.evidence.record_kinds import ENABLED_KIND, REPLAY_EXECUTION_KIND
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.outbox.destinations import find_destinations
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recorded_act import Writer
from rollback_drills.recovery.run_retries import try_again
from tests.samples.builders import open_key
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import force, get, put
from tests.samples.recovery import find_records

NOW = 1_796_115_600.0  # 1 December 2026, 09:00 UTC
ACT = Act("drill-check", "a person retried the flow run in Prefect")


def pause(database: Database, **values: object) -> None:
    """Put the destination of the webhook into any state."""
    with database.write() as connection:
        connection.execute(DESTINATIONS.insert().values(provider="webhook", **values))


def retry(database: Database, schedule_ids: Collection[str] | None, providers: Collection[str] | None) -> int:
    """Make everything due again; give how many notifications."""
    writer = Writer(open_key, "drill-check", datetime.fromtimestamp(NOW, UTC))
    return try_again(database, schedule_ids, providers, ACT, writer)


def test_a_person_makes_due_again_what_failed_and_nothing_else(database: Database) -> None:
    ids = put(database, *make_entries(6))
    states = (State.RETRY, State.PERMANENT, State.DISABLED, State.SENDING, State.DELIVERED, State.DISCARDED)
    for each, state in zip(ids, states, strict=True):
        force(database, each, state=state, due_at=NOW + 600.0, unanswered_count=state is State.PERMANENT)
    pause(database, cool_until=NOW + 600.0, disabled_at=NOW)

    assert retry(database, None, None) == 3

    assert [get(database, each).state for each in ids] == [State.RETRY] * 3 + list(states[3:])
    assert [get(database, each).due_at for each in ids[:3]] == [NOW] * 3
    assert get(database, ids[1]).may_repeat
    (destination,) = find_destinations(database)
    assert destination.takes(NOW)
    replayed, enabled = find_records(database, REPLAY_EXECUTION_KIND, ENABLED_KIND)
    assert (replayed["replayed_by"], replayed["reason"]) == (ACT.by, ACT.reason)
    assert [each["notification_id"] for each in replayed["notifications"]] == ids[1:3]
    assert (enabled["enabled_by"], enabled["provider"]) == (ACT.by, "webhook")


@pytest.mark.parametrize(
    ("status_code", "due_in", "is_kept"),
    [
        pytest.param(429, 600.0, True, id="the provider asked for it"),
        pytest.param(503, 600.0, True, id="asked for with another status"),
        pytest.param(None, 600.0, False, id="nobody could be reached"),
        pytest.param(503, 120.0, False, id="another message, which asked for nothing"),
    ],
)
def test_only_a_pause_that_a_provider_asked_for_is_kept(
    database: Database, status_code: int | None, due_in: float, is_kept: bool
) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=State.RETRY, due_at=NOW + due_in, status_code=status_code, attempt_count=1)
    pause(database, cool_until=NOW + 600.0)

    retry(database, ["payments"], ["webhook"])

    (destination,) = find_destinations(database)
    assert destination.takes(NOW) is not is_kept


def test_what_another_schedule_or_provider_left_stays_as_it_is(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=State.PERMANENT, due_at=None)

    assert retry(database, ["search"], None) == 0
    assert retry(database, ["payments"], ["slack"]) == 0
    assert get(database, its_id).state is State.PERMANENT


def test_of_the_dead_letters_of_a_route_the_newest_is_sent_again(database: Database) -> None:
    entry = make_entry("payments")
    older, newest = put(database, entry, replace(entry, notification_id="gordmsg-2", reason=Reason.REPEAT))
    for each in (older, newest):
        force(database, each, state=State.PERMANENT, due_at=None)

    assert retry(database, None, None) == 1

    assert [get(database, each).state for each in (older, newest)] == [State.PERMANENT, State.RETRY]


def test_what_another_run_is_sending_ends_no_pause(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"))
    force(database, its_id, state=State.SENDING, due_at=NOW + 60.0)
    pause(database, cool_until=0.0, disabled_at=NOW)

    assert retry(database, None, None) == 0

    (destination,) = find_destinations(database)
    assert not destination.takes(NOW)
