"""Expectations: what schedules are expected to do at given times, to be tested like code."""

import json
from collections.abc import Hashable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from rollback_drills.documents.careful_reader import UnusableDocumentError, read_carefully
from rollback_drills.documents.fields import Document, Name, Timestamp
from rollback_drills.documents.history import Drill
from rollback_drills.documents.instants import read_instant
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reader import hide_folder, read_bytes
from rollback_drills.errors import UsageError

EXPECTATIONS_SCHEMA: Final = "rollback-drills.expectations.v1"
_YAML: Final = (".yaml", ".yml")


class ExpectedRoute(Document, frozen=True, gc=False):
    """A route, and what is expected of it. What is left out may be anything."""

    provider: Name
    owner: Name
    category: str = ""
    until: Timestamp | None = None


class Expectation(Document, frozen=True, gc=False):
    """What one schedule is expected to do at one time. What is left out may be anything."""

    name: Name
    at: str
    schedule_id: str = ""
    """Needless if there is one schedule."""
    drills: tuple[Drill, ...] | None = None
    """In place of those of the history."""
    status: Literal["ready", "due_soon", "needs_attention", "not_requested"] | None = None
    next_due_at: Timestamp | None = None
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
            raise ValueError(f"at is {self.at!r}; write a time such as 2026-12-01T09:00:00Z") from None
        if all(each is None for each in (self.status, self.next_due_at, self.notified, self.silent)):
            raise ValueError("expects nothing; write status, next_due_at, notified or silent")

    @property
    def instant(self) -> datetime:
        """The time at which it is expected."""
        return read_instant(self.at)[0]


class Expectations(Document, frozen=True, gc=False):
    """A file of expectations."""

    schema_version: str
    expectations: Annotated[tuple[Expectation, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Ensure that this is the version that is known.

        Raises:
            ValueError: It is not.
        """
        if self.schema_version != EXPECTATIONS_SCHEMA:
            raise ValueError(f'schema_version is {self.schema_version!r}; must be "{EXPECTATIONS_SCHEMA}"')


def read_expectations(path: Path) -> Expectations:
    """Read a file of expectations, YAML by its ending and JSON otherwise.

    Raises:
        UsageError: It cannot be read or used; the message names the file, the place and the remedy.
    """
    shown = hide_folder(str(path))
    try:
        data = read_bytes(str(path))
        if path.suffix in _YAML:
            data = _to_json(data, shown)
        return read_carefully(Expectations, data)[0]
    except UnusableDocumentError as error:
        text = str(error)
        raise UsageError(text if text.startswith((shown, str(path))) else f"{shown}: {text}") from None


def write_expectations(expectations: Expectations, path: Path) -> bytes:
    """Write a file of expectations, YAML by its ending and JSON otherwise."""
    plain = msgspec.to_builtins(expectations)
    if path.suffix not in _YAML:
        return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"
    import yaml  # only these files need it

    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    return text.encode()


def _to_json(data: bytes, shown: str) -> bytes:
    import yaml  # only these files need it

    class Loader(yaml.SafeLoader):
        """Leaves times as they are written, and refuses what would count silently or without a bound."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.MarkedYAMLError(problem="an alias stands here; write it out", problem_mark=mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
            seen: set[str] = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"{show(key.value)} is there twice; remove one of them",
                        problem_mark=key.start_mark,
                    )
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in several if not tag.endswith(":timestamp")]
        for first, several in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        parsed: object = yaml.load(data, Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1} column {mark.column + 1}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be parsed"
        raise UsageError(f"{shown}: cannot be read as YAML: {why}{place}") from None
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise UsageError(f"{shown}: cannot be read as YAML in UTF-8") from None
    return json.dumps(parsed, default=str).encode()
