"""The names of the connector types: what `type` in a connector configuration may say."""

from typing import Final

CONTRACT_TYPES: Final = ("webhook", "slack", "teams", "jira", "servicenow")
"""Those of the system that this one takes over from (contract §1); their entries have its keys."""
FURTHER_TYPES: Final = (
    *("pagerduty", "jsm", "splunk", "sentinel", "datadog", "email", "discord", "mattermost"),
    *("google-chat", "github", "slack-bot", "apprise"),
)
"""Those whose entries have the keys of their block."""
CONNECTOR_TYPES: Final = CONTRACT_TYPES + FURTHER_TYPES
