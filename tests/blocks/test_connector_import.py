"""What an import leaves on a real Prefect server: references to secrets, and all of it or nothing."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client

from blocks.connector import ConnectorError
from blocks.connector_import import ImportedConnector, import_connectors
from blocks.pagerduty import PagerDutyConnector
from blocks.registry import (
    ConfiguredConnector,
    configured_connectors,
    enabled_connectors,
    find_unusable,
    load_connector,
)
from blocks.secret_fields import open_secret
from blocks.servicenow import ServiceNowConnector
from blocks.slack import SlackConnector
from blocks.webhook import WebhookConnector
from rollback_drills.errors import UsageError

URL = "https://hooks.slack.com/services/T0123ABCD/B0456EFGH/s3cr3tTokenValue"
ENVIRON = {"SLACK_URL": URL, "TOKEN": "1e5", "EMPTY": ""}
FILE: dict[str, Any] = {
    "slack": {"url_env": "SLACK_URL", "title": "[DRILLS]"},
    "Ops.Hook": {
        "url": "https://example.invalid/hooks/s3cr3t-key-01",
        "token_env": "TOKEN",
        "headers": {"X-Team": "s3cr3t-header"},
        "method": "put",
    },
    "jira": {
        "url": "https://site.atlassian.net",
        "email": "robot@example.invalid",
        "token_env": "TOKEN",
        "project": "OPS",
        "deployment": "cloud",
    },
    "servicenow": {"url": "https://dev.service-now.com", "api_key_env": "TOKEN"},
    "off": {"type": "teams", "url": "https://example.invalid/flow", "enabled": False},
}


@pytest.fixture(scope="module")
def imported(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> list[ImportedConnector]:
    """Import the whole file once; the tests that change something make connectors of their own."""
    del prefect_server
    path = tmp_path_factory.mktemp("import") / "connectors.json"
    path.write_text(json.dumps({"connectors": FILE}))
    return import_connectors(path, ENVIRON)


@pytest.fixture
def import_entries(
    prefect_server: None, tmp_path: Path
) -> Callable[[dict[str, Any]], list[ImportedConnector]]:
    """Import a file with these entries."""
    del prefect_server

    def run(entries: dict[str, Any]) -> list[ImportedConnector]:
        path = tmp_path / "connectors.json"
        path.write_text(json.dumps({"connectors": entries}))
        return import_connectors(path, ENVIRON)

    return run


Import = Callable[[dict[str, Any]], list[ImportedConnector]]
Imported = list[ImportedConnector]


def saved_names() -> set[str]:
    with get_client(sync_client=True) as client:
        return {document.name or "" for document in client.read_block_documents(include_secrets=False)}


def test_a_file_without_connectors_is_refused(import_entries: Import) -> None:
    with pytest.raises(UsageError, match=r"connectors\.json: has no connector; add one"):
        import_entries({})


def test_says_what_it_wrote(imported: Imported) -> None:
    assert [(connector.name, connector.secret_blocks) for connector in imported] == [
        ("slack", ("slack-url",)),
        ("ops-hook", ("ops-hook-url", "ops-hook-authorization", "ops-hook-headers")),
        ("jira", ("jira-token",)),
        ("servicenow", ("servicenow-credential",)),
        ("off", ("off-url",)),
    ]


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize(
    ("name", "slug", "fields"),
    [
        ("slack", "rollback-drills-slack-webhook", {"url"}),
        ("jira", "rollback-drills-jira", {"token"}),
        ("servicenow", "rollback-drills-servicenow", {"credential"}),
        ("ops-hook", "rollback-drills-webhook", {"url", "authorization", "headers"}),
    ],
)
def test_a_connector_refers_to_its_secrets_and_holds_none(name: str, slug: str, fields: set[str]) -> None:
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name(name, slug)
    found = document.block_document_references
    expected = {field: f"{name}-{field}" for field in fields}
    assert {field: found[field]["block_document"]["name"] for field in found} == expected
    # The server fills in what the Secret blocks hold; without those keys nothing secret is left.
    own = json.dumps({key: value for key, value in document.data.items() if key not in found})
    assert "s3cr3t" not in own
    assert "1e5" not in own


@pytest.mark.usefixtures("imported")
def test_a_loaded_connector_opens_its_secrets_as_they_were_given() -> None:
    slack = load_connector("Slack")
    assert isinstance(slack, SlackConnector)
    assert (open_secret(slack.url), slack.title, slack.name) == (URL, "[DRILLS]", "slack")
    hook = load_connector("ops.hook")
    assert isinstance(hook, WebhookConnector)
    assert hook.authorization is not None
    assert (open_secret(hook.authorization), hook.method) == ("1e5", "PUT")
    servicenow = load_connector("servicenow")
    assert isinstance(servicenow, ServiceNowConnector)
    assert servicenow.authentication == "api-key"


@pytest.mark.usefixtures("imported")
def test_lists_the_connectors_without_their_secrets() -> None:
    listed = configured_connectors()
    assert listed == sorted(listed, key=lambda connector: connector.name)
    assert {
        ConfiguredConnector("jira", "rollback-drills-jira", enabled=True),
        ConfiguredConnector("off", "rollback-drills-teams-workflow", enabled=False),
        ConfiguredConnector("ops-hook", "rollback-drills-webhook", enabled=True),
        ConfiguredConnector("servicenow", "rollback-drills-servicenow", enabled=True),
        ConfiguredConnector("slack", "rollback-drills-slack-webhook", enabled=True),
    } <= set(listed)


@pytest.mark.usefixtures("imported")
def test_a_connector_that_is_switched_off_says_so() -> None:
    with pytest.raises(ConnectorError, match="'off' is disabled"):
        load_connector("off")


@pytest.mark.usefixtures("imported")
def test_loads_in_an_event_loop_too() -> None:
    async def load() -> str:
        return load_connector("slack").name

    assert asyncio.run(load()) == "slack"


@pytest.mark.usefixtures("imported")
def test_a_name_cannot_change_its_type(import_entries: Import) -> None:
    with pytest.raises(UsageError, match="already the name of a rollback-drills-slack-webhook block"):
        import_entries({"slack": {"type": "webhook", "url": "https://example.invalid"}})


def test_a_changed_secret_is_used_at_the_next_load(import_entries: Import) -> None:
    import_entries({"changed": FILE["slack"] | {"type": "slack"}})
    Secret(value=URL + "2").save("changed-url", overwrite=True)
    slack = load_connector("changed")
    assert isinstance(slack, SlackConnector)
    assert open_secret(slack.url) == URL + "2"


def test_a_second_import_replaces_the_first(import_entries: Import) -> None:
    import_entries({"replaced": FILE["Ops.Hook"]})
    import_entries({"replaced": {"url": "https://example.invalid/other-key-01"}})
    hook = load_connector("replaced")
    assert isinstance(hook, WebhookConnector)
    assert open_secret(hook.url) == "https://example.invalid/other-key-01"
    assert hook.authorization is None
    assert hook.headers is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"url_env": "NOT_SET"}, "url_env names the variable NOT_SET, which is not set", id="not set"
        ),
        pytest.param(
            {"url_env": "EMPTY"},
            "url_env names the variable EMPTY, which is not set, or is empty",
            id="empty",
        ),
        pytest.param({"url": "http://example.invalid/s3cr3t"}, "must be https", id="plain http"),
        pytest.param({"url": "https://s3cr3t host/"}, "is not a valid URL", id="no url"),
        pytest.param(
            {"type": "teams", "url": "https://x.webhook.office.com/s3cr3t"}, "retired", id="retired"
        ),
        pytest.param({"url": "https://example.invalid", "method": "GET"}, "method", id="method"),
        pytest.param(
            {"url": "https://example.invalid", "signing_secret": "s3cr3t!"},
            "whsec_ and base64",
            id="signing secret",
        ),
        pytest.param({**FILE["jira"], "type": "jira", "email": None}, "requires the email", id="no email"),
    ],
)
def test_nothing_is_saved_unless_all_is_valid(
    import_entries: Import, change: dict[str, Any], message: str
) -> None:
    before = saved_names()
    with pytest.raises(UsageError) as caught:
        import_entries({"good": {"url": "https://example.invalid"}, "bad": change})
    assert message in str(caught.value)
    assert "connectors.json: $.connectors.bad" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert saved_names() == before


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("provider", ["nobody", "", " "])
def test_an_unknown_connector_says_how_to_make_one(provider: str) -> None:
    with pytest.raises(ConnectorError, match=r"no connector named '[a-z-]*'; create one in the Prefect UI"):
        load_connector(provider)


@pytest.mark.usefixtures("imported")
def test_an_unknown_connector_suggests_the_one_that_may_be_meant() -> None:
    for name in ("slak", "../slack"):
        with pytest.raises(ConnectorError, match=r"named '.*'; did you mean 'slack'\? If not, create one in"):
            load_connector(name)


@pytest.mark.usefixtures("imported")
def test_a_deleted_secret_names_the_field(import_entries: Import) -> None:
    import_entries({"orphan": FILE["slack"] | {"type": "slack"}})
    Secret.delete("orphan-url")
    with pytest.raises(
        ConnectorError, match="'orphan' is not usable: its url is missing; was the Secret"
    ) as caught:
        load_connector("orphan")
    assert caught.value.__cause__ is None
    assert load_connector("jira").enabled, "the others still work"


def test_a_secret_that_became_unusable_is_told_without_it(import_entries: Import) -> None:
    import_entries({"spoiled": FILE["slack"] | {"type": "slack"}})
    Secret(value="http://example.invalid/s3cr3t").save("spoiled-url", overwrite=True)
    with pytest.raises(ConnectorError, match="must be https") as caught:
        load_connector("spoiled")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.usefixtures("prefect_server")
def test_a_connector_whose_name_no_notification_can_have_is_left_out_and_named() -> None:
    name = "h" * 201
    SlackConnector(url=Secret(value=URL)).save(name)

    assert name not in enabled_connectors()
    assert find_unusable()[name] == "it has a name of 201 characters; write at most 200"
    with pytest.raises(ConnectorError, match="is not usable: it has a name of 201 characters"):
        load_connector(name)


@pytest.mark.usefixtures("prefect_server")
def test_two_connectors_of_one_name_are_refused() -> None:
    secret: Secret[str] = Secret(value="https://example.invalid/hook")
    SlackConnector(url=secret).save("twice")
    WebhookConnector(url=secret).save("twice")
    with pytest.raises(ConnectorError, match="more than one connector is named 'twice'"):
        load_connector("twice")


def test_takes_the_keys_of_a_further_type_for_the_fields_of_its_block(
    import_entries: Callable[[dict[str, Any]], list[ImportedConnector]],
) -> None:
    (imported,) = import_entries(
        {
            "on-call": {
                "type": "pagerduty",
                "routing_key_env": "SLACK_URL",
                "event_type": "alert",
                "title": "[DRILL]",
            }
        }
    )

    assert imported == ImportedConnector("on-call", "rollback-drills-pagerduty", ("on-call-routing-key",))
    connector = load_connector("on-call")
    assert isinstance(connector, PagerDutyConnector)
    assert open_secret(connector.routing_key) == URL
    assert (connector.event_type, connector.title) == ("alert", "[DRILL]")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param({"routing_kee": "x"}, "did you mean 'routing_key'?", id="a typo"),
        pytest.param(
            {"token": "x"},
            "token is an unknown key; known are enabled, replay_approval, routing_key, event_type, api_url",
            id="a key of another type",
        ),
        pytest.param({"routing_key_env": "UNSET"}, "names the variable UNSET, which is not set", id="unset"),
        pytest.param(
            {"routing_key": "x", "routing_key_env": "SLACK_URL"}, "are both given; remove one", id="both"
        ),
        pytest.param(
            {"routing_key_env": "s3cr3t+key/0123456789"}, "not a value", id="the secret in place of a name"
        ),
        pytest.param({}, "routing_key is missing", id="nothing"),
        pytest.param({"routing_key": "x", "event_type": "page"}, "event_type must be '", id="a choice"),
    ],
)
def test_refuses_an_entry_of_a_further_type_in_one_line_without_its_secret(
    import_entries: Callable[[dict[str, Any]], list[ImportedConnector]], entry: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError) as caught:
        import_entries({"refused": {"type": "pagerduty", **entry}})

    assert problem in str(caught.value)
    assert "$.connectors.refused" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert "refused" not in {each.name for each in configured_connectors()}
