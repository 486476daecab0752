"""Takes the plans of committed notifications out of the outbox, also those of runs that were killed.

A plan is committed together with its notifications. The run that made it records it, with the digest of its
finding, and removes it from the outbox. If that run is killed, a later one records the plan as it is: without
the digest, because nobody has compared the finding with what the evidence had.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, select, update

from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import OUTBOX_PLANS
from rollback_drills.documents.utc import write_instant
from rollback_drills.evidence.plan_records import DecisionRecord, PlanRecord, record_plan
from rollback_drills.evidence.record import name_run
from rollback_drills.evidence.written_record import WrittenRecord
from rollback_drills.names import ids
from rollback_drills.notifications.outbox_entry import CommittedPlan
from rollback_drills.planning.fleet_check import ScheduleCheck
from rollback_drills.redaction.redactor import Redact

KILLED_AFTER: Final = timedelta(minutes=10)
"""A plan that has waited so long is recorded by any run, though its own may still be delivering."""
_FORGOTTEN_AFTER: Final = timedelta(days=1)
_OF_THE_EVIDENCE: Final = frozenset({"leaf_index", "once_key", "population_id", "finding_digest"})
"""What only the transaction that records a plan knows."""
_NAMES: Final[Mapping[str, AbstractSet[str]]] = {
    kind.kind(): {*kind.__struct_fields__, "metadata_kind"} - _OF_THE_EVIDENCE
    for kind in (PlanRecord, DecisionRecord)
}
_records: Final = msgspec.json.Decoder(list[dict[str, object]])


class _Start(msgspec.Struct, frozen=True, gc=False):
    """What the record of a plan, and that of a decision, must say to become a row."""

    metadata_kind: str
    plan_id: str
    schema_version: str
    product: str
    session_id: str
    signer: str


def write_plan(check: ScheduleCheck, redact: Redact, *, now: datetime, flow_run_id: str) -> CommittedPlan:
    """Write the records of a plan for the outbox; whoever takes them out says when."""
    plan = check.plan
    session_id = ids.delivery_session_id(plan.schedule_id, plan.plan_id)
    facts, signer = check.judgement.schedule, plan.generated_by
    records = [
        name_run(redact(each), flow_run_id)
        for each in record_plan(plan, facts, session_id, created_at=now, signer=signer)
    ]
    return CommittedPlan(plan.plan_id, msgspec.json.encode(records).decode())


def find_taken(connection: Connection) -> AbstractSet[str]:
    """Return the plans that another run has recorded than the one that made them."""
    return set(connection.scalars(select(OUTBOX_PLANS.c.plan_id).where(OUTBOX_PLANS.c.is_recorded)))


def take_plans(
    connection: Connection, own: AbstractSet[str], created_at: datetime, refuse: Callable[[str], None]
) -> Iterator[WrittenRecord]:
    """Remove the plans of a run, which are recorded, and yield the records of those of killed runs.

    Nobody has signed a plan in the outbox. Whatever is no plan stays there.

    Args:
        connection: In the transaction that records.
        own: The plans of the run that records.
        created_at: The clock of the evidence.
        refuse: Takes a sentence about each plan that is not taken.
    """
    columns = select(OUTBOX_PLANS.c.plan_id, OUTBOX_PLANS.c.queued_at, OUTBOX_PLANS.c.is_recorded)
    found = connection.execute(columns.order_by(OUTBOX_PLANS.c.queued_at, OUTBOX_PLANS.c.plan_id)).all()
    late = (created_at - KILLED_AFTER).timestamp()
    forgotten = (created_at - _FORGOTTEN_AFTER).timestamp()
    over = [
        row.plan_id
        for row in found
        if row.plan_id in own or (row.is_recorded and _was_before(row.queued_at, forgotten))
    ]
    if over:
        connection.execute(delete(OUTBOX_PLANS).where(one_of(OUTBOX_PLANS.c.plan_id, over)))
    for row in found:
        if row.plan_id not in own and not row.is_recorded and _was_before(row.queued_at, late):
            this = OUTBOX_PLANS.c.plan_id == row.plan_id
            text = connection.execute(select(OUTBOX_PLANS.c.records).where(this)).scalar_one()
            records = _read_plan(row.plan_id, text)
            if not records:
                refuse(_explain_refused(row.plan_id))
                continue
            connection.execute(update(OUTBOX_PLANS).where(this).values(is_recorded=True))
            for record in records:
                yield {**record, "created_at": write_instant(created_at)}


def _was_before(queued_at: object, limit: float) -> bool:
    """Whether a plan was queued before a time; a value that is no time counts as before: no run wrote it."""
    return not isinstance(queued_at, float) or queued_at < limit


def _explain_refused(plan_id: str) -> str:
    return (
        f"the evidence does not take the plan {plan_id} of a run that was killed: it is not as a run writes"
        " it; somebody changed the outbox: restore its row in outbox_plans from a backup, or delete it"
    )


def _read_plan(plan_id: str, text: str) -> Sequence[WrittenRecord]:
    """Return the record of a plan and those of its decisions; nothing if anything else is among them."""
    try:
        records = _records.decode(text)
        starts = [msgspec.convert(each, _Start) for each in records]
    except (msgspec.MsgspecError, TypeError, RecursionError):
        return ()
    kinds = [each.metadata_kind for each in starts]
    is_plan = kinds[:1] == [PlanRecord.kind()] and set(kinds[1:]) <= {DecisionRecord.kind()}
    is_whole = is_plan and all(
        start.plan_id == plan_id and record.keys() <= _NAMES[start.metadata_kind]
        for start, record in zip(starts, records, strict=True)
    )
    return records if is_whole else ()
