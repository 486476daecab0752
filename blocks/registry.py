"""Which connectors exist, and how one is found by the name of a provider."""

from dataclasses import dataclass
from typing import Final, cast

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from blocks.connector import Connector, ConnectorError
from blocks.jira import JiraConnector
from blocks.servicenow import ServiceNowConnector
from blocks.slack import SlackConnector
from blocks.teams import TeamsConnector
from blocks.webhook import WebhookConnector
from rollback_drills.connector_config import connector_name

CONNECTORS: Final[tuple[type[Connector], ...]] = (
    WebhookConnector,
    SlackConnector,
    TeamsConnector,
    JiraConnector,
    ServiceNowConnector,
)


@dataclass(frozen=True, slots=True)
class ConfiguredConnector:
    """A connector as it is saved on the Prefect server; its secrets were not read."""

    name: str
    connector_type: str
    """The slug of its block type."""
    enabled: bool


def load_connector(provider: str) -> Connector:
    """Load the connector of a provider with its secrets.

    It waits for the Prefect server, also when it is called in an event loop.

    Raises:
        ConnectorError: There is none, more than one, it is switched off, or it is not usable as configured.
    """
    name = connector_name(provider)
    found: list[type[Connector]] = []
    if name.strip("-"):
        with get_client(sync_client=True) as client:
            found = [connector_type for connector_type in CONNECTORS if _exists(client, name, connector_type)]
    if not found:
        raise ConnectorError(
            f"no connector named {name!r}; create one in the Prefect UI (Blocks)"
            " or with `drills connectors import FILE`"
        )
    if len(found) > 1:
        kinds = ", ".join(kind.get_block_type_slug() for kind in found)
        raise ConnectorError(
            f"more than one connector is named {name!r} ({kinds}); delete or rename all but one"
        )
    connector = _load(found[0], name)
    if not connector.enabled:
        raise ConnectorError(f"the connector {name!r} is switched off; set `enabled` in its block to use it")
    return connector


def configured_connectors() -> list[ConfiguredConnector]:
    """List the saved connectors by name, without reading a secret."""
    found = []
    with get_client(sync_client=True) as client:
        for connector_type in CONNECTORS:
            slug = connector_type.get_block_type_slug()
            try:
                client.read_block_type_by_slug(slug)
            except ObjectNotFound:
                continue  # no connector of this type was ever saved
            for document in client.read_block_documents_by_type(slug, include_secrets=False):
                enabled = document.data.get("enabled", True) is not False
                found.append(ConfiguredConnector(document.name or "", slug, enabled))
    return sorted(found, key=lambda connector: (connector.name, connector.connector_type))


def _exists(client: SyncPrefectClient, name: str, connector_type: type[Connector]) -> bool:
    try:
        client.read_block_document_by_name(name, connector_type.get_block_type_slug(), include_secrets=False)
    except ObjectNotFound:
        return False
    return True


def _load(connector_type: type[Connector], name: str) -> Connector:
    """Load a block that exists; what Prefect raises may quote its data, so nothing of it is kept."""
    try:
        # _sync: in an event loop `load` would return a coroutine
        loaded = connector_type.load(name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
        return cast("Connector", loaded)
    except RuntimeError as error:
        problem = _first_problem(error.__cause__)
    except ValidationError as error:
        problem = _first_problem(error)
    except httpx.HTTPStatusError as error:
        problem = (
            f"the Prefect server answered {error.response.status_code} for it; can it decrypt its blocks?"
        )
    raise ConnectorError(f"the connector {name!r} is not usable: {problem}")


def _first_problem(error: BaseException | None) -> str:
    if not isinstance(error, ValidationError):
        return "its block cannot be read; save it again"
    detail = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(map(str, detail["loc"]))
    if detail["type"] == "missing":
        return f"its {where} is missing; was the Secret block deleted? choose one in the block"
    return f"{where}: {detail['msg']}" if where else detail["msg"]
