from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rollback_drills.names import ids
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.sent_notification import SentNotification, Suppression
from rollback_drills.notifications.states import DEAD, NOTIFIED, UNCERTAIN, UNSENT, State
from rollback_drills.planning.repeats import (
    REPEAT_AFTER,
    Ending,
    RepeatDecision,
    decide_repeat,
    find_ending,
    find_spelt_routes,
)
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW, make_told
from tests.samples.examples import examples

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
DUE_SOON, LATE = Readiness.DUE_SOON, Readiness.NEEDS_ATTENTION
HEALTHY = (Readiness.READY, Readiness.NOT_REQUESTED)
SETTLED = sorted(NOTIFIED | DEAD)
POINTLESS = (State.SUPERSEDED, State.DISCARDED)


def tell(
    history: Sequence[SentNotification], status: Readiness = LATE, *, now: datetime = NOW, **known: Any
) -> RepeatDecision:
    """Ask the rule."""
    return decide_repeat(history, status, now=now, **known)


@pytest.mark.parametrize("status", Readiness)
@pytest.mark.parametrize("force", [False, True])
def test_a_route_that_was_never_told_is_told_first(status: Readiness, force: bool) -> None:
    assert tell([], status, force=force) == RepeatDecision(Reason.FIRST, occurrence=1, deferral=1)


@pytest.mark.parametrize("state", SETTLED)
@pytest.mark.parametrize(
    ("status", "since", "reason"),
    [
        pytest.param(DUE_SOON, timedelta(0), None, id="due soon, at once"),
        pytest.param(DUE_SOON, 7 * DAY - TICK, None, id="due soon, a microsecond before a week"),
        pytest.param(DUE_SOON, 7 * DAY, Reason.REPEAT, id="due soon, after a week"),
        pytest.param(LATE, timedelta(0), None, id="late, at once"),
        pytest.param(LATE, DAY - TICK, None, id="late, a microsecond before a day"),
        pytest.param(LATE, DAY, Reason.REPEAT, id="late, after a day"),
        pytest.param(LATE, 400 * DAY, Reason.REPEAT, id="late, much later"),
    ],
)
def test_what_was_told_or_died_stays_quiet_until_exactly_the_repeat(
    state: State, status: Readiness, since: timedelta, reason: Reason | None
) -> None:
    told = make_told(state=state, status=status)

    telling = tell([told], status, now=NOW + since)

    assert telling.reason is reason
    assert telling.quiet_until == (None if reason else NOW + REPEAT_AFTER[status])
    assert tell([told], status, now=NOW + since, force=True).reason is Reason.REPEAT


@pytest.mark.parametrize("state", SETTLED)
def test_a_dead_letter_is_no_notification(state: State) -> None:
    because = tell([make_told(state=state)]).because

    assert because == (
        "not delivered: the notification of 2026-12-01T09:00:00+00:00 is a dead letter; replay it"
        if state in DEAD
        else "already notified in this cycle, at 2026-12-01T09:00:00+00:00"
    )


@pytest.mark.parametrize(("since", "reason"), [(2 * DAY - TICK, None), (2 * DAY, Reason.REPEAT)])
def test_documents_may_say_how_long_a_route_stays_quiet(since: timedelta, reason: Reason | None) -> None:
    assert tell([make_told()], now=NOW + since, repeat_after={LATE: 2 * DAY}).reason is reason


def test_the_quiet_is_counted_from_the_last_that_was_told_not_from_the_first() -> None:
    history = [make_told(1), make_told(2, at=NOW + DAY, reason=Reason.REPEAT)]

    assert tell(history, now=NOW + 2 * DAY - TICK).quiet_until == NOW + 2 * DAY
    assert tell(history, now=NOW + 2 * DAY) == RepeatDecision(Reason.REPEAT, occurrence=2, deferral=1)


@pytest.mark.parametrize("state", SETTLED)
@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        pytest.param(DUE_SOON, LATE, Reason.WORSE, id="worse"),
        pytest.param(LATE, DUE_SOON, None, id="better"),
        pytest.param(LATE, LATE, None, id="the same"),
        pytest.param(DUE_SOON, DUE_SOON, None, id="the same, less pressing"),
        pytest.param(Readiness.READY, DUE_SOON, Reason.WORSE, id="it was fine, and told by hand"),
    ],
)
def test_what_got_worse_is_told_at_once(
    state: State, before: Readiness, after: Readiness, reason: Reason | None
) -> None:
    telling = tell([make_told(state=state, status=before)], after, now=NOW + TICK)

    assert telling.reason is reason
    assert telling.replaces == ()


