"""All connectors, and how to load the one of a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pkgutil import resolve_name
from typing import Final

from prefect.client.schemas.objects import BlockDocument

from blocks.block_documents import CANNOT_READ, FoundDocuments, find_documents
from blocks.connector import Connector, ConnectorError
from blocks.saved_block import open_connector
from rollback_drills.connectors.config_file import connector_name, explain_name
from rollback_drills.connectors.types import CONNECTOR_TYPES
from rollback_drills.names.similar_names import find_similar

CONNECTORS: Final[Mapping[str, type[Connector]]] = {
    name: resolve_name(path) for name, path in CONNECTOR_TYPES.items()
}
"""By the name of its type in a connector configuration."""

# `prefect block register -m blocks.registry` takes the classes that it finds in this module.
globals().update({kind.__name__: kind for kind in CONNECTORS.values()})


@dataclass(frozen=True, slots=True)
class ConfiguredConnector:
    """A connector as it is saved on the Prefect server; its secrets were not read."""

    name: str
    connector_type: str
    """The slug of its block type."""
    enabled: bool


def load_connector(provider: str) -> Connector:
    """Load the connector of a provider with its secrets.

    Blocks until the Prefect server has answered, also in an event loop.

    Raises:
        ConnectorError: The connector is missing, ambiguous, switched off, or not usable as configured.
    """
    name = connector_name(provider)
    saved = _find_saved(name)
    if saved.unreadable:
        raise ConnectorError(f"the connector {name!r} is not usable: {CANNOT_READ}")
    found = saved.documents
    if not found:
        near = find_similar(name, (each.name for each in configured_connectors()))
        meant = f"did you mean {near!r}? If not, " if near else ""
        raise ConnectorError(
            f"no connector named {name!r}; {meant}create one in the Prefect UI (Blocks)"
            " or with `drills connectors import FILE`"
        )
    opened = _open_only_one(found)
    if isinstance(opened, str):
        raise ConnectorError(f"the connector {name!r} is not usable: {opened}")
    opened.keep_secrets()
    if not opened.enabled:
        raise ConnectorError(f"the connector {name!r} is disabled; set `enabled` in its block")
    return opened


def find_unusable() -> dict[str, str]:
    """Return, by name, why a saved connector cannot be used; every one is opened with its secrets."""
    by_name = groupby(sorted(_saved_connectors({}), key=_name_of), key=_name_of)
    opened = {name: _open_only_one(list(found)) for name, found in by_name}
    return {name: problem for name, problem in opened.items() if isinstance(problem, str)}


def name_unreadable() -> list[str]:
    """Return a line about each saved connector that the server cannot read; no list has its name."""
    return _find({}).name_unreadable("the connector")


def remember_all_secrets() -> None:
    """Let the redactor know the secrets of every saved connector, before any of them is used."""
    kinds = {kind.get_block_type_slug(): kind for kind in CONNECTORS.values()}
    for document in _saved_connectors({}):
        opened = open_connector(kinds[_slug_of(document)], document)
        if not isinstance(opened, str):
            opened.keep_secrets()


def _find_saved(name: str) -> FoundDocuments:
    return _find({"name": {"any_": [name]}}) if name.strip("-") else FoundDocuments()


def _open_only_one(found: Sequence[BlockDocument]) -> Connector | str:
    if problem := explain_name(_name_of(found[0])):
        return f"it {problem}"
    kinds = {kind.get_block_type_slug(): kind for kind in CONNECTORS.values()}
    if len(found) > 1:
        slugs = ", ".join(slug for slug in kinds if slug in map(_slug_of, found))
        return f"more than one connector is named {found[0].name!r} ({slugs}); delete or rename all but one"
    return open_connector(kinds[_slug_of(found[0])], found[0])


def configured_connectors() -> list[ConfiguredConnector]:
    """List the saved connectors by name, without reading a secret."""
    found = [
        ConfiguredConnector(_name_of(each), _slug_of(each), each.data.get("enabled", True) is not False)
        for each in _saved_connectors({})
    ]
    return sorted(found, key=lambda connector: (connector.name, connector.connector_type))


def enabled_connectors() -> tuple[str, ...]:
    """Name the connectors that are saved and switched on, and whose names notifications can have."""
    found = (connector.name for connector in configured_connectors() if connector.enabled)
    return tuple(name for name in found if not explain_name(name))


def find_replay_approvals() -> frozenset[str]:
    """Name the connectors through which nothing is replayed without an approval; no secret is read."""
    return frozenset(
        _name_of(each) for each in _saved_connectors({}) if each.data.get("replay_approval") == "required"
    )


def _saved_connectors(condition: Mapping[str, object]) -> list[BlockDocument]:
    """Return the blocks of our types that meet a condition, without their secrets."""
    return _find(condition).documents


def _find(condition: Mapping[str, object]) -> FoundDocuments:
    slugs = (kind.get_block_type_slug() for kind in CONNECTORS.values())
    return find_documents(slugs, {"is_anonymous": {"eq_": False}, **condition})


def _name_of(document: BlockDocument) -> str:
    return document.name or ""


def _slug_of(document: BlockDocument) -> str:
    return document.block_type.slug if document.block_type else ""
