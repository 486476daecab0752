"""The event of a gate, for automations: whether a release may pass, and if not, why."""

from collections.abc import Iterator
from typing import Final

from rollback_drills.gate.decision import explain_block
from rollback_drills.gate.document import Gate
from rollback_drills.reports.events.event_payloads import GatePayload
from rollback_drills.reports.events.run_events import PREFIX, RunEvent

_MOST_RELATED: Final = 20  # Prefect takes 100 related resources, and adds those of the run itself
_MOST_REASONS: Final = 100  # Prefect takes an event of 1.5 MB
_KIND: Final = "gate"


def gate_event(gate: Gate, name: str) -> RunEvent:
    """Return the event of a gate: `gate.blocked` or `gate.passed`.

    Args:
        gate: The gate document.
        name: The schedule, or `FLEET` for several.
    """
    error = explain_block(gate)
    return RunEvent(
        f"{PREFIX}.gate.{'blocked' if error else 'passed'}",
        name,
        "",
        tuple(("schedule", each) for each in list(dict.fromkeys(_find_schedules(gate)))[:_MOST_RELATED]),
        GatePayload(
            status=gate.status,
            mode=gate.mode,
            selected_backend=gate.selected_backend,
            message=gate.message,
            reasons=error.reasons[:_MOST_REASONS] if error else (),
        ),
        _KIND,
    )


def _find_schedules(gate: Gate) -> Iterator[str]:
    """Name the schedules, those first that block the release."""
    for status in ("warn", "pass"):
        for each in gate.checks:
            if each.schedule_id and each.status == status:
                yield each.schedule_id
