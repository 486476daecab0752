from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.delivery.retries import (
    GIVE_UP_AFTER_SECONDS,
    LEAST_ATTEMPTS,
    LONGEST_BREAK_SECONDS,
    LONGEST_REST_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_INTERRUPTED,
    MOST_UNANSWERED,
    SEARCH_LAG_SECONDS,
    Attempts,
    Conclusion,
    RetryPolicy,
    conclude,
    find_streak_start,
)
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.states import State

PATIENT = RetryPolicy(retries=20)
REPEATED = (Outcome.RETRY, Outcome.AMBIGUOUS)


class Chance(Random):
    """A chance that is known."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def random(self) -> float:
        return self.value


LEAST, MOST = Chance(0.0), Chance(1.0)


def tried(**changes: Any) -> Attempts:
    """Make what is known after a first attempt, with changes."""
    known = {
        "in_this_run": 1,
        "altogether": 1,
        "unanswered": 0,
        "age_seconds": 1.0,
        "is_repeatable": False,
    }
    return Attempts(**{**known, **changes})


def concluded(
    outcome: Outcome = Outcome.RETRY,
    *,
    policy: RetryPolicy = PATIENT,
    chance: Random = LEAST,
    status_code: int | None = 503,
    asked: float | None = None,
    **changes: Any,
) -> Conclusion:
    """Conclude from an attempt that the provider answered with 503, with changes."""
    verdict = Verdict(outcome, "the detail", status_code, asked)
    return conclude(verdict, tried(**changes), policy, chance)


def waited(**changes: Any) -> float:
    """Return the wait that is concluded."""
    wait = concluded(**changes).wait_seconds
    assert wait is not None
    return wait


@pytest.mark.parametrize("attempt", [1, 2, 3, 20, 21, 100])
@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.DELIVERED, State.DELIVERED),
        (Outcome.ACCEPTED, State.ACCEPTED),
        (Outcome.PERMANENT, State.PERMANENT),
        (Outcome.DISABLED, State.DISABLED),
        (Outcome.RETRY, State.RETRY),
        (Outcome.AMBIGUOUS, State.AMBIGUOUS),
    ],
)
def test_only_what_can_succeed_when_repeated_is_repeated_however_often(
    outcome: Outcome, state: State, attempt: int
) -> None:
    then = concluded(outcome, in_this_run=attempt, altogether=attempt)

    assert (then.state, then.detail) == (state, "the detail")
    assert (then.wait_seconds is not None) is (outcome in REPEATED)


@pytest.mark.parametrize("outcome", [each for each in Outcome if each not in REPEATED])
def test_what_is_over_asks_for_no_pause(outcome: Outcome) -> None:
    then = concluded(outcome, status_code=429, asked=60.0, age_seconds=GIVE_UP_AFTER_SECONDS, unanswered=9)

    assert (then.wait_seconds, then.pause_seconds, then.detail) == (None, None, "the detail")


@pytest.mark.parametrize(
    ("attempt", "wait"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (20, 60.0)]
)
def test_the_wait_within_a_run_doubles_up_to_a_minute(attempt: int, wait: float) -> None:
    assert waited(in_this_run=attempt, altogether=attempt) == wait
    assert waited(in_this_run=attempt, altogether=attempt, chance=MOST) == 1.5 * wait


def test_a_new_run_begins_with_short_waits_again() -> None:
    assert waited(in_this_run=1, altogether=50) == 1.0


@pytest.mark.parametrize("chance", [LEAST, MOST])
@pytest.mark.parametrize(
    ("retries", "in_this_run", "altogether", "wait"),
    [
        pytest.param(0, 1, 1, 120.0, id="no retries in a run"),
        pytest.param(2, 3, 3, 120.0, id="used up in the first run"),
        pytest.param(2, 3, 4, 240.0, id="one more"),
        pytest.param(2, 3, 6, 960.0, id="used up in the second run"),
        pytest.param(2, 3, 7, 1800.0, id="never longer than half an hour"),
        pytest.param(2, 3, 10_000, 1800.0, id="often"),
        pytest.param(20, 21, 21, 120.0, id="a patient policy"),
    ],
)
def test_after_the_retries_of_a_run_the_rest_is_left_to_the_next_one(
    retries: int, in_this_run: int, altogether: int, wait: float, chance: Random
) -> None:
    policy = RetryPolicy(retries=retries)

    then = concluded(policy=policy, in_this_run=in_this_run, altogether=altogether, chance=chance)

    assert (then.state, then.wait_seconds) == (State.RETRY, wait)
    assert LONGEST_WAIT_SECONDS < wait <= LONGEST_REST_SECONDS


@pytest.mark.parametrize("outcome", REPEATED)
@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        pytest.param(0.0, 1.0, 1.5, id="at once"),
        pytest.param(0.5, 1.0, 1.5, id="less than our own"),
        pytest.param(30.0, 30.0, 33.0, id="more"),
        pytest.param(300.0, 300.0, 330.0, id="the tenth is half a minute"),
        pytest.param(86_400.0, 86_400.0, 86_430.0, id="a day, and no more than half a minute"),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_kept_and_lengthened_a_little(
    outcome: Outcome, asked: float, least: float, most: float
) -> None:
    for chance, wait in ((LEAST, least), (MOST, most)):
        then = concluded(outcome, asked=asked, chance=chance)
        assert then.wait_seconds == then.pause_seconds == pytest.approx(wait)


@pytest.mark.slow
@given(
    st.integers(1, 60),
    st.integers(0, 60),
    st.integers(0, 20),
    st.none() | st.floats(0, 1e6),
    st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_never_shorter_than_asked_for_and_jitter_is_bounded(
    in_this_run: int, before: int, retries: int, asked: float | None, chance: float
) -> None:
    policy = RetryPolicy(retries=retries)
    known = {"in_this_run": in_this_run, "altogether": in_this_run + before, "policy": policy}
    own, wait = waited(**known), waited(**known, asked=asked, chance=Chance(chance))

    assert max(own, asked or 0.0) <= wait
    assert wait <= max(1.5 * own, (asked or 0.0) + min((asked or 0.0) * 0.1, 30.0))
    assert own <= LONGEST_REST_SECONDS


@pytest.mark.parametrize(
    ("outcome", "status_code", "asked", "pauses"),
    [
        pytest.param(Outcome.RETRY, 429, None, True, id="too many requests"),
        pytest.param(Outcome.RETRY, 429, 5.0, True, id="too many requests, with a wait"),
        pytest.param(Outcome.RETRY, 503, 5.0, True, id="asked for"),
        pytest.param(Outcome.RETRY, 503, 0.0, True, id="asked for, at once"),
        pytest.param(Outcome.RETRY, None, None, True, id="unreachable"),
        pytest.param(Outcome.AMBIGUOUS, 504, 5.0, True, id="no answer, but asked for"),
        pytest.param(Outcome.RETRY, 503, None, False, id="one message failed"),
        pytest.param(Outcome.AMBIGUOUS, None, None, False, id="reached, but no answer"),
    ],
)
def test_a_destination_is_left_alone_if_it_asks_for_it_or_cannot_be_reached(
    outcome: Outcome, status_code: int | None, asked: float | None, pauses: bool
) -> None:
    then = concluded(outcome, status_code=status_code, asked=asked)

    assert then.wait_seconds is not None
    assert then.pause_seconds == (then.wait_seconds if pauses else None)


@pytest.mark.parametrize("outcome", REPEATED)
@pytest.mark.parametrize(
    ("age", "is_given_up"),
    [
        pytest.param(timedelta(days=7) - timedelta(seconds=1), False, id="a second before"),
        pytest.param(timedelta(days=7), True, id="at a week"),
        pytest.param(timedelta(days=30), True, id="later"),
    ],
)
def test_a_week_after_it_was_committed_a_message_is_given_up(
    outcome: Outcome, age: timedelta, is_given_up: bool
) -> None:
    then = concluded(
        outcome, age_seconds=age.total_seconds(), altogether=40, is_repeatable=True, status_code=429
    )

    assert (then.state is State.PERMANENT) is is_given_up
    assert (then.wait_seconds is None) is is_given_up
    if is_given_up:
        assert then.detail == "given up after 40 attempts: the detail"
        assert then.pause_seconds is None


@pytest.mark.parametrize("outcome", REPEATED)
@pytest.mark.parametrize(
    ("unanswered", "is_repeatable", "is_given_up"),
    [
        pytest.param(MOST_UNANSWERED - 1, False, False, id="one less than the bound"),
        pytest.param(MOST_UNANSWERED, False, True, id="at the bound"),
        pytest.param(MOST_UNANSWERED + 1, False, True, id="beyond"),
        pytest.param(100, True, False, id="repeats are kept apart"),
    ],
)
def test_what_is_never_answered_is_sent_three_times_unless_repeats_are_kept_apart(
    outcome: Outcome, unanswered: int, is_repeatable: bool, is_given_up: bool
) -> None:
    then = concluded(outcome, unanswered=unanswered, is_repeatable=is_repeatable)

    assert (then.state is State.PERMANENT) is is_given_up
    assert (then.wait_seconds is None) is is_given_up
    if is_given_up:
        assert then.detail == (
            f"sent {unanswered} times without an answer; look whether it arrived (the detail)"
        )


@pytest.mark.parametrize(
    ("unanswered", "is_taken_over", "state"),
    [
        pytest.param(MOST_INTERRUPTED - 1, True, State.AMBIGUOUS, id="one less than the bound"),
        pytest.param(MOST_INTERRUPTED, True, State.PERMANENT, id="at the bound"),
        pytest.param(MOST_INTERRUPTED, False, State.AMBIGUOUS, id="the worker goes on"),
    ],
)
def test_what_is_kept_apart_is_given_up_if_its_workers_end(
    unanswered: int, is_taken_over: bool, state: State
) -> None:
    then = concluded(
        Outcome.AMBIGUOUS, unanswered=unanswered, is_repeatable=True, was_tried=not is_taken_over
    )

    assert then.state is state


@pytest.mark.parametrize(
    ("outcome", "is_repeatable", "attempt", "wait"),
    [
        pytest.param(Outcome.AMBIGUOUS, True, 1, SEARCH_LAG_SECONDS, id="a search may not show it yet"),
        pytest.param(Outcome.AMBIGUOUS, True, 3, SEARCH_LAG_SECONDS, id="still less than the lag"),
        pytest.param(Outcome.AMBIGUOUS, True, 4, 8.0, id="our own wait is longer"),
        pytest.param(Outcome.AMBIGUOUS, False, 1, 1.0, id="nobody searches"),
        pytest.param(Outcome.RETRY, True, 1, 1.0, id="surely not taken"),
    ],
)
def test_a_provider_is_asked_for_a_message_when_its_search_can_show_it(
    outcome: Outcome, is_repeatable: bool, attempt: int, wait: float
) -> None:
    known = {"in_this_run": attempt, "altogether": attempt, "is_repeatable": is_repeatable}

    assert waited(outcome=outcome, **known) == wait


def test_the_bounds_are_those_that_the_documentation_names() -> None:
    assert (MOST_UNANSWERED, MOST_INTERRUPTED, GIVE_UP_AFTER_SECONDS) == (3, 10, 7 * 24 * 3600)
    assert (LEAST_ATTEMPTS, LONGEST_BREAK_SECONDS) == (10, 3 * 24 * 3600)
    assert RetryPolicy() == RetryPolicy(retries=2, timeout_seconds=15.0, first_wait_seconds=1.0)


@pytest.mark.parametrize(
    ("altogether", "age_seconds", "state"),
    [
        pytest.param(1, 8 * 24 * 3600.0, State.RETRY, id="one attempt, however old"),
        pytest.param(LEAST_ATTEMPTS - 1, GIVE_UP_AFTER_SECONDS, State.RETRY, id="one attempt too few"),
        pytest.param(LEAST_ATTEMPTS, GIVE_UP_AFTER_SECONDS - 1, State.RETRY, id="one second too early"),
        pytest.param(LEAST_ATTEMPTS, GIVE_UP_AFTER_SECONDS, State.PERMANENT, id="both"),
    ],
)
def test_a_message_is_given_up_after_a_week_and_ten_attempts(
    altogether: int, age_seconds: float, state: State
) -> None:
    assert concluded(altogether=altogether, age_seconds=age_seconds).state is state


@pytest.mark.parametrize(
    ("queued_at", "streak_began_at", "tried_at", "began_at"),
    [
        pytest.param(1.0, None, None, 1e6, id="the first attempt"),
        pytest.param(1.0, 5.0, 1e6 - LONGEST_BREAK_SECONDS, 5.0, id="the longest break within a streak"),
        pytest.param(1.0, 5.0, 1e6 - LONGEST_BREAK_SECONDS - 1, 1e6, id="a longer break"),
        pytest.param(9e5, 5.0, 9e5, 9e5, id="replayed by a person"),
    ],
)
def test_a_streak_begins_with_the_first_attempt_and_after_a_long_break(
    queued_at: float, streak_began_at: float | None, tried_at: float | None, began_at: float
) -> None:
    found = find_streak_start(1e6, queued_at=queued_at, streak_began_at=streak_began_at, tried_at=tried_at)

    assert found == began_at
