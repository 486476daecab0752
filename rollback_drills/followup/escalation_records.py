"""The steps that were taken, as the outbox has them: what the evidence says of each, once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import groupby

from rollback_drills.evidence.records import ESCALATION_KIND, start_record
from rollback_drills.followup.cycle_facts import CycleFacts, RouteFacts, Sent
from rollback_drills.readiness.terms import Report

_Told = Sequence[tuple[RouteFacts, Sent]]


def find_taken_steps(
    cycles: Iterable[CycleFacts], *, created_at: datetime, signer: str
) -> dict[str, Callable[[], Report]]:
    """Return, by the key under which a step is written once, how to make its record.

    The steps are found in the outbox: if a run is killed before it writes one into the evidence, the next run
    does.
    """
    return {
        _once_key(cycle.cycle_id, owner, step): partial(
            _record, cycle, sent, created_at=created_at, signer=signer
        )
        for cycle in cycles
        for owner in cycle.chains
        for step, sent in _by_step(cycle, owner)
    }


def _by_step(cycle: CycleFacts, owner: str) -> Iterator[tuple[int, _Told]]:
    for step, told in groupby(cycle.steps_of(owner), key=lambda pair: pair[1].step):
        yield step, list(told)


def _once_key(cycle_id: str, owner: str, step: int) -> str:
    return sha256(f"{ESCALATION_KIND}\x1f{cycle_id}\x1f{owner}\x1f{step}".encode()).hexdigest()


def _record(cycle: CycleFacts, told: _Told, *, created_at: datetime, signer: str) -> Report:
    (route, first), *_ = told
    event, escalation = first.event, first.event["escalation"]
    return {
        **start_record(ESCALATION_KIND, event["session_id"], created_at=created_at, signer=signer),
        "schedule_id": cycle.schedule_id,
        "cycle_id": cycle.cycle_id,
        "plan_id": event["plan_id"],
        "owner": escalation["owner"],
        "step": escalation["step"],
        "told": route.owner,
        "providers": [each.provider for each, _ in told],
        "notification_ids": [each.notification_id for _, each in told],
        "step_due_at": escalation["step_due_at"],
        "escalated_at": escalation["escalated_at"],
        "status": str(first.status),
        **{name: escalation[name] for name in ("time_data",) if name in escalation},
    }
