"""Which connectors exist, and how one is found by the name of a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument

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
from blocks.saved_block import open_connector
from blocks.sentinel import SentinelConnector
from blocks.servicenow import ServiceNowConnector
from blocks.slack import SlackConnector
from blocks.slack_bot import SlackBotConnector
from blocks.splunk import SplunkConnector
from blocks.teams import TeamsConnector
from blocks.webhook import WebhookConnector
from rollback_drills.connectors.config_file import connector_name

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
    found = _find_saved(name)
    if not found:
        raise ConnectorError(
            f"no connector named {name!r}; create one in the Prefect UI (Blocks)"
            " or with `drills connectors import FILE`"
        )
    opened = _open_only_one(found)
    if isinstance(opened, str):
        raise ConnectorError(f"the connector {name!r} is not usable: {opened}")
    opened.keep_secrets()
    if not opened.enabled:
        raise ConnectorError(f"the connector {name!r} is switched off; set `enabled` in its block to use it")
    return opened


def find_unusable() -> dict[str, str]:
    """Return, by name, why a saved connector cannot be used; every one is opened with its secrets."""
    by_name = groupby(sorted(_saved_connectors({}), key=_name_of), key=_name_of)
    opened = {name: _open_only_one(list(found)) for name, found in by_name}
    return {name: problem for name, problem in opened.items() if isinstance(problem, str)}


def _find_saved(name: str) -> list[BlockDocument]:
    return _saved_connectors({"name": {"any_": [name]}}) if name.strip("-") else []


def _open_only_one(found: Sequence[BlockDocument]) -> Connector | str:
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


def _name_of(document: BlockDocument) -> str:
    return document.name or ""


def _slug_of(document: BlockDocument) -> str:
    return document.block_type.slug if document.block_type else ""
