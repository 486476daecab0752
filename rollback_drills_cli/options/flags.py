"""What the command line calls the parameters of commands."""

import os
import sys
from typing import Final

from rollback_drills.errors import DrillsError, Setting
from rollback_drills.names.environment_variables import NAMES_OF_CAVRA, VARIABLES

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
    """Return the message of an error, with the flags, or else the variables, that set what it names."""
    return error.spell(_find_source, _name_setting) if isinstance(error, DrillsError) else str(error)


def _find_source(field: str) -> str:
    """Return what set a parameter: the variable, if it is set and the flag is not in the command line."""
    flag = find_flag(field)
    if field not in VARIABLES or _is_given(flag):
        return flag
    names = (VARIABLES[field], NAMES_OF_CAVRA.get(field))
    return next((name for name in names if name in os.environ), None) or flag


def _name_setting(setting: Setting) -> str:
    """Return what has set a setting, or can set it: the flag, if it is in the command line."""
    flag = find_flag(setting.name)
    return flag if _is_given(flag) else setting.variable


def _is_given(flag: str) -> bool:
    return flag in map(_shorten, sys.argv)


def _shorten(argument: str) -> str:
    """Return the flag of an argument without its value, and as it is spelt today."""
    flag = argument.partition("=")[0].removesuffix("-path")
    return flag.replace("--rollback-drill-", "--", 1)
