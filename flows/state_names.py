"""What the final states of runs are called; automations find runs by these names."""

from rollback_drills.readiness.terms import Readiness

STATE_NAMES = {
    Readiness.READY: "Ready",
    Readiness.DUE_SOON: "DueSoon",
    Readiness.NEEDS_ATTENTION: "NeedsAttention",
    Readiness.NOT_REQUESTED: "NotRequested",
}
"""By the state of the schedules, what the final state of a run is called."""

BLOCKED = "Blocked"
"""What the failed state of a gate is called that lets no release pass."""
