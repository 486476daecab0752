"""A replay with an approval: one asks, another approves, and whoever is refused leaves a record."""

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.evidence.record_kinds import (
    CLOSURE_KIND,
    REPLAY_APPROVAL_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
)
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.notifications.states import State
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.connector_switch import enable
from rollback_drills.recovery.found_replays import ReplayState, list_replays
from rollback_drills.recovery.replay_records import OPEN_FOR
from rollback_drills.recovery.replays import (
    MOST_REQUESTED,
    RefusedReplayError,
    approve_replay,
    discard,
    execute_replay,
    replay,
    request_replay,
)
from rollback_drills.recovery.run_retries import try_again
from tests.samples.outbox import make_entries, make_entry
from tests.samples.outbox_rows import put, states
from tests.samples.recovery import START, attempt, find_records, instant, kinds_of, run_index, writer

MARIA = Act("maria", "the receiver is up again")
WEBHOOK = frozenset({"webhook"})


@pytest.fixture
def dead(database: Database) -> list[str]:
    """Refuse two notifications, and write it down."""
    ids = put(database, *make_entries(2), now=START)
    attempt(database, State.PERMANENT, at=10)
    run_index(database, at=11)
    return ids


def ask(database: Database, ids: list[str], at: float = 20) -> str:
    """Request a replay as maria; give its id."""
    return request_replay(database, ids, MARIA, writer(at)).records[-1].replay_id


def test_what_one_requests_and_another_approves_is_replayed_and_all_of_it_is_recorded(
    database: Database, dead: list[str]
) -> None:
    replay_id = ask(database, dead)
    assert states(database, *dead) == [State.PERMANENT] * 2
    approve_replay(database, replay_id, "jo", writer(30))
    assert states(database, *dead) == [State.PERMANENT] * 2
    execute_replay(database, replay_id, "sam", writer(40))
    assert states(database, *dead) == [State.RETRY] * 2
    attempt(database, {dead[0]: State.DELIVERED, dead[1]: State.PERMANENT}, at=50)
    run_index(database, at=51)

    assert kinds_of(database) == [
        "connector-outage",
        "replay-request",
        "replay-approval",
        "replay-execution",
        "connector-recovery-closure",
        "replay-outcome",
    ]
    _, requested, approved, executed, closed, outcome = find_records(database)
    assert {each["replay_id"] for each in (requested, approved, executed, outcome)} == {replay_id}
    assert (requested["requested_by"], requested["reason"]) == (MARIA.by, MARIA.reason)
    assert [each["notification_id"] for each in requested["notifications"]] == dead
    assert (approved["requested_by"], approved["approved_by"]) == ("maria", "jo")
    names = [executed[f"{each}_by"] for each in ("requested", "approved", "replayed")]
    assert names == ["maria", "jo", "sam"]
    assert [(each["outcome"], each["attempt_count"]) for each in outcome["notifications"]] == [
        ("delivered", 1),
        ("permanent", 1),
    ]
    assert (outcome["delivery_success"], outcome["attempt_count"]) == (False, 2)
    (act,) = closed["replayed"]
    assert (act["requested_by"], act["approved_by"], act["by"]) == ("maria", "jo", "sam")
    assert verify_ledger(database, Trust(), lambda _: None).findings == []


@pytest.mark.parametrize("by", ["maria", " MARIA ", "maria via token-b", "mаria"], ids=str)
def test_who_requested_it_cannot_approve_it_however_the_name_is_spelt(
    database: Database, dead: list[str], by: str
) -> None:
    replay_id = ask(database, dead)

    with pytest.raises(RefusedReplayError, match="somebody else must approve it"):
        approve_replay(database, replay_id, by, writer(30))

    (refused,) = find_records(database, REPLAY_REFUSAL_KIND)
    assert (refused["replay_id"], refused["step"], refused["asked_by"]) == (replay_id, "approve", by)
    assert find_records(database, REPLAY_APPROVAL_KIND) == []
    with pytest.raises(RefusedReplayError):
        execute_replay(database, replay_id, "sam", writer(40))
    assert states(database, *dead) == [State.PERMANENT] * 2


def test_a_replay_without_the_second_name_is_refused_and_recorded(
    database: Database, dead: list[str]
) -> None:
    with pytest.raises(RefusedReplayError, match=r"webhook: .*request-replay"):
        replay(database, dead, MARIA, writer(20), WEBHOOK)

    (refused,) = find_records(database, REPLAY_REFUSAL_KIND)
    assert (refused["step"], refused["asked_by"], refused["provider"]) == ("replay", "maria", "webhook")
    assert [each["notification_id"] for each in refused["notifications"]] == dead
    assert states(database, *dead) == [State.PERMANENT] * 2
    assert find_records(database, REPLAY_EXECUTION_KIND) == []


