"""Warns of names that match nothing in a set of schedules and routing policies."""

from collections.abc import Collection, Iterator, Sequence

from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.names.keys import first_spellings
from rollback_drills.planning.unknown_names import find_unknown_names, know_names


def warn_of_names(
    schedules: Sequence[Loaded[Schedule] | None],
    policies: Sequence[Loaded[RoutingPolicy]],
    *,
    connectors: Collection[str] | None = None,
) -> list[str]:
    """Return file, path, name and remedy of every name that matches nothing.

    Args:
        schedules: The schedules, as they were found.
        policies: The routing policies that add to each of them.
        connectors: The names of the configured connectors; None if they are not known.
    """
    return list(_warn(schedules, policies, connectors))


def _warn(
    schedules: Sequence[Loaded[Schedule] | None],
    policies: Sequence[Loaded[RoutingPolicy]],
    connectors: Collection[str] | None,
) -> Iterator[str]:
    readable = [(each.path, each.document) for each in schedules if each and each.document]
    added = [(each.path, each.document) for each in policies if each.document]
    documents = [document for _, document in readable]
    ids = first_spellings(document.schedule_id for document in documents)
    for path, document in readable:
        known = know_names([document], [policy for _, policy in added], connectors)
        yield from (f"{path}: {each}" for each in find_unknown_names(document, known, elsewhere=ids))
    if not readable:  # a policy alone may be for any schedule
        return
    known = know_names(documents, [policy for _, policy in added], connectors)
    for path, policy in added:
        yield from (f"{path}: {each}" for each in find_unknown_names(policy, known))
