"""Hands the events of a run to Prefect, where automations and the feed of events find them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from prefect.events import emit_event
from prefect.exceptions import EventTooLarge
from prefect.logging import get_run_logger

from rollback_drills.documents.plain_json import to_plain
from rollback_drills.evidence.population import Changes
from rollback_drills.followup.acknowledgement import AcknowledgementRecord
from rollback_drills.followup.escalations import Escalation
from rollback_drills.followup.exception_requests import DeclineRecord, ExceptionRequestRecord
from rollback_drills.followup.exceptions import ExceptionRecord
from rollback_drills.followup.retirements import RetirementRecord
from rollback_drills.gate.document import Gate
from rollback_drills.gate.events import gate_event
from rollback_drills.notifications.results import Delivery
from rollback_drills.readiness.states import Readiness
from rollback_drills.redaction.redactor import redact_each, redactor_in_use
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.act_events import (
    acknowledgement_event,
    decline_event,
    escalation_event,
    exception_event,
    request_event,
    retirement_event,
)
from rollback_drills.reports.run_events import FLEET, RunEvent, check_event, find_check_events, find_events
from rollback_drills.reports.run_page import ScheduleRun

_KIND = "rollback-drills"


def emit_events(
    runs: Sequence[ScheduleRun], deliveries: Sequence[Delivery], changes: Changes, *, is_single: bool
) -> None:
    """Emit the events of a check: what changed, what was delivered, and that it has ended.

    Prefect sends them in the background. No task: a task run costs more than the events. Prefect adds the
    flow run and its deployment itself.
    """
    name = runs[0].plan.schedule_id if is_single else FLEET
    states = Counter(each.judgement.readiness for each in runs)
    ended = check_event(states, changes, name=name, delivery_count=len(deliveries))
    _emit_all(chain(find_check_events(runs, deliveries, changes), [ended]))


def emit_shard(runs: Sequence[ScheduleRun], deliveries: Sequence[Delivery], changes: Changes) -> None:
    """Emit the events of a shard: what changed, and what was delivered."""
    _emit_all(find_check_events(runs, deliveries, changes))


def emit_check(states: Mapping[Readiness, int], changes: Changes, delivery_count: int) -> None:
    """Emit the event that a check has ended whose shards have emitted all others."""
    _emit_all([check_event(states, changes, delivery_count=delivery_count)])


def emit_follow_up(taken: Sequence[Escalation], deliveries: Sequence[Delivery]) -> None:
    """Emit the events of a follow-up run: the steps that it took, and what became of notifications."""
    _emit_all(chain(map(escalation_event, taken), find_events([], deliveries)))


def emit_acknowledgements(records: Sequence[AcknowledgementRecord]) -> None:
    """Emit the events of acknowledgements that were written down."""
    _emit_all(map(acknowledgement_event, records))


def emit_exception(record: ExceptionRecord) -> None:
    """Emit the event of an exception that was written down."""
    _emit_all([exception_event(record)])


def emit_request(record: ExceptionRequestRecord) -> None:
    """Emit the event of a request for an exception that was written down."""
    _emit_all([request_event(record)])


def emit_decline(record: DeclineRecord) -> None:
    """Emit the event of a request that was declined."""
    _emit_all([decline_event(record)])


def emit_retirement(record: RetirementRecord) -> None:
    """Emit the event of a schedule that was retired or restored."""
    _emit_all([retirement_event(record)])


def emit_gate(gate: Gate, name: str) -> None:
    """Emit the event of a gate, named after its schedule or `FLEET`."""
    _emit_all([gate_event(gate, name)])


def _emit_all(events: Iterable[RunEvent]) -> None:
    logger, count = get_run_logger(), 0
    for count, event in enumerate(redact_each(redactor_in_use().document, events), 1):  # noqa: B007 - the last one counts them
        try:
            _emit(event)
        except EventTooLarge as error:  # a run that did its work does not fail because of its echo
            logger.warning("no event %s of %s: %s", event.name, event.schedule_id, error)
    logger.info("%s", write_count(count, "event"))


def _emit(event: RunEvent) -> None:
    resource = {
        "prefect.resource.id": f"{_KIND}.{event.kind}.{event.schedule_id}",
        "prefect.resource.name": event.schedule_id,
    }
    if event.environment:
        resource[f"{_KIND}.environment"] = event.environment
    related = [
        {
            "prefect.resource.id": f"{_KIND}.{role}.{identifier}",
            "prefect.resource.name": identifier,
            "prefect.resource.role": role,
        }
        for role, identifier in event.related
    ]
    emit_event(event.name, resource=resource, related=related, payload=to_plain(event.payload))