def test_of_several_connectors_all_or_nothing_is_replayed(database: Database, dead: list[str]) -> None:
    (other,) = put(database, make_entry("search", provider="My Hook"), now=START)
    attempt(database, State.PERMANENT, at=12, provider="My Hook")

    with pytest.raises(RefusedReplayError, match="My Hook: "):
        replay(database, [*dead, other], MARIA, writer(20), frozenset({"my-hook"}))

    assert states(database, *dead, other) == [State.PERMANENT] * 3


def test_a_request_that_nobody_approved_is_not_executed(database: Database, dead: list[str]) -> None:
    replay_id = ask(database, dead)

    with pytest.raises(RefusedReplayError, match="is not approved"):
        execute_replay(database, replay_id, "jo", writer(30))

    (refused,) = find_records(database, REPLAY_REFUSAL_KIND)
    assert (refused["step"], refused["asked_by"]) == ("execute", "jo")
    assert states(database, *dead) == [State.PERMANENT] * 2


def test_a_request_is_executed_once_and_approved_once(database: Database, dead: list[str]) -> None:
    replay_id = ask(database, dead)
    approve_replay(database, replay_id, "jo", writer(30))
    with pytest.raises(UsageError, match="approved by jo already"):
        approve_replay(database, replay_id, "sam", writer(31))
    execute_replay(database, replay_id, "maria", writer(40))
    discard(database, dead, MARIA, writer(41))

    with pytest.raises(UsageError, match="executed by maria already"):
        execute_replay(database, replay_id, "maria", writer(42))
    assert states(database, *dead) == [State.DISCARDED] * 2


def test_a_request_expires(database: Database, dead: list[str]) -> None:
    replay_id = ask(database, dead, at=20)
    end = 20 + OPEN_FOR.total_seconds()
    approve_replay(database, replay_id, "jo", writer(end - 1))

    with pytest.raises(UsageError, match="expired at"):
        execute_replay(database, replay_id, "jo", writer(end))
    (found,) = list_replays(database, now=instant(end))
    assert (found.state, found.approved_by, found.executed_by) == (ReplayState.EXPIRED, "jo", None)
    (found,) = list_replays(database, now=instant(end - 1))
    assert found.state is ReplayState.APPROVED


def test_only_what_can_be_replayed_is_requested(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"), now=START)
    attempt(database, State.DELIVERED, at=10)

    with pytest.raises(UsageError, match="none of these notifications"):
        ask(database, [its_id, "gordmsg-0"])
    with pytest.raises(UsageError, match=r"^replay_id is .gordreplay-0., which"):
        approve_replay(database, "gordreplay-0", "jo", writer(30))
    assert find_records(database, REPLAY_REQUEST_KIND) == []


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (Act(" ", "why"), "by"),
        (Act("maria", ""), "reason"),
        (Act("maria", "see https://a.example.org/x"), "reason"),
    ],
)
def test_nothing_is_done_without_a_name_and_a_reason_that_evidence_can_hold(
    database: Database, dead: list[str], act: Act, field: str
) -> None:
    for do in (replay, request_replay, discard):
        with pytest.raises(UsageError) as caught:
            do(database, dead, act, writer(20))
        assert caught.value.field == field
    assert kinds_of(database) == ["connector-outage"]


def test_a_request_for_too_many_notifications_is_refused_and_says_how_to_go_on(
    database: Database, dead: list[str]
) -> None:
    meant = [*dead, *(f"gordmsg-{number}" for number in range(MOST_REQUESTED))]

    with pytest.raises(UsageError) as caught:
        request_replay(database, meant, MARIA, writer(20))

    assert str(caught.value) == (
        "10,002 notifications are meant, and a request has at most 10,000; choose those of one connector, or"
        " pass the ids of some of them"
    )
    assert kinds_of(database) == ["connector-outage"]


def test_enabling_a_connector_and_retrying_a_run_are_no_way_around_an_approval(database: Database) -> None:
    (its_id,) = put(database, make_entry("payments"), now=START)
    attempt(database, State.DISABLED, at=10)

    enable(database, "webhook", MARIA, writer(20), WEBHOOK)
    assert states(database, its_id) == [State.DISABLED]
    assert try_again(database, None, None, Act("drill-check", "a retry"), writer(30), WEBHOOK) == 0

    assert states(database, its_id) == [State.DISABLED]
    (refused,) = find_records(database, REPLAY_REFUSAL_KIND)
    assert (refused["asked_by"], refused["notifications"][0]["notification_id"]) == ("drill-check", its_id)
    replay_id = ask(database, [its_id], at=40)
    approve_replay(database, replay_id, "jo", writer(41))
    execute_replay(database, replay_id, "maria", writer(42))
    attempt(database, State.DELIVERED, at=50)
    run_index(database, at=51)
    assert len(find_records(database, CLOSURE_KIND)) == 1
