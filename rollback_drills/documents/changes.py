"""The document of what was promoted and when, with which a proof from before is known to be stale."""

from collections.abc import Iterator
from typing import Final

import msgspec

from rollback_drills.documents.fields import UNSET, Document, Name, ReviewedValue, Timestamp, UnsetType
from rollback_drills.documents.quotation import show, state
from rollback_drills.documents.utc import check_in_utc

CHANGES_SCHEMA: Final = "rollback-drills.changes.v1"


class Change(Document, frozen=True, gc=False):
    """Something that was promoted, after which the rollback is to be proven again."""

    change_id: Name
    """The id of the change; each change has its own."""
    promoted_at: Timestamp
    """When it was promoted; an ISO 8601 timestamp."""
    what: str = ""
    """What was promoted, such as a name and its version."""
    reference: str = ""
    """Where more is known about it, such as a ticket; no URL."""
    schedule_ids: tuple[Name, ...] = ()
    """The schedules that it concerns; empty for all."""
    environments: tuple[Name, ...] = ()
    """The environments whose schedules it concerns; empty for all."""

    def __post_init__(self) -> None:
        """Ensure that the time can be written in UTC."""
        check_in_utc(promoted_at=self.promoted_at)


class Changes(Document, frozen=True, gc=False):
    """Everything that was promoted, in any order."""

    schema_version: str = ""
    """Which kind of document this is."""
    changes: tuple[Change, ...] = ()
    """The changes."""
    reviewed_values: tuple[ReviewedValue, ...] = ()
    """Texts that look private and were checked by somebody."""
    schema_ref: str | UnsetType = msgspec.field(default=UNSET, name="$schema")
    """The path of the JSON Schema with which an editor checks the document."""


class KnownChanges(msgspec.Struct, frozen=True, gc=False):
    """What is known of the changes that concern one schedule."""

    changes: tuple[Change, ...] = ()
    """The earliest first."""
    problem: str = ""
    """What makes the document of the changes unusable: file, JSON path, value and remedy."""


def find_change_faults(document: Changes) -> Iterator[str]:
    """Yield path, value and remedy of what makes a document of changes unusable as a whole."""
    if document.schema_version != CHANGES_SCHEMA:
        yield f'$.schema_version {state(document.schema_version)}; must be "{CHANGES_SCHEMA}"'
    seen: dict[str, int] = {}
    for number, each in enumerate(document.changes):
        first = seen.setdefault(each.change_id, number)
        if first != number:
            yield (
                f"$.changes[{number}].change_id is {show(each.change_id)}, which $.changes[{first}] has too;"
                " list each change once"
            )
