"""Who answers for the source of a run, as the worker's environment says."""

from collections.abc import Sequence

from blocks.registry import enabled_connectors
from rollback_drills.documents.fleet import Subject
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.planning.routes import BUILTIN_PROVIDERS, named_providers
from rollback_drills.settings import VARIABLES, Settings
from rollback_drills.trust.notice import Platform


def find_platform(settings: Settings, subjects: Sequence[Subject]) -> Platform:
    """Return the platform owner and the providers that are named for it.

    Raises:
        UsageError: A provider is unknown to everybody.
    """
    text = settings.platform_providers
    if text is None:
        return Platform(settings.platform_owner)
    names = tuple(first_spellings(name.strip() for name in text.split(",")).values())
    known = BUILTIN_PROVIDERS | named_providers(subject.schedule for subject in subjects)
    if not first_spellings(known).keys() >= set(map(name_key, names)):
        known |= set(enabled_connectors())
    keys = first_spellings(known)
    if unknown := [name for name in names if name_key(name) not in keys]:
        variable = VARIABLES["platform_providers"]
        raise UsageError(
            f"{variable} names {unknown[0]}, which is unknown; known are {', '.join(sorted(known))}"
        )
    return Platform(settings.platform_owner, names)