@pytest.mark.parametrize("after", HEALTHY)
@pytest.mark.parametrize("before", [*HEALTHY, DUE_SOON, LATE])
def test_a_healthy_schedule_that_is_told_by_hand_is_no_worse_than_before(
    before: Readiness, after: Readiness
) -> None:
    assert tell([make_told(status=before)], after) == RepeatDecision(Reason.REPEAT)


@pytest.mark.parametrize(
    ("acknowledged_for", "since", "reason", "quiet_for"),
    [
        pytest.param(3 * DAY, DAY, None, 3 * DAY, id="beyond the repeat, when that is due"),
        pytest.param(3 * DAY, 3 * DAY - TICK, None, 3 * DAY, id="a microsecond before it ends"),
        pytest.param(3 * DAY, 3 * DAY, Reason.REPEAT, None, id="when it ends"),
        pytest.param(DAY, DAY - TICK, None, DAY, id="up to the repeat, before it"),
        pytest.param(DAY, DAY, Reason.REPEAT, None, id="up to the repeat, when that is due"),
        pytest.param(DAY / 2, DAY / 2, None, DAY, id="ends before the repeat"),
    ],
)
def test_an_acknowledgement_puts_the_repeat_off_and_never_brings_it_forward(
    acknowledged_for: timedelta, since: timedelta, reason: Reason | None, quiet_for: timedelta | None
) -> None:
    acknowledged = Suppression(NOW + acknowledged_for, "acknowledged by maria")

    telling = tell([make_told()], now=NOW + since, acknowledged=acknowledged)

    assert telling.reason is reason
    assert telling.quiet_until == (None if quiet_for is None else NOW + quiet_for)
    assert (telling.because == acknowledged.because) is (quiet_for == 3 * DAY)


def test_an_acknowledgement_keeps_back_neither_what_got_worse_nor_what_is_told_by_hand() -> None:
    acknowledged = Suppression(NOW + 3 * DAY, "acknowledged by maria")

    worse = tell([make_told(status=DUE_SOON)], LATE, acknowledged=acknowledged)
    by_hand = tell([make_told()], acknowledged=acknowledged, force=True)

    assert (worse.reason, by_hand.reason) == (Reason.WORSE, Reason.REPEAT)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("state", [State.PENDING, State.RETRY])
def test_what_waits_for_its_attempt_is_replaced_only_by_what_is_worse(state: State, force: bool) -> None:
    waiting = make_told(state=state, status=DUE_SOON)

    same = tell([waiting], DUE_SOON, now=NOW + 30 * DAY, force=force)
    worse = tell([waiting], LATE, now=NOW, force=force)

    assert (same.reason, same.quiet_until, same.replaces) == (None, None, ())
    assert "waits for its next attempt" in same.because
    assert worse == RepeatDecision(Reason.WORSE, replaces=(waiting.notification_id,))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("status", [DUE_SOON, LATE])
@pytest.mark.parametrize("state", sorted(UNCERTAIN))
def test_nothing_goes_out_while_a_notification_may_be_on_its_way(
    state: State, status: Readiness, force: bool
) -> None:
    telling = tell([make_told(state=state, status=DUE_SOON)], status, now=NOW + 30 * DAY, force=force)

    assert (telling.reason, telling.quiet_until, telling.replaces) == (None, None, ())
    assert "on its way" in telling.because


@pytest.mark.parametrize("state", sorted(UNCERTAIN))
def test_nothing_goes_out_while_an_earlier_notification_that_was_replayed_may_be_on_its_way(
    state: State,
) -> None:
    history = [make_told(1, state=state), make_told(2, reason=Reason.REPEAT)]

    assert tell(history, now=NOW + DAY).reason is None


@pytest.mark.parametrize("status", [DUE_SOON, LATE])
def test_what_was_kept_silent_is_told_as_deferred_under_the_id_of_its_place(status: Readiness) -> None:
    first = make_told(1, at=NOW - 9 * DAY, status=DUE_SOON)
    place = make_told(2, state=State.SUPPRESSED, reason=Reason.DEFERRED, status=status)

    once = tell([place], status)
    twice = tell([first, replace(place, state=State.DELIVERED, at=NOW - 8 * DAY), place], status)

    assert once == RepeatDecision(Reason.DEFERRED, occurrence=1, deferral=1)
    assert twice == RepeatDecision(Reason.DEFERRED, occurrence=2, deferral=2)


def test_the_place_of_the_next_deferral_is_another_one() -> None:
    past = make_told(1, state=State.DELIVERED, reason=Reason.DEFERRED)

    assert tell([past], now=NOW + DAY) == RepeatDecision(Reason.REPEAT, occurrence=1, deferral=2)


