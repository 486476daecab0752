"""The import paths of the connectors, which code outside of this project uses."""

import re
from importlib import import_module

import pytest

from blocks.connector import Connector
from blocks.registry import CONNECTORS

PATHS = (
    "blocks.apprise_urls.AppriseConnector",
    "blocks.datadog.DatadogConnector",
    "blocks.discord.DiscordConnector",
    "blocks.github_issues.GitHubIssuesConnector",
    "blocks.google_chat.GoogleChatConnector",
    "blocks.jira.JiraConnector",
    "blocks.jsm.JsmConnector",
    "blocks.mail.MailConnector",
    "blocks.mattermost.MattermostConnector",
    "blocks.pagerduty.PagerDutyConnector",
    "blocks.sentinel.SentinelConnector",
    "blocks.servicenow.ServiceNowConnector",
    "blocks.slack.SlackConnector",
    "blocks.slack_bot.SlackBotConnector",
    "blocks.splunk.SplunkConnector",
    "blocks.teams.TeamsConnector",
    "blocks.webhook.WebhookConnector",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_once_published_still_gives_the_connector(path: str) -> None:
    module, _, name = path.rpartition(".")
    found = getattr(import_module(module), name)
    assert issubclass(found, Connector)
    assert found in CONNECTORS.values()


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_the_code_example_of_a_block_imports_that_block(connector: type[Connector]) -> None:
    example = re.search(r"from ([\w.]+) import (\w+)", connector.get_code_example() or "")
    assert example is not None
    assert getattr(import_module(example[1]), example[2]) is connector
