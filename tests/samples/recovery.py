"""Attempts through one connector at chosen times, and what tests of outages and replays look at."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rollback_drills.database.connections import Database
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.record_kinds import (
    CLOSURE_KIND,
    DISABLED_KIND,
    DISCARD_KIND,
    ENABLED_KIND,
    OUTAGE_KIND,
    REPLAY_APPROVAL_KIND,
    REPLAY_EXECUTION_KIND,
    REPLAY_OUTCOME_KIND,
    REPLAY_REFUSAL_KIND,
    REPLAY_REQUEST_KIND,
)
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.outbox.claims import Claimed, Result, settle_and_claim
from rollback_drills.recovery.recorded_act import Writer
from tests.samples.builders import NOW, open_key
from tests.samples.plain_records import read_plain

START = NOW.timestamp()
RECOVERY_KINDS = (
    *(DISABLED_KIND, ENABLED_KIND, OUTAGE_KIND, CLOSURE_KIND, DISCARD_KIND),
    *(REPLAY_REQUEST_KIND, REPLAY_APPROVAL_KIND, REPLAY_REFUSAL_KIND),
    *(REPLAY_EXECUTION_KIND, REPLAY_OUTCOME_KIND),
)


def instant(seconds: float) -> datetime:
    """Return a time so many seconds after the start."""
    return datetime.fromtimestamp(START + seconds, UTC)


def attempt(
    database: Database, outcomes: Mapping[str, State] | State, *, at: float, provider: str = "webhook"
) -> list[str]:
    """Try what is due a second before a time, and let each notification end so; give those that were tried.

    Args:
        database: Keeps the outbox.
        outcomes: By notification, or of all; those that are left out are put back as they were.
        at: The time of the answers, in seconds after the start.
        provider: Of which connector.
    """
    now = START + at
    claimed, _ = settle_and_claim(
        database, provider, [], 1000, claim="worker", now=now - 1.0, lease_seconds=60.0
    )
    results = []
    for each in claimed:
        name = each.notifications[0].notification_id
        state = outcomes if isinstance(outcomes, State) else outcomes.get(name)
        results.append(_result(each, state, now))
    settle_and_claim(database, provider, results, 0, claim="worker", now=now, lease_seconds=60.0)
    return [each.notifications[0].notification_id for each in claimed]


def _result(claimed: Claimed, state: State | None, now: float) -> Result:
    tried = state is not None
    ended = state or State.RETRY
    return Result(
        claimed.message_id,
        claimed.claim,
        ended,
        now if ended in WAITING else None,
        claimed.attempt_count + tried,
        claimed.unanswered_count,
        claimed.is_uncertain,
        claimed.streak_began_at or now - 1.0,
        now if tried else claimed.tried_at or now,
        200 if ended is State.DELIVERED else 503,
        f"answered, and is {ended}",
        "",
        "",
    )


def run_index(database: Database, *, at: float, flow_run_id: str = "") -> None:
    """Take into the evidence what a run found, at a time in seconds after the start."""
    index_run(
        database,
        [],
        created_at=instant(at),
        signer="drill-check",
        redact=lambda each: each,
        open_key=open_key,
        flow_run_id=flow_run_id,
    )


def writer(at: float) -> Writer:
    """Return what writes for a command, at a time in seconds after the start."""
    return Writer(open_key, "cli", instant(at))


def find_records(database: Database, *kinds: str) -> list[PlainJson]:
    """Return the records of some kinds in their order; by default all that outages and replays write."""
    return [
        each for each in reversed(read_plain(database)) if each["metadata_kind"] in (kinds or RECOVERY_KINDS)
    ]


def kinds_of(database: Database) -> list[str]:
    """Return the kinds of the records of outages and replays, in order and without what all begin with."""
    return [
        each["metadata_kind"].removeprefix("go-backend-rollback-drill-") for each in find_records(database)
    ]
