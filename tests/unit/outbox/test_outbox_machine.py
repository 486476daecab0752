"""The outbox against a model, over any order of calls."""

from collections import Counter

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rollback_drills.database.connections import Database
from rollback_drills.notifications.outbox_entry import Departure, OutboxEntry
from rollback_drills.notifications.states import DEAD, NOTIFIED, UNCERTAIN, WAITING, State
from rollback_drills.outbox.claims import Claimed
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.digests import form_digests
from rollback_drills.outbox.queries import (
    OutboxFilter,
    find_rows,
)
from tests.samples.examples import examples
from tests.samples.outbox import make_entry
from tests.samples.outbox_rows import (
    LEASE,
    claim,
    discard,
    enable,
    get,
    make_place,
    make_promotion,
    make_result,
    put,
    replay,
    settle,
)


class Outbox(RuleBasedStateMachine):
    """The outbox through any order of runs, workers, windows and people."""

    most = 3

    def __init__(self) -> None:
        super().__init__()
        self.database = Database.open("sqlite:///:memory:")
        self.now = 0.0
        self.count = 0
        self.held: dict[str, list[Claimed]] = {"one": [], "other": []}
        self.leases: dict[str, float] = {}
        self.places: list[OutboxEntry] = []

    def ids(self) -> list[str]:
        return [each.notification_id for each in find_rows(self.database, OutboxFilter(), limit=1_000)[0]]

    def new_entry(self, owner: str) -> OutboxEntry:
        self.count += 1
        return make_entry(f"payments-{self.count}", owner=owner)

    @rule(owner=st.sampled_from("xy"), count=st.integers(1, 4))
    def a_run_commits(self, owner: str, count: int) -> None:
        put(self.database, *(self.new_entry(owner) for _ in range(count)), now=self.now)

    @rule(owner=st.sampled_from("xy"))
    def a_window_keeps_one_back(self, owner: str) -> None:
        self.places.append(self.new_entry(owner))
        put(self.database, make_place(self.places[-1]), now=self.now)

    @rule()
    def the_window_ends(self) -> None:
        put(self.database, *map(make_promotion, self.places), now=self.now)
        self.places.clear()

    @rule(step=st.sampled_from([0.0, 1.0, LEASE - 1, LEASE, 1_000.0]))
    def time_passes(self, step: float) -> None:
        self.now += step

    @rule(worker=st.sampled_from(["one", "other"]), wanted=st.integers(1, 5), forms=st.booleans())
    def a_worker_claims(self, worker: str, wanted: int, forms: bool) -> None:
        if forms:
            form_digests(self.database, "webhook", self.most)
        for message in claim(self.database, wanted, now=self.now, worker=worker):
            self.held[worker].append(message)
            for each in message.notifications:
                assert self.leases.get(each.notification_id, 0.0) <= self.now, "two workers hold it"
                self.leases[each.notification_id] = self.now + LEASE

    @rule(
        worker=st.sampled_from(["one", "other"]),
        state=st.sampled_from([*sorted(NOTIFIED | DEAD), State.RETRY, State.AMBIGUOUS]),
        pause=st.sampled_from([None, 5.0]),
    )
    def a_worker_brings_results(self, worker: str, state: State, pause: float | None) -> None:
        results = [
            make_result(
                each,
                state,
                due_at=self.now + 2 if state in WAITING else None,
                cool_until=self.now + pause if pause else None,
            )
            for each in self.held[worker]
        ]
        for message in self.held[worker]:
            for each in message.notifications:
                if get(self.database, each.notification_id).state is State.SENDING:
                    self.leases.pop(each.notification_id, None)
        self.held[worker].clear()
        settle(self.database, *results)

    @rule(number=st.integers(0, 30), is_replayed=st.booleans())
    def a_person_steps_in(self, number: int, is_replayed: bool) -> None:
        if chosen := self.ids()[number : number + 1]:
            if is_replayed:
                replay(self.database, chosen, now=self.now)
            else:
                discard(self.database, chosen)

    @rule(number=st.integers(0, 30))
    def a_cycle_ends(self, number: int) -> None:
        if chosen := self.ids()[number : number + 1]:
            route = get(self.database, chosen[0]).route_key
            commit(self.database, [], [Departure(route, chosen)], now=self.now)

    @rule()
    def a_person_mends_the_connector(self) -> None:
        enable(self.database, "webhook", now=self.now)

    @invariant()
    def no_message_is_too_large(self) -> None:
        wanted = OutboxFilter(states=(*WAITING, *UNCERTAIN))
        sizes = Counter(each.message_id for each in find_rows(self.database, wanted, limit=1_000)[0])
        assert max(sizes.values(), default=0) <= self.most

    def teardown(self) -> None:
        """Whatever happened, in the end everything that waits is sent."""
        try:
            self.now += 1e6
            enable(self.database, "webhook", now=self.now)
            while claimed := claim(self.database, now=self.now):
                settle(self.database, *map(make_result, claimed))
            left = OutboxFilter(states=(*WAITING, State.SENDING))
            assert find_rows(self.database, left) == ([], 0)
        finally:
            self.database.engine.dispose()


Outbox.TestCase.settings = settings(
    max_examples=examples(60),
    stateful_step_count=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink a failure takes minutes
)


TestOutbox = pytest.mark.slow(Outbox.TestCase)
