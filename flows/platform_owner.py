"""Who answers for the source of a run, as the worker's environment says."""

from blocks.registry import enabled_connectors
from rollback_drills.errors import UsageError
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.planning.routes import BUILTIN_PROVIDERS
from rollback_drills.settings import Settings
from rollback_drills.trust.notice import Platform


def find_platform(settings: Settings) -> Platform:
    """Return the platform owner and the providers that are named for it."""
    text = settings.platform_providers
    names = first_spellings(name.strip() for name in text.split(",")) if text else {}
    return Platform(settings.platform_owner, tuple(names.values()))


def check_platform(platform: Platform, named: frozenset[str]) -> None:
    """Refuse a platform owner whose providers nobody knows; `named` has those that the schedules name.

    Raises:
        UsageError: A provider is unknown to everybody.
    """
    names = platform.providers
    if not names:
        return
    known = BUILTIN_PROVIDERS | named
    if not first_spellings(known).keys() >= set(map(name_key, names)):
        known |= set(enabled_connectors())
    keys = first_spellings(known)
    if unknown := [name for name in names if name_key(name) not in keys]:
        variable = VARIABLES["platform_providers"]
        raise UsageError(
            f"{variable} names {unknown[0]}, which is unknown; known are {', '.join(sorted(known))}"
        )
