"""Reads the routing policy that a caller brings along; it must be usable as a whole."""

import msgspec

from rollback_drills.documents.fleets.settled import read_settled
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.documents.reading.reader import parse_document, read_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.errors import UsageError

GivenPolicy = str | PlainJson | None
"""A routing policy as a caller gives it: its path, or the document."""


def read_policy(given: GivenPolicy) -> RoutingPolicy | None:
    """Read a policy given as a path or as the document itself.

    Raises:
        UsageError: The policy is unusable; nothing may be sent with half of one.
    """
    if given is None:
        return None
    if isinstance(given, str):
        if not given.strip():
            raise UsageError("is empty; give it a value or leave it out", field="routing_policy")
        loaded = read_settled(lambda: read_document(RoutingPolicy, given))
    else:
        loaded = parse_document(RoutingPolicy, msgspec.json.encode(given), "routing_policy")
    if loaded.document is None:
        problem = loaded.problem if isinstance(given, str) else loaded.problem.partition(": ")[2]
        raise UsageError(problem, field="routing_policy")
    return loaded.document
