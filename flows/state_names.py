"""What the final states of runs are called; automations find runs by these names."""

from rollback_drills.readiness.states import Readiness

STATE_NAMES = {
    Readiness.READY: "Ready",
    Readiness.DUE_SOON: "DueSoon",
    Readiness.NEEDS_ATTENTION: "NeedsAttention",
    Readiness.NOT_REQUESTED: "NotRequested",
}
"""By the state of the schedules, what the final state of a run is called."""

DRY_RUN = "DryRun"
"""What the final state of a follow-up is called that sent nothing, so that nobody takes it for `Healthy`."""

BLOCKED = "Blocked"
"""What the failed state of a gate is called that lets no release pass."""


def say_if_dry(message: str, *, dry_run: bool) -> str:
    """Return the message of a run, which begins with it if nothing was sent on purpose.

    A deployment whose parameter `dry_run` was left on looks like one that does its work.
    """
    return f"dry run, nothing is sent: {message}" if dry_run else message
