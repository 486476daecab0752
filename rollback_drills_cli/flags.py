"""What the command line calls the parameters of commands."""

from typing import Final

from rollback_drills.errors import UsageError

SHORT_FLAGS: Final = {
    "acknowledged_by": "--by",
    "acknowledged_for_days": "--days",
    "acknowledgement_state": "--state",
    "cycle_id": "--cycle",
    "decided_by": "--by",
    "database_url": "--database",
    "evidence_refs": "--evidence-ref",
    "external_ref": "--ref",
    "participants": "--participant",
    "plan_id": "--plan",
    "replay_id": "ID",
    "request_id": "ID",
    "systems_tested": "--system",
    "trusted_proxies": "--trusted-proxy",
}
"""Parameters whose flag is not their name with dashes, or that are arguments."""


def find_flag(field: str) -> str:
    """Return the flag of a parameter."""
    return SHORT_FLAGS.get(field) or f"--{field.replace('_', '-')}"


def describe(error: Exception) -> str:
    """Return the message of an error, with flags for the parameters that it names."""
    return error.spell(find_flag) if isinstance(error, UsageError) else str(error)
