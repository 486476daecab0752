"""The steps that were taken, as the outbox has them: what the evidence says of each, once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial
from itertools import groupby

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills.documents.time_data import TimeData
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.record import Record, make_once_key
from rollback_drills.evidence.record_kinds import ESCALATION_KIND
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts, Sent
from rollback_drills.followup.escalations.escalation import Escalation, TakenStep
from rollback_drills.redaction.computed import Computed

_Step = Sequence[tuple[RouteFacts, Sent]]


class EscalationRecord(Record, frozen=True, kw_only=True, gc=False, tag=ESCALATION_KIND):
    """A step that was taken, as the evidence has it."""

    schedule_id: str
    cycle_id: Computed
    plan_id: Computed
    owner: str
    """Whose silence it is about."""
    step: int
    told: str
    providers: Sequence[str]
    notification_ids: Sequence[Computed]
    step_due_at: Computed
    escalated_at: Computed
    status: Computed
    time_data: TimeData | UnsetType = UNSET


def find_taken_steps(
    cycles: Iterable[CycleFacts], *, created_at: datetime, signer: str
) -> dict[str, Callable[[], EscalationRecord]]:
    """Return, by the key under which a step is written once, how to make its record.

    The steps are found in the outbox: if a run is killed before it writes one into the evidence, the next run
    does.
    """
    return {
        make_once_key(ESCALATION_KIND, cycle.cycle_id, owner, step): partial(
            _record, cycle, sent, created_at=created_at, signer=signer
        )
        for cycle, owner, step, sent in _find_steps(cycles)
    }


def find_recorded(cycles: Iterable[CycleFacts], once_keys: AbstractSet[str]) -> Iterator[Escalation]:
    """Yield the steps that were taken and are written under some of these keys.

    Args:
        cycles: The cycles that are open.
        once_keys: Some of those that `find_taken_steps` returns.
    """
    for cycle, owner, step, sent in _find_steps(cycles):
        if make_once_key(ESCALATION_KIND, cycle.cycle_id, owner, step) in once_keys:
            due_at = datetime.fromisoformat(_read_step(sent).step_due_at)
            yield Escalation(cycle, cycle.chains[owner], step, due_at, [each.provider for each, _ in sent])


def _find_steps(cycles: Iterable[CycleFacts]) -> Iterator[tuple[CycleFacts, str, int, _Step]]:
    """Yield each step that was taken: its cycle, the owner of its chain, its number, and what was sent."""
    for cycle in cycles:
        for owner in cycle.chains:
            for step, sent in groupby(cycle.steps_of(owner), key=lambda pair: pair[1].step):
                yield cycle, owner, step, list(sent)


def _record(cycle: CycleFacts, sent: _Step, *, created_at: datetime, signer: str) -> EscalationRecord:
    (route, first), *_ = sent
    step = _read_step(sent)
    return EscalationRecord(
        session_id=first.event["session_id"],
        created_at=write_instant(created_at),
        signer=signer,
        schedule_id=cycle.schedule_id,
        cycle_id=cycle.cycle_id,
        plan_id=first.event["plan_id"],
        owner=step.owner,
        step=step.step,
        told=route.owner,
        providers=[each.provider for each, _ in sent],
        notification_ids=[each.notification_id for _, each in sent],
        step_due_at=step.step_due_at,
        escalated_at=step.escalated_at,
        status=first.status,
        time_data=step.time_data,
    )


def _read_step(sent: _Step) -> TakenStep:
    (_, first), *_ = sent
    return msgspec.convert(first.event["escalation"], TakenStep)
