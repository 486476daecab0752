"""The page that shows the operations of the HTTP API to a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollback_drills.console.rendering import render_api


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    place: str
    """Where it stands: query, path or body."""
    text: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    group: str
    text: str
    """What it does; its first sentence stands in the list."""
    fields: Sequence[Field]
    needs_token: bool

    @property
    def title(self) -> str:
        """Its first paragraph."""
        return self.text.partition("\n\n")[0]

    @property
    def details(self) -> str:
        """What follows its first paragraph; empty if nothing does."""
        return self.text.partition("\n\n")[2]


@dataclass(frozen=True, slots=True)
class ApiView:
    """The page."""

    version: str
    groups: Mapping[str, Sequence[Operation]]
    """By group, in the order of the API."""


def write_api_page(operations: Sequence[Operation], version: str) -> str:
    """Write the page.

    Args:
        operations: What the API can do, in its order.
        version: Of the program.
    """
    groups: dict[str, list[Operation]] = {}
    for each in operations:
        groups.setdefault(each.group, []).append(each)
    return render_api(ApiView(version, groups))
