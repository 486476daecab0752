"""Hands the events of a run to Prefect, where automations and the feed of events find them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from prefect.events import emit_event
from prefect.exceptions import EventTooLarge
from prefect.logging import get_run_logger

from rollback_drills.documents.plain_json import to_plain
from rollback_drills.evidence.checks.population import Changes
from rollback_drills.notifications.results import Delivery
from rollback_drills.redaction.redactor import redact_each, redactor_in_use
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.events.run_events import FLEET, RunEvent, check_event, find_check_events
from rollback_drills.reports.pages.run_page import ScheduleRun

_KIND = "rollback-drills"


def emit_events(
    runs: Sequence[ScheduleRun], deliveries: Sequence[Delivery], changes: Changes, *, is_single: bool
) -> None:
    """Emit the events of a check: what changed, what was delivered, and that it has ended."""
    name = runs[0].plan.schedule_id if is_single else FLEET
    states = Counter(each.judgement.readiness for each in runs)
    ended = check_event(states, changes, name=name, delivery_count=len(deliveries))
    emit(chain(find_check_events(runs, deliveries, changes), [ended]))


def emit(events: Iterable[RunEvent]) -> None:
    """Emit events. Prefect sends them in the background, and adds the flow run and its deployment itself.

    No task: a task run costs more than the events.
    """
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
