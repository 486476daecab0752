"""Says in one line what waits and what died, for the state of a run and the last line of a command."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from rollback_drills.notifications.results import Delivery
from rollback_drills.notifications.states import WAITING, State
from rollback_drills.outbox.deliveries import NOT_TRIED
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.times import write_time

_MOST_NAMED: Final = 5  # the list of runs shows a line; `drills outbox list` shows them all
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def explain_failed(failed: Sequence[Delivery]) -> Iterator[str]:
    """Explain what became of the notifications that a provider did not take, those of a state together."""
    by_state: dict[State, list[Delivery]] = defaultdict(list)
    for each in failed:
        by_state[each.state].append(each)
    for some in by_state.values():
        next_one = min(some, key=lambda each: each.next_attempt_at or _NEVER)
        count = f"{write_count(len(some), 'notification')}, " if len(failed) > 1 else ""
        yield f"{count}{next_one.summary}"


def explain_waiting(waiting: Sequence[Delivery]) -> Iterator[str]:
    """Name each provider for which something waits: how much, for whom, why, and when it goes on."""
    by_provider: dict[str, list[Delivery]] = defaultdict(list)
    for each in waiting:
        by_provider[each.notification.provider].append(each)
    for provider, some in sorted(by_provider.items()):
        owners = name_some(sorted({each.notification.owner for each in some}), _MOST_NAMED)
        verb = "notification waits" if len(some) == 1 else "notifications wait"
        why = next((each for each in some if each.state is not State.SENDING), some[0])
        yield f"{len(some)} {verb} for {provider}, to {owners} ({why.verdict.detail}); {_say_when(some)}"


def explain_attempt(state: State, why: str, next_attempt_at: datetime | None, *, now: datetime) -> str:
    """Explain what came of a notification in a list of them: if it waits, why and when it goes on.

    Args:
        state: Where it stands.
        why: What came of its last attempt; empty if there was none.
        next_attempt_at: When it can be tried; None if nothing is sent to its destination.
        now: The present time.
    """
    if state not in WAITING:
        return why
    then = ""
    if next_attempt_at is not None:
        is_ahead = next_attempt_at > now
        then = f"; next attempt {write_time(next_attempt_at)}" if is_ahead else "; the next run tries it"
    return f"{why or NOT_TRIED}{then}"


REPLAY: Final = write_command("outbox", "replay", "ID", by="WHO", reason="WHY")
"""The command that sends a dead letter again."""


def explain_dead(dead: Sequence[Delivery]) -> Iterator[str]:
    """Name the dead letters, and the command that sends them again."""
    if not dead:
        return
    named = [
        f"{each.notification.notification_id} ({each.notification.provider}, to {each.notification.owner}:"
        f" {each.verdict.detail})"
        for each in dead[:_MOST_NAMED]
    ]
    if more := len(dead) - len(named):
        named.append(f"and {more} more (`{write_command('outbox', 'list', dead=True)}`)")
    letters = "1 dead letter" if len(dead) == 1 else f"{len(dead)} dead letters"
    yield f"{letters}: {', '.join(named)}; fix the cause, then run `{REPLAY}`"


def explain_damaged(damaged: Sequence[str]) -> Iterator[str]:
    """Name the notifications of which nobody knows whether they were delivered."""
    if damaged:
        what = (
            "the row of a notification" if len(damaged) == 1 else f"the rows of {len(damaged)} notifications"
        )
        whom = "its owner was" if len(damaged) == 1 else "their owners were"
        yield (
            f"{what} in the outbox cannot be read, so that nobody knows whether {whom} notified:"
            f" {name_some(damaged, _MOST_NAMED)}; restore from a backup"
        )


def _say_when(some: Sequence[Delivery]) -> str:
    instants = [each.next_attempt_at for each in some if each.next_attempt_at is not None]
    return f"next attempt {write_time(min(instants))}" if instants else "the next run looks again"
