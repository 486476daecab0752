"""What a person can do on the page of a schedule, when a server shows it: the forms, and what came of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rollback_drills.followup.acknowledgements.route_choice import RouteChoice
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.exceptions.exception_requests import RequestedException
from rollback_drills.names.people import is_same_caller
from rollback_drills.recovery.found_replays import ReplayReport


class FormName(StrEnum):
    """The forms, as their addresses name them."""

    ACKNOWLEDGE = "acknowledge"
    REQUEST = "request"
    DECIDE = "decide"
    RECORD = "record"


class ReplayForm(StrEnum):
    """The forms by which notifications are sent again, as their addresses name them."""

    REPLAY = "replay"
    APPROVE = "approve"
    EXECUTE = "execute"


class Done(StrEnum):
    """What was done before the page is shown."""

    ACKNOWLEDGED = "acknowledged"
    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    RECORDED = "recorded"
    REPLAYED = "replayed"
    REPLAY_REQUESTED = "replay-requested"
    REPLAY_APPROVED = "replay-approved"


_SAYS: Final = {
    Done.ACKNOWLEDGED: "Your acknowledgement is in the evidence. Only an accepted drill closes the cycle.",
    Done.REQUESTED: "Your request is in the evidence. Somebody else has to approve it.",
    Done.APPROVED: "The request is approved, and the exception holds.",
    Done.DECLINED: "The request is declined. Nothing changes for its cycle.",
    Done.RECORDED: "The drill is recorded. The table below says whether it is accepted.",
    Done.REPLAYED: "Your replay is in the evidence. What was not delivered again is on the page Undelivered.",
    Done.REPLAY_REQUESTED: (
        "The connector needs a second person: your request is in the evidence. Somebody else approves it on"
        " the page Outages."
    ),
    Done.REPLAY_APPROVED: "The replay is approved. Nothing is sent before somebody executes it.",
}
ALL_ROUTES: Final = ""
"""Chooses every route of the open cycles."""


@dataclass(frozen=True, slots=True)
class Acting:
    """What the caller may do, and what came of the form that was sent."""

    caller: str = ""
    """How the evidence will name the caller; empty if nobody logged in, where everybody may read."""
    mark: str = ""
    """Shows that the forms were made for the caller."""
    may_operate: bool = False
    may_decide: bool = False
    may_record: bool = False
    done: Done | None = None
    refused: FormName | ReplayForm | None = None
    """The form that was refused."""
    problem: str = ""
    """Why it was."""
    typed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What was typed into the form that was refused."""

    @property
    def says(self) -> str:
        """Describe what was done; empty if nothing was."""
        return _SAYS[self.done] if self.done else ""

    def value(self, form: str, name: str, otherwise: str = "") -> str:
        """Return what a field holds: what was typed if its form was refused."""
        return self.typed.get(name, otherwise) if self.refused == form else otherwise

    def may_approve(self, request: RequestedException | ReplayReport) -> bool:
        """Whether the caller may approve a request."""
        return self.may_decide and not is_same_caller(self.caller, request.requested_by)


def list_routes(cycles: Sequence[CycleFacts]) -> Iterator[tuple[str, str]]:
    """Yield key and text of every route that can be acknowledged."""
    for cycle in cycles:
        for route in cycle.routes:
            yield route.route_key, f"{route.owner} through {route.provider}"


def choose_routes(cycles: Sequence[CycleFacts], route_key: str) -> list[RouteChoice]:
    """Return the routes that were chosen by their key, or all of them; none if it is no route of these."""
    if route_key == ALL_ROUTES:
        return [RouteChoice(cycle_id=each.cycle_id) for each in cycles]
    return [
        RouteChoice(cycle_id=cycle.cycle_id, provider=route.provider, owner=route.owner)
        for cycle in cycles
        for route in cycle.routes
        if route.route_key == route_key
    ]