@pytest.mark.parametrize("state", POINTLESS)
def test_what_was_replaced_or_taken_out_counts_as_never_told_but_keeps_its_id(state: State) -> None:
    pointless = make_told(1, state=state)

    assert tell([pointless]) == RepeatDecision(Reason.FIRST, occurrence=2, deferral=1)
    assert tell(
        [make_told(1, at=NOW - DAY), make_told(2, state=state, reason=Reason.REPEAT)]
    ) == RepeatDecision(Reason.REPEAT, occurrence=2, deferral=1)
    assert tell([make_told(1), make_told(2, state=state, reason=Reason.REPEAT)]).reason is None


@pytest.mark.parametrize("state", SETTLED)
def test_a_cycle_that_was_over_and_opens_again_is_told_first_again(state: State) -> None:
    closed = [
        make_told(1, state=State.DELIVERED, is_closed=True),
        make_told(2, state=state, reason=Reason.RESOLVED, is_closed=True),
    ]

    assert tell(closed) == RepeatDecision(Reason.FIRST, occurrence=2, deferral=1)


@pytest.mark.parametrize("state", sorted(UNSENT))
def test_a_message_that_closes_and_was_not_sent_yet_is_replaced_when_the_cycle_opens_again(
    state: State,
) -> None:
    closed = [
        make_told(1, is_closed=True),
        make_told(2, state=state, reason=Reason.RESOLVED, is_closed=True),
    ]

    assert tell(closed) == RepeatDecision(Reason.FIRST, occurrence=2, replaces=("gordmsg-2",))


@pytest.mark.parametrize("state", sorted(UNCERTAIN))
def test_nothing_goes_out_while_the_message_that_closes_may_be_on_its_way(state: State) -> None:
    closed = [
        make_told(1, is_closed=True),
        make_told(2, state=state, reason=Reason.RESOLVED, is_closed=True),
    ]

    assert tell(closed, now=NOW + DAY).reason is None


def ended(*history: SentNotification) -> Ending | None:
    """Ask how the route leaves its cycle."""
    return find_ending(history)


@pytest.mark.parametrize("state", State)
def test_a_route_leaves_its_cycle_by_what_became_of_its_notification(state: State) -> None:
    told = make_told(1, state=state)
    expected: Ending | None = Ending(state in NOTIFIED, ("gordmsg-1",) if state in UNSENT else (), 1)

    assert ended(told) == (None if state in UNCERTAIN or state in POINTLESS else expected)


@pytest.mark.parametrize("state", [State.RETRY, *sorted(DEAD)])
def test_an_owner_who_may_have_been_told_is_told_that_it_is_over(state: State) -> None:
    ending = ended(make_told(1, state=state, may_have_arrived=True))

    assert ending == Ending(may_know=True, replaces=("gordmsg-1",) if state in UNSENT else (), occurrence=1)


def test_a_notification_that_was_replaced_may_have_arrived_too() -> None:
    replaced = make_told(1, state=State.SUPERSEDED, may_have_arrived=True)

    ending = ended(replaced, make_told(2, state=State.RETRY, reason=Reason.WORSE))

    assert ending == Ending(may_know=True, replaces=("gordmsg-2",), occurrence=1)


def test_what_waits_is_replaced_when_the_owner_was_told_before() -> None:
    history = make_told(1), make_told(2, state=State.RETRY, reason=Reason.REPEAT)

    assert ended(*history) == Ending(may_know=True, replaces=("gordmsg-2",), occurrence=1)


def test_a_route_leaves_only_once_and_each_time_with_a_message_of_its_own() -> None:
    first = make_told(1, is_closed=True), make_told(2, reason=Reason.RESOLVED, is_closed=True)

    assert ended() is None
    assert ended(*first) is None
    assert ended(*first, make_told(3)) == Ending(may_know=True, replaces=(), occurrence=2)


def test_a_route_stays_while_a_later_notification_is_on_its_way() -> None:
    assert ended(make_told(1), make_told(2, state=State.AMBIGUOUS, reason=Reason.REPEAT)) is None


@pytest.mark.parametrize(
    "spelt", [{"owner": "Team-A"}, {"provider": "Slack"}, {"owner": "Team-A", "provider": "Slack"}]
)
def test_a_route_that_was_named_by_a_spelling_is_found_by_its_name(spelt: dict[str, Any]) -> None:
    key = ids.route_key("gordcycle-1", "slack", "team-a")
    plain, other = make_told(1), make_told(2, **spelt)

    assert find_spelt_routes({"gordroute-old": [other]}) == {key: ["gordroute-old"]}
    assert find_spelt_routes({"gordroute-old": [other], key: [plain]}) == {key: [key, "gordroute-old"]}


