"""Which connectors exist, and how one is found by the name of a provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument
from pydantic import ValidationError

from blocks.apprise_urls import AppriseConnector
from blocks.connector import Connector, ConnectorError
from blocks.datadog import DatadogConnector
from blocks.discord import DiscordConnector
from blocks.github_issues import GitHubIssuesConnector
from blocks.google_chat import GoogleChatConnector
from blocks.jira import JiraConnector
from blocks.jsm import JsmConnector
from blocks.mail import MailConnector
from blocks.mattermost import MattermostConnector
from blocks.pagerduty import PagerDutyConnector
from blocks.sentinel import SentinelConnector
from blocks.servicenow import ServiceNowConnector
from blocks.slack import SlackConnector
from blocks.slack_bot import SlackBotConnector
from blocks.splunk import SplunkConnector
from blocks.teams import TeamsConnector
from blocks.webhook import WebhookConnector
from rollback_drills.connector_config import connector_name

CONNECTORS: Final[Mapping[str, type[Connector]]] = {
    "webhook": WebhookConnector,
    "slack": SlackConnector,
    "teams": TeamsConnector,
    "jira": JiraConnector,
    "servicenow": ServiceNowConnector,
    "pagerduty": PagerDutyConnector,
    "jsm": JsmConnector,
    "splunk": SplunkConnector,
    "sentinel": SentinelConnector,
    "datadog": DatadogConnector,
    "email": MailConnector,
    "discord": DiscordConnector,
    "mattermost": MattermostConnector,
    "google-chat": GoogleChatConnector,
    "github": GitHubIssuesConnector,
    "slack-bot": SlackBotConnector,
    "apprise": AppriseConnector,
}
"""By the name of its type in a connector configuration."""


_PAGE: Final = 200  # the most that the Prefect server gives at once


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
    saved = _saved_connectors({"name": {"any_": [name]}}) if name.strip("-") else []
    found = [
        kind for each in saved for kind in CONNECTORS.values() if _slug_of(each) == kind.get_block_type_slug()
    ]
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
    connector.keep_secrets()
    if not connector.enabled:
        raise ConnectorError(f"the connector {name!r} is switched off; set `enabled` in its block to use it")
    return connector


def configured_connectors() -> list[ConfiguredConnector]:
    """List the saved connectors by name, without reading a secret."""
    found = [
        ConfiguredConnector(each.name or "", _slug_of(each), each.data.get("enabled", True) is not False)
        for each in _saved_connectors({})
    ]
    return sorted(found, key=lambda connector: (connector.name, connector.connector_type))


def enabled_connectors() -> tuple[str, ...]:
    """Name the connectors that are saved and switched on."""
    return tuple(connector.name for connector in configured_connectors() if connector.enabled)


def _saved_connectors(condition: dict[str, Any]) -> list[BlockDocument]:
    """Give the blocks of our types that meet a condition, without their secrets."""
    slugs = [kind.get_block_type_slug() for kind in CONNECTORS.values()]
    found: list[BlockDocument] = []
    with get_client(sync_client=True) as client:
        while len(found) % _PAGE == 0:
            page = client.request(
                "POST",
                "/block_documents/filter",
                json={
                    "block_documents": {"is_anonymous": {"eq_": False}, **condition},
                    "block_types": {"slug": {"any_": slugs}},
                    "include_secrets": False,
                    "limit": _PAGE,
                    "offset": len(found),
                },
            ).json()
            if not page:
                break
            found += BlockDocument.model_validate_list(page)
    return found


def _slug_of(document: BlockDocument) -> str:
    return document.block_type.slug if document.block_type else ""


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
