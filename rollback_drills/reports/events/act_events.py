"""The events of what people did, and of steps of the follow-up, for automations."""

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.escalations.escalation import Escalation
from rollback_drills.followup.exceptions.exception import ExceptionRecord
from rollback_drills.followup.exceptions.exception_requests import DeclineRecord, ExceptionRequestRecord
from rollback_drills.followup.retirements.retirement import RetirementRecord
from rollback_drills.reports.events.event_payloads import (
    AcknowledgementPayload,
    DeclinePayload,
    EscalationPayload,
    ExceptionPayload,
    Payload,
    RequestPayload,
    RetirementPayload,
)
from rollback_drills.reports.events.run_events import PREFIX, RunEvent, route_of


def escalation_event(taken: Escalation) -> RunEvent:
    """Return the event of a step that was taken."""
    cycle, event = taken.cycle, taken.opened.event
    owners = (("owner", name) for name in (taken.chain.owner, taken.link.owner))
    return RunEvent(
        f"{PREFIX}.escalation.taken",
        cycle.schedule_id,
        event.get("summary", {}).get("environment") or "",
        (("cycle", cycle.cycle_id), *dict.fromkeys(owners)),
        EscalationPayload(
            schedule_id=cycle.schedule_id,
            cycle_id=cycle.cycle_id,
            plan_id=event["plan_id"],
            status=cycle.status,
            next_due_at=write_instant(cycle.due_at) if cycle.due_at else None,
            owner=taken.chain.owner,
            step=taken.step,
            step_count=len(taken.chain.links),
            step_due_at=write_instant(taken.due_at),
            told=taken.link.owner,
            providers=taken.providers,
        ),
    )


def acknowledgement_event(record: AcknowledgementRecord) -> RunEvent:
    """Return the event of an acknowledgement, from its record; what people wrote stays in the evidence."""
    return RunEvent(
        f"{PREFIX}.acknowledgement.{record.acknowledgement_state}",
        record.schedule_id,
        "",
        route_of(record.cycle_id, record.provider, record.owner),
        msgspec.convert(record, AcknowledgementPayload, from_attributes=True),
    )


def exception_event(record: ExceptionRecord) -> RunEvent:
    """Return the event of an exception, from its record; the reason stays in the evidence."""
    return _of_exception(record.exception.past, record, ExceptionPayload)


def retirement_event(record: RetirementRecord) -> RunEvent:
    """Return the event of a retirement, from its record; the reason stays in the evidence."""
    payload = msgspec.convert(record, RetirementPayload, from_attributes=True)
    return RunEvent(f"{PREFIX}.schedule.{record.change}", record.schedule_id, "", (), payload)


def request_event(record: ExceptionRequestRecord) -> RunEvent:
    """Return the event of a request for an exception, from its record; the reason stays in the evidence."""
    return _of_exception("requested", record, RequestPayload)


def decline_event(record: DeclineRecord) -> RunEvent:
    """Return the event of a request that was declined, from its record; the reason stays in the evidence."""
    return _of_exception("declined", record, DeclinePayload)


def _of_exception(
    what: str, record: ExceptionRecord | ExceptionRequestRecord | DeclineRecord, kind: type[Payload]
) -> RunEvent:
    payload = msgspec.convert(record, kind, from_attributes=True)
    cycle = (("cycle", record.cycle_id),)
    return RunEvent(f"{PREFIX}.exception.{what}", record.schedule_id, "", cycle, payload)
