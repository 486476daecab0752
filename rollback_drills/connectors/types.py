"""The connector types: what `type` in a connector configuration may say, and which block serves it."""

from collections.abc import Mapping
from typing import Final

ALL_CONNECTORS: Final = "all"
"""What stands for every connector, where a list of providers is asked for."""

CONNECTOR_TYPES: Final[Mapping[str, str]] = {
    "webhook": "blocks.webhook:WebhookConnector",
    "slack": "blocks.slack:SlackConnector",
    "teams": "blocks.teams:TeamsConnector",
    "jira": "blocks.jira:JiraConnector",
    "servicenow": "blocks.servicenow:ServiceNowConnector",
    "pagerduty": "blocks.pagerduty:PagerDutyConnector",
    "jsm": "blocks.jsm:JsmConnector",
    "splunk": "blocks.splunk:SplunkConnector",
    "sentinel": "blocks.sentinel:SentinelConnector",
    "datadog": "blocks.datadog:DatadogConnector",
    "email": "blocks.mail:MailConnector",
    "discord": "blocks.discord:DiscordConnector",
    "mattermost": "blocks.mattermost:MattermostConnector",
    "google-chat": "blocks.google_chat:GoogleChatConnector",
    "github": "blocks.github_issues:GitHubIssuesConnector",
    "slack-bot": "blocks.slack_bot:SlackBotConnector",
    "apprise": "blocks.apprise_urls:AppriseConnector",
}
"""By type: the class of its block. A path, because rules need the names without importing Prefect."""
ITEM_TYPES: Final = frozenset({"jira", "servicenow", "pagerduty", "jsm", "github"})
"""The types that open an item, such as a ticket or an incident, which somebody has to close."""
CONTRACT_TYPES: Final = ("webhook", "slack", "teams", "jira", "servicenow")
"""The types that CAVRA knows (contract §1); their entries have its keys."""
FURTHER_TYPES: Final = tuple(name for name in CONNECTOR_TYPES if name not in CONTRACT_TYPES)
"""The types whose entries have the keys of their block."""