def test_a_route_that_has_the_key_of_its_name_is_no_other_one() -> None:
    key = ids.route_key("gordcycle-1", "slack", "team-a")

    assert find_spelt_routes({key: [make_told(1, owner="Team-A")]}) == {}
    assert find_spelt_routes({"gordroute-of-another-cycle": [make_told(1)]}) == {}


class Route(RuleBasedStateMachine):
    """One route through any order of runs, outcomes, states of its schedule and windows."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.status = DUE_SOON
        self.changed_at = NOW
        self.is_silent = False
        self.rows: list[SentNotification] = []
        self.suppressed: set[str] = set()

    def put(self, number: int, **changes: Any) -> None:
        self.rows[number] = replace(self.rows[number], **changes)

    def find(self, *states: State) -> list[int]:
        return [number for number, row in enumerate(self.rows) if row.state in states]

    @rule(step=st.sampled_from([TICK, timedelta(hours=1), DAY - TICK, DAY, 7 * DAY - TICK, 7 * DAY]))
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule(status=st.sampled_from(list(Readiness)))
    def the_schedule_changes(self, status: Readiness) -> None:
        if status is not self.status:
            self.now += TICK
            self.status, self.changed_at = status, self.now

    @rule(is_silent=st.booleans())
    def a_window_begins_or_ends(self, is_silent: bool) -> None:
        self.is_silent = is_silent

    @rule()
    def run(self) -> None:
        if self.status in HEALTHY:
            self.close()
            return
        telling = decide_repeat(self.rows, self.status, now=self.now)
        if telling.reason is None:
            return
        reason = Reason.DEFERRED if self.is_silent else telling.reason
        occurrence = telling.deferral if self.is_silent else telling.occurrence
        self.commit(reason, occurrence, telling.replaces)

    def close(self) -> None:
        ending = None if self.is_silent else find_ending(self.rows)
        if ending is None:
            return
        if ending.may_know:
            self.commit(Reason.RESOLVED, ending.occurrence, ending.replaces)
        else:
            self.supersede(ending.replaces)
        self.rows = [replace(row, is_closed=True) for row in self.rows]

    def supersede(self, replaced: Sequence[str]) -> None:
        for number, row in enumerate(self.rows):
            if row.notification_id in replaced:
                assert row.state in UNSENT
                self.put(number, state=State.SUPERSEDED)

    def commit(self, reason: Reason, occurrence: int, replaced: Sequence[str]) -> None:
        self.supersede(replaced)
        its_id = ids.notification_id("gordroute-1", reason, occurrence)
        kept = [number for number, row in enumerate(self.rows) if row.notification_id == its_id]
        if kept:  # only the place of what was kept silent is there already
            (number,) = kept
            assert self.rows[number].state is State.SUPPRESSED
            if not self.is_silent:
                self.put(number, state=State.PENDING, at=self.now, status=self.status)
            return
        state = State.SUPPRESSED if self.is_silent else State.PENDING
        self.rows.append(
            replace(
                make_told(state=state, status=self.status, reason=reason, at=self.now), notification_id=its_id
            )
        )

    @precondition(lambda self: self.find(State.PENDING, State.RETRY, State.AMBIGUOUS))
    @rule()
    def a_worker_claims_what_waits(self) -> None:
        for number in self.find(State.PENDING, State.RETRY, State.AMBIGUOUS):
            self.put(number, state=State.SENDING)

    @precondition(lambda self: self.find(State.SENDING))
    @rule(state=st.sampled_from([*SETTLED, State.RETRY, State.AMBIGUOUS]))
    def the_provider_answers(self, state: State) -> None:
        for number in self.find(State.SENDING):
            self.put(number, state=state)

    @precondition(lambda self: self.find(State.PENDING, State.RETRY, *DEAD))
    @rule()
    def a_person_discards_what_was_not_sent(self) -> None:
        for number in self.find(State.PENDING, State.RETRY, *DEAD):
            self.put(number, state=State.DISCARDED)

    @invariant()
    def no_id_occurs_twice(self) -> None:
        ids = [row.notification_id for row in self.rows]
        assert len(ids) == len(set(ids))

    @invariant()
    def no_two_are_unsettled(self) -> None:
        assert len(self.find(*UNSENT, *UNCERTAIN)) <= 1

    @invariant()
    def an_unchanged_state_is_not_told_again_too_early(self) -> None:
        told = [
            row
            for row in self.rows
            if row.reason is not Reason.RESOLVED and row.state not in (*POINTLESS, State.SUPPRESSED)
        ]
        for earlier, later in pairwise(told):
            if earlier.at >= self.changed_at:  # the state has been the same since
                assert later.at - earlier.at >= REPEAT_AFTER[self.status]


Route.TestCase.settings = settings(max_examples=examples(200), stateful_step_count=40)
TestRoute = pytest.mark.slow(Route.TestCase)
