"""What follows from an attempt: it is over, or it is tried again, and when."""

from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from typing import Final

from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.notifications.states import State

FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 60.0
"""A longer wait is left to the next run."""
LONGEST_REST_SECONDS: Final = 1800.0
"""Between runs: short enough that an hourly check always finds it due."""
GIVE_UP_AFTER_SECONDS: Final = 7 * 24 * 3600.0
"""How long one streak of failed attempts may last."""
LEAST_ATTEMPTS: Final = 10
"""A message is never given up before it was tried this often."""
LONGEST_BREAK_SECONDS: Final = 3 * 24 * 3600.0
"""After a longer time without an attempt a new streak begins: nobody knows whether the provider was down."""
MOST_UNANSWERED: Final = 3
"""How often a message is sent without an answer where nothing keeps its repeats apart."""
MOST_INTERRUPTED: Final = 10
"""How often a message whose repeats are kept apart has no answer until a worker that ends is the last one."""
SEARCH_LAG_SECONDS: Final = 5.0
"""How long a new item may be missing from a vendor's search."""
_JITTER: Final = 0.5
_JITTER_ON_REQUEST: Final = 0.1
_LONGEST_JITTER_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often one notification is tried within a run."""

    retries: int = 2
    """Attempts after the first."""
    timeout_seconds: float = 15.0
    """Deadline of one attempt, connecting and reading included."""
    first_wait_seconds: float = FIRST_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is known of a message after an attempt."""

    in_this_run: int
    """From 1."""
    altogether: int
    unanswered: int
    """How many of them were sent without an answer."""
    age_seconds: float
    """Since the present streak of attempts began; see `find_streak_start`."""
    is_repeatable: bool
    """Whether the provider can be asked for it, or drops a repeat itself."""
    was_tried: bool = True
    """Whether this worker sent it; if not, the last attempt is that of a worker that recorded no answer."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What follows from an attempt."""

    state: State
    detail: str
    wait_seconds: float | None = None
    """Until the next attempt; None if there is none."""
    pause_seconds: float | None = None
    """How long nothing else is sent to the destination either; None: no pause."""


def is_given_up(unanswered: int, *, is_repeatable: bool, is_taken_over: bool) -> bool:
    """Return whether a message had no answer so often that it is not sent again.

    Args:
        unanswered: How many attempts had no answer, with those of workers that ended meanwhile.
        is_repeatable: Whether the provider can be asked for it, or drops a repeat itself.
        is_taken_over: Whether the worker of the last attempt ended: sending it may be what ends workers.
    """
    return (not is_repeatable and unanswered >= MOST_UNANSWERED) or (
        is_taken_over and unanswered >= MOST_INTERRUPTED
    )


_FINAL: Final = {
    Outcome.DELIVERED: State.DELIVERED,
    Outcome.ACCEPTED: State.ACCEPTED,
    Outcome.PERMANENT: State.PERMANENT,
    Outcome.DISABLED: State.DISABLED,
}


def find_streak_start(
    started_at: float, *, queued_at: float, streak_began_at: float | None, tried_at: float | None
) -> float:
    """Return when the streak began to which an attempt belongs.

    A streak is a series of attempts without a long break. The time in which no run tried is no outage of the
    provider, so it does not count.

    Args:
        started_at: When the attempt started.
        queued_at: When the message was committed, or made due again by a person.
        streak_began_at: When the streak of the attempt before began.
        tried_at: When the attempt before ended; None if there was none.
    """
    if streak_began_at is None or tried_at is None or started_at - tried_at > LONGEST_BREAK_SECONDS:
        return started_at
    return max(streak_began_at, queued_at)


def conclude(verdict: Verdict, attempts: Attempts, policy: RetryPolicy, random: Random) -> Conclusion:
    """Return what follows from an attempt.

    Only what can succeed when repeated is repeated. The wait doubles from attempt to attempt and is
    lengthened by up to a half at random; it is never shorter than the provider asked for. After the retries
    of a run the rest is left to the next one. A message is given up after a week of failed attempts, but not
    before it was tried ten times.

    A provider that asks for a pause, answers 429 or cannot be reached at all gets no other message meanwhile.
    """
    if verdict.outcome in _FINAL:
        return Conclusion(_FINAL[verdict.outcome], verdict.detail)
    if attempts.age_seconds >= GIVE_UP_AFTER_SECONDS and attempts.altogether >= LEAST_ATTEMPTS:
        return Conclusion(State.PERMANENT, f"given up after {attempts.altogether} attempts: {verdict.detail}")
    if is_given_up(
        attempts.unanswered, is_repeatable=attempts.is_repeatable, is_taken_over=not attempts.was_tried
    ):
        times = f"sent {attempts.unanswered} times without an answer; look whether it arrived"
        return Conclusion(State.PERMANENT, f"{times} ({verdict.detail})")
    state = State.AMBIGUOUS if verdict.outcome is Outcome.AMBIGUOUS else State.RETRY
    wait = _wait(verdict.retry_after_seconds, attempts, policy, random)
    if state is State.AMBIGUOUS and attempts.is_repeatable:
        wait = max(wait, SEARCH_LAG_SECONDS)
    asks_for_pause = (
        verdict.retry_after_seconds is not None or verdict.status_code == HTTPStatus.TOO_MANY_REQUESTS
    )
    is_unreachable = verdict.outcome is Outcome.RETRY and verdict.status_code is None and attempts.was_tried
    return Conclusion(state, verdict.detail, wait, wait if asks_for_pause or is_unreachable else None)


def _wait(asked: float | None, attempts: Attempts, policy: RetryPolicy, random: Random) -> float:
    chance: float = random.random()
    if attempts.in_this_run > policy.retries:
        rest = 2 * LONGEST_WAIT_SECONDS * 2 ** min(max(attempts.altogether - policy.retries - 1, 0), 10)
        own: float = min(rest, LONGEST_REST_SECONDS)
    else:
        own = min(policy.first_wait_seconds * 2 ** (attempts.in_this_run - 1), LONGEST_WAIT_SECONDS)
        own *= 1 + _JITTER * chance
    if asked is None:
        return own
    return max(own, asked + min(asked * _JITTER_ON_REQUEST, _LONGEST_JITTER_SECONDS) * chance)
