"""Expectations: what schedules are expected to do at given times, to be tested like code."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from rollback_drills.documents.fields import UNSET, Document, Name, Timestamp, UnsetType
from rollback_drills.documents.history import Drill
from rollback_drills.documents.instants import explain_far, read_instant
from rollback_drills.documents.quotation import quote
from rollback_drills.documents.reading.input_file import read_input_file
from rollback_drills.documents.reading.yaml_text import is_yaml
from rollback_drills.documents.unfit_keys import UnfitKeysError

EXPECTATIONS_SCHEMA: Final = "rollback-drills.expectations.v1"


class ExpectedRoute(Document, frozen=True, gc=False):
    """A route, and what is expected of it. What is left out may be anything."""

    provider: Name
    """Through which connector."""
    owner: Name
    """Who is notified, or is not."""
    category: str = ""
    """Why the owner is not notified, as plans have it."""
    until: Timestamp | None = None
    """When the owner can be notified at the earliest; an ISO 8601 timestamp."""


class Expectation(Document, frozen=True, gc=False):
    """What one schedule is expected to do at one time. What is left out may be anything."""

    name: Name
    """What is expected, for people."""
    at: str
    """As of when: an ISO 8601 timestamp or a day."""
    schedule_id: str = ""
    """Not needed if there is one schedule."""
    drills: tuple[Drill, ...] | None = None
    """In place of those of the history."""
    status: Literal["ready", "due_soon", "needs_attention", "not_requested"] | None = None
    """In which state the schedule is."""
    next_due_at: Timestamp | None = None
    """When the next drill is due; an ISO 8601 timestamp."""
    notified: tuple[ExpectedRoute, ...] | None = None
    """Exactly these routes."""
    silent: tuple[ExpectedRoute, ...] | None = None
    """These routes at least."""

    def __post_init__(self) -> None:
        """Ensure that the time can be read, and that something is expected.

        Raises:
            ValueError: It cannot, or nothing is.
        """
        try:
            self.instant  # noqa: B018 - it is read here to be refused here
        except ValueError:
            raise ValueError(f"at is {quote(self.at)}; write a time such as 2026-12-01T09:00:00Z") from None
        if problem := explain_far(self.instant):
            raise ValueError(f"at {problem}")
        if all(each is None for each in (self.status, self.next_due_at, self.notified, self.silent)):
            raise UnfitKeysError(
                "expects nothing; write status, next_due_at, notified or silent",
                *("status", "next_due_at", "notified", "silent"),
            )

    @property
    def instant(self) -> datetime:
        """The time at which it is expected."""
        return read_instant(self.at)[0]


class Expectations(Document, frozen=True, gc=False):
    """A file of expectations."""

    schema_version: str
    """Which kind of document this is."""
    expectations: Annotated[tuple[Expectation, ...], Meta(min_length=1)]
    """What is expected."""
    schema_ref: str | UnsetType = msgspec.field(default=UNSET, name="$schema")
    """The path of the JSON Schema with which an editor checks the document."""

    def __post_init__(self) -> None:
        """Ensure that this is the version that is known.

        Raises:
            ValueError: It is not.
        """
        if self.schema_version != EXPECTATIONS_SCHEMA:
            raise ValueError(
                f'schema_version is {quote(self.schema_version)}; must be "{EXPECTATIONS_SCHEMA}"'
            )


def read_expectations(path: Path) -> Expectations:
    """Read a file of expectations, YAML by its ending and JSON otherwise.

    Raises:
        UsageError: It cannot be read or used; the message names the file, the place and the remedy.
    """
    return read_input_file(Expectations, path)


def write_expectations(expectations: Expectations, path: Path) -> bytes:
    """Write a file of expectations, YAML by its ending and JSON otherwise."""
    plain = msgspec.to_builtins(expectations)
    if not is_yaml(str(path)):
        return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"
    import yaml  # only these files need it

    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    return text.encode()
