"""An outage begins at the first refusal, ends at the next delivery, and there is one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.evidence.outages.rule import Cause, Closed, Level, Opened, find_changes
from tests.samples.examples import examples


@pytest.mark.parametrize(
    ("level", "is_open", "expected"),
    [
        pytest.param(Level(), False, [], id="nothing failed"),
        pytest.param(Level(), True, [], id="nothing was tried"),
        pytest.param(Level(refused_at=5.0), False, [Opened(5.0, Cause.REFUSED)], id="refused"),
        pytest.param(Level(refused_at=5.0), True, [], id="still refused"),
        pytest.param(Level(disabled_at=5.0), False, [Opened(5.0, Cause.DISABLED)], id="disabled"),
        pytest.param(
            Level(disabled_at=7.0, refused_at=5.0),
            False,
            [Opened(5.0, Cause.REFUSED)],
            id="refused, then disabled",
        ),
        pytest.param(
            Level(disabled_at=5.0, refused_at=5.0),
            False,
            [Opened(5.0, Cause.REFUSED)],
            id="disabled by what was refused",
        ),
        pytest.param(Level(delivered_at=9.0), True, [Closed(9.0)], id="delivered again"),
        pytest.param(
            Level(delivered_at=9.0, refused_at=11.0),
            True,
            [Closed(9.0), Opened(11.0, Cause.REFUSED)],
            id="delivered, and refused again",
        ),
        pytest.param(
            Level(delivered_at=9.0, disabled_at=5.0), True, [], id="delivered by a run that was on its way"
        ),
    ],
)
def test_a_look_finds_what_changed(level: Level, is_open: bool, expected: Sequence[Opened | Closed]) -> None:
    assert list(find_changes(level, is_open=is_open)) == expected


@dataclass
class Receiver:
    """A connector as its attempts show it: the model that the rule is compared with."""

    clock: float = 0.0
    deliveries: list[float] = field(default_factory=list)
    refused: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By message that waits or died: when its attempts began, and when it was refused last."""
    disabled_at: float | None = None
    outages: list[list[float]] = field(default_factory=list)
    """What a look after every step would have found: beginnings, and ends of those that are over."""

    def step(self, what: str, message: int) -> None:
        """Let one thing happen."""
        self.clock += 1.0
        if what == "deliver" and self.disabled_at is None:
            self.refused.pop(message, None)
            self.deliveries.append(self.clock)
        elif what == "refuse" and self.disabled_at is None:
            began, _ = self.refused.get(message, (self.clock, self.clock))
            self.refused[message] = began, self.clock
        elif what == "discard":
            self.refused.pop(message, None)
        elif what == "disable" and self.disabled_at is None:
            self.disabled_at = self.clock
        elif what == "enable":
            self.disabled_at = None

    def level(self, opened_at: float | None) -> Level:
        """Return how it stands, as the outbox has it."""
        last = max(self.deliveries, default=0.0)
        failing = [(began, at) for began, at in self.refused.values() if at > last]
        refused_at = min((began if began > last else at for began, at in failing), default=None)
        since = None
        if opened_at is not None:
            since = min((each for each in self.deliveries if each > opened_at), default=None)
        return Level(self.disabled_at, refused_at, since)


STEPS = st.tuples(
    st.sampled_from(["deliver", "refuse", "refuse", "discard", "disable", "enable", "look"]),
    st.integers(0, 3),
)


def look(receiver: Receiver, found: list[Opened | Closed]) -> None:
    """Look once, and keep what is new."""
    is_open = bool(found) and isinstance(found[-1], Opened)
    opened_at = found[-1].at if is_open else None
    found += find_changes(receiver.level(opened_at), is_open=is_open)


@given(st.lists(STEPS, max_size=40))
@settings(max_examples=examples(300), deadline=None)
def test_outages_alternate_and_never_overlap_whenever_somebody_looks(steps: list[tuple[str, int]]) -> None:
    receiver, found = Receiver(), list[Opened | Closed]()
    for what, message in steps:
        receiver.step(what, message)
        if what == "look":
            look(receiver, found)
    look(receiver, found)

    kinds = [type(each) for each in found]
    assert kinds == [Opened if number % 2 == 0 else Closed for number in range(len(found))]
    times = [each.at for each in found]
    assert times == sorted(times)
    assert all(isinstance(each, Opened) or each.at in receiver.deliveries for each in found)
    # at the end it is open if the last thing that is known of the connector is a failure
    last = max(receiver.deliveries, default=0.0)
    is_failing = receiver.disabled_at is not None or any(at > last for _, at in receiver.refused.values())
    is_open = bool(found) and isinstance(found[-1], Opened)
    assert is_open or not is_failing
    again = len(found)
    look(receiver, found)
    assert len(found) == again, "a second look finds nothing new"


@given(st.lists(st.tuples(st.sampled_from(["deliver", "refuse"]), st.integers(0, 3)), max_size=40))
@settings(max_examples=examples(300), deadline=None)
def test_a_look_after_every_attempt_begins_at_the_first_refusal_and_ends_at_the_next_delivery(
    attempts: list[tuple[str, int]],
) -> None:
    receiver, found = Receiver(), list[Opened | Closed]()
    expected: list[Opened | Closed] = []
    for what, message in attempts:
        receiver.step(what, message)
        look(receiver, found)
        is_open = bool(expected) and isinstance(expected[-1], Opened)
        if what == "refuse" and not is_open:
            expected.append(Opened(receiver.clock, Cause.REFUSED))
        elif what == "deliver" and is_open:
            expected.append(Closed(receiver.clock))

    assert found == expected
