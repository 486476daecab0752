"""The automations that ship: what each waits for, and the message that it sends."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prefect.events.schemas.automations import AutomationCore

RECURRING: Final = (
    *("drill-check", "escalate-unacknowledged", "look-ahead", "alarm-path-drill"),
    *("deliver-audit-package", "review-notifications"),
)
"""The deployments that run by themselves."""
_EVENTS: Final = "cavra.go_backend.rollback_drill"
_MARK: Final = re.compile(r"Kept up to date by `drills automations apply` \(([a-z-]+)\)\.$")
_NO_CHECK_SECONDS: Final = 26 * 3600
_NO_FOLLOW_UP_SECONDS: Final = 2 * 3600


@dataclass(frozen=True, slots=True)
class Shipped:
    """One automation that ships."""

    key: str
    """Identifies it, whatever its texts become."""
    name: str
    what: str
    trigger: Mapping[str, Any]
    subject: str
    body: str

    def build(self, block_document_id: UUID) -> AutomationCore:
        """Return it as Prefect takes it.

        Args:
            block_document_id: The block that it notifies through.
        """
        return AutomationCore.model_validate(
            {
                "name": self.name,
                "description": f"{self.what} Kept up to date by `drills automations apply` ({self.key}).",
                "enabled": True,
                "trigger": {"type": "event", **self.trigger},
                "actions": [
                    {
                        "type": "send-notification",
                        "block_document_id": str(block_document_id),
                        "subject": self.subject,
                        "body": self.body,
                    }
                ],
            }
        )


def find_key(automation: AutomationCore) -> str:
    """Return which of ours an automation is, by the end of its description; empty if it is a user's own."""
    found = _MARK.search(automation.description)
    return found[1] if found else ""


def list_shipped(work_pool: str) -> Iterator[Shipped]:
    """Yield the automations that ship.

    Args:
        work_pool: The name of the work pool whose workers execute the deployments.
    """
    yield Shipped(
        "run-failed",
        "Rollback drills: a recurring run failed",
        "A run of a recurring deployment failed, crashed or was given up; at most one message an hour for"
        " each deployment.",
        {
            "posture": "Reactive",
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": _runs_of(*RECURRING),
            "expect": ["prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.TimedOut"],
            "for_each": ["related:deployment:prefect.resource.id"],
            "threshold": 1,
            "within": 3600,
        },
        "Rollback drills: {{ flow.name }} {{ flow_run.state.name }}",
        "{{ flow_run.state.message }}\n{{ flow_run|ui_url }}",
    )
    yield Shipped(
        "no-check",
        "Rollback drills: no check for 26 hours",
        "No drill check was completed in 26 hours: nobody would notice an overdue drill.",
        {
            "posture": "Proactive",
            "match": {"prefect.resource.id": "rollback-drills.check.*"},
            # a drill that is recorded is a check, too, of its own schedule alone
            "match_related": _runs_of("drill-check"),
            "expect": [f"{_EVENTS}.check.completed"],
            "threshold": 1,
            "within": _NO_CHECK_SECONDS,
        },
        "Rollback drills: no check for 26 hours",
        "No drill check was completed in 26 hours. Does a worker run, and is drill-check active?",
    )
    yield Shipped(
        "no-follow-up",
        "Rollback drills: no follow-up for 2 hours",
        "No follow-up was completed in 2 hours: nobody is escalated to, and what waits is not sent again.",
        {
            "posture": "Proactive",
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": _runs_of("escalate-unacknowledged"),
            "expect": ["prefect.flow-run.Healthy"],
            "threshold": 1,
            "within": _NO_FOLLOW_UP_SECONDS,
        },
        "Rollback drills: no follow-up for 2 hours",
        "No follow-up was completed in 2 hours. Does a worker run, and is escalate-unacknowledged active?",
    )
    yield Shipped(
        "worker-offline",
        "Rollback drills: no worker is online",
        "The work pool is paused, or has no worker that is online, so nothing is checked or delivered.",
        {
            "posture": "Reactive",
            "match": {"prefect.resource.id": "prefect.work-pool.*", "prefect.resource.name": work_pool},
            "expect": ["prefect.work-pool.not-ready", "prefect.work-pool.paused"],
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
            "within": 0,
        },
        "Rollback drills: no worker is online",
        f"The work pool {work_pool} is paused, or has no worker that is online. Run:"
        f" prefect work-pool resume {work_pool}, and prefect worker start --pool {work_pool}",
    )
    yield Shipped(
        "connector-disabled",
        "Rollback drills: a connector is disabled",
        "A connector is gone or unauthorised; at most one message an hour for each connector.",
        {
            "posture": "Reactive",
            "match": {"prefect.resource.id": "rollback-drills.schedule.*"},
            "expect": [f"{_EVENTS}.delivery.disabled"],
            "for_each": ["related:provider:prefect.resource.id"],
            "threshold": 1,
            "within": 3600,
        },
        "Rollback drills: the connector {{ event.payload.provider }} is disabled",
        "{{ event.payload.error }}\nFix it, then run: drills connectors enable {{ event.payload.provider }}",
    )
    yield Shipped(
        "gate-blocked",
        "Rollback drills: a release is blocked",
        "The gate blocked a release, because a rollback is not proven.",
        {
            "posture": "Reactive",
            "match": {"prefect.resource.id": "rollback-drills.gate.*"},
            "expect": [f"{_EVENTS}.gate.blocked"],
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
            "within": 0,
        },
        "Rollback drills: a release is blocked",
        "{{ event.payload.message }}",
    )


def _runs_of(*deployments: str) -> dict[str, Any]:
    """Return what an event of a run of one of these deployments is related to."""
    return {"prefect.resource.role": "deployment", "prefect.resource.name": list(deployments)}
