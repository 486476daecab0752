"""The environment variables: their names, and how the value of a setting is found (contract §2)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rollback_drills.errors import Setting, UsageError

VARIABLES: Final = {
    "mode": "DRILLS_MODE",
    "history": "DRILLS_HISTORY",
    "schedule": "DRILLS_SCHEDULE",
    "changes": "DRILLS_CHANGES",
    "promotion_evidence": "DRILLS_PROMOTION_EVIDENCE",
    "rollback_plan": "DRILLS_ROLLBACK_PLAN",
    "rollback_rehearsal": "DRILLS_ROLLBACK_REHEARSAL",
    "due_soon_days": "DRILLS_DUE_SOON_DAYS",
    "max_age_days": "DRILLS_MAX_AGE_DAYS",
    "connector_config": "DRILLS_CONNECTOR_CONFIG",
    "database_url": "DRILLS_DATABASE_URL",
    "older_than_months": "DRILLS_EVIDENCE_RETENTION_MONTHS",
    "platform_owner": "DRILLS_PLATFORM_OWNER",
    "platform_providers": "DRILLS_PLATFORM_PROVIDERS",
    "turned_bad_share": "DRILLS_TURNED_BAD_SHARE",
    "auto_upgrade": "DRILLS_AUTO_UPGRADE",
    "run_timeout_seconds": "DRILLS_RUN_TIMEOUT_SECONDS",
    "shard_size": "DRILLS_SHARD_SIZE",
    "shard_minutes": "DRILLS_SHARD_MINUTES",
    "public_url": "DRILLS_PUBLIC_URL",
    "runbook_base_url": "DRILLS_RUNBOOK_BASE_URL",
    "alarm_path_hours": "DRILLS_ALARM_PATH_HOURS",
    "login_header": "DRILLS_API_LOGIN_HEADER",
    "trusted_proxies": "DRILLS_API_TRUSTED_PROXIES",
    "login_scope": "DRILLS_API_LOGIN_SCOPE",
}
"""By setting: its variable, as documentation and messages name it."""

DATABASE: Final = Setting("database_url", VARIABLES["database_url"])
"""The place of evidence and outbox, for remedies."""

NAMES_OF_CAVRA: Final = {
    "mode": "CAVRA_GO_BACKEND_MODE",
    "history": "CAVRA_GO_ROLLBACK_DRILL_HISTORY",
    "schedule": "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE",
    "promotion_evidence": "CAVRA_GO_PROMOTION_EVIDENCE",
    "rollback_plan": "CAVRA_GO_ROLLBACK_PLAN",
    "rollback_rehearsal": "CAVRA_GO_ROLLBACK_REHEARSAL_EVIDENCE",
    "due_soon_days": "CAVRA_GO_ROLLBACK_DRILL_DUE_SOON_DAYS",
    "max_age_days": "CAVRA_GO_ROLLBACK_DRILL_MAX_AGE_DAYS",
    "connector_config": "CAVRA_CONNECTOR_CONFIG",
}
"""By setting: the name that CAVRA has for its variable, which is read as well."""


class SetVariable(NamedTuple):
    """A variable that is set: the name under which it was found, and its text."""

    name: str
    text: str


def find_variable(setting: str, environ: Mapping[str, str]) -> SetVariable | None:
    """Return the variable of a setting, under either of its names; None if neither is set.

    Raises:
        UsageError: Both names are set, to different values.
    """
    names = [VARIABLES[setting]]
    if setting in NAMES_OF_CAVRA:
        names.append(NAMES_OF_CAVRA[setting])
    found = [SetVariable(name, environ[name]) for name in names if name in environ]
    if len({text for _, text in found}) > 1:
        ours, theirs = names
        raise UsageError(f"{ours} and {theirs} are both set, to different values; unset {theirs}")
    return found[0] if found else None


def find_setting(name: str, environ: Mapping[str, str]) -> Setting:
    """Return a setting for a message, with the variable that names its file if that is set."""
    variable = VARIABLES[name]
    of_file = f"{variable}_FILE"
    return Setting(name, f"{variable} (from {of_file})" if of_file in environ else variable)
