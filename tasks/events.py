"""Hands the events of a run to Prefect, where automations and the feed of events find them."""

from collections.abc import Sequence

from prefect.events import emit_event
from prefect.exceptions import EventTooLarge
from prefect.logging import get_run_logger

from rollback_drills.delivery.results import Delivery
from rollback_drills.redaction import Redactor, redactor_in_use
from rollback_drills.run_events import RunEvent, find_events
from rollback_drills.run_report import ScheduleRun

_KIND = "rollback-drills"


def emit_events(runs: Sequence[ScheduleRun], deliveries: Sequence[Delivery], dry_run: bool) -> None:
    """Emit the events of a run, none of a dry run; Prefect sends them in the background.

    No task: a task run costs more than the events. Prefect adds the flow run and its deployment itself.
    """
    if dry_run:
        return
    redactor, count = redactor_in_use(), 0
    for count, event in enumerate(find_events(runs, deliveries), 1):  # noqa: B007 - the last one counts them
        try:
            _emit(event, redactor)
        except EventTooLarge as error:  # a run that did its work does not fail because of its echo
            get_run_logger().warning("no event %s of %s: %s", event.name, event.schedule_id, error)
    get_run_logger().info("%d events", count)


def _emit(event: RunEvent, redactor: Redactor) -> None:
    resource = {
        "prefect.resource.id": f"{_KIND}.schedule.{event.schedule_id}",
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
    emit_event(
        event.name,
        resource=redactor.value(resource),
        related=redactor.value(related),
        payload=redactor.value(event.payload),
    )
