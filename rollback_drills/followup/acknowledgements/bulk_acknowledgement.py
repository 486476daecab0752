"""Acknowledges many routes at once, all of them or none (contract §6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rollback_drills.errors import UsageError
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementRecord,
    record_acknowledgement,
)
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice, choose_routes, keep_open

MOST_AT_ONCE: Final = 100


def acknowledge(
    index: EvidenceIndex,
    given: Sequence[tuple[RouteChoice, Acknowledgement]],
    *,
    now: datetime,
    created_at: datetime,
    are_listed: bool = False,
) -> list[AcknowledgementRecord]:
    """Build the records of all acknowledgements; nothing is written here.

    Args:
        index: The evidence, which knows the routes.
        given: Which routes, and what is said of them.
        now: When it is said.
        created_at: The clock of the evidence.
        are_listed: Whether the caller lists them as `routes`, so that an error names which one is wrong.

    Raises:
        UsageError: A cycle or route is unknown or has ended, a field is not valid, or there are no routes, or
            more than a hundred.
    """
    records: dict[str, AcknowledgementRecord] = {}
    for number, (choice, said) in enumerate(given):
        try:
            chosen = choose_routes(index, choice)
            routes = keep_open(index, chosen.routes)
        except UsageError as error:
            raise (error.at(f"routes[{number}]") if are_listed else error) from None
        for route in routes:
            record = record_acknowledgement(said, route, now=now, created_at=created_at, due_at=chosen.due_at)
            records[route.route_key] = record
    if not 1 <= len(records) <= MOST_AT_ONCE:
        raise UsageError(
            f"{len(records)} routes are meant; acknowledge 1 to {MOST_AT_ONCE} at once, by cycle, provider or"
            " owner"
        )
    return list(records.values())
