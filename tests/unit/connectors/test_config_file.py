"""A connector file is read strictly, and its errors name the place and never a value."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.connectors.config_file import connector_name, connector_names, read_connector_config
from rollback_drills.connectors.entries import (
    JiraEntry,
    ServiceNowEntry,
    SlackEntry,
    TeamsEntry,
    WebhookEntry,
)
from rollback_drills.errors import UsageError

JIRA = {
    "url": "https://site.atlassian.net",
    "project": "OPS",
    "deployment": "cloud",
    "token_env": "JIRA_TOKEN",
}
SERVICENOW = {"url": "https://dev.service-now.com", "user": "robot", "password_env": "SN_PASSWORD"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "connectors.json"


def write(config: Path, entries: dict[str, Any], group: str = "connectors") -> Path:
    config.write_text(json.dumps({group: entries}))
    return config


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("slack", {"url_env": "U"}, SlackEntry),
        ("Teams", {"url_env": "U"}, TeamsEntry),
        ("msteams", {"url_env": "U"}, TeamsEntry),
        ("jira", JIRA, JiraEntry),
        ("servicenow", SERVICENOW, ServiceNowEntry),
        ("webhook", {"url_env": "U"}, WebhookEntry),
        ("pagerduty", {"url_env": "U"}, WebhookEntry),
        ("ops-chat", {"type": "slack", "url_env": "U"}, SlackEntry),
        ("jira", {"type": "webhook", "url_env": "U"}, WebhookEntry),
    ],
)
def test_the_type_comes_from_the_entry_else_from_the_name(
    config: Path, name: str, entry: dict[str, Any], expected: type
) -> None:
    (named,) = read_connector_config(write(config, {name: entry}))
    assert type(named.entry) is expected


@pytest.mark.parametrize("group", ["connectors", "providers"])
def test_names_the_enabled_connectors_in_their_order(config: Path, group: str) -> None:
    entries = {
        "Slack": {"url_env": "NOT_SET_ANYWHERE"},
        "off": {"url": "https://example.invalid", "enabled": False},
        "ops.hook": {"url": "https://example.invalid", "title": "kept from older files"},
    }
    assert connector_names(write(config, entries, group)) == ["slack", "ops-hook"]


@pytest.mark.parametrize(
    ("written", "name"),
    [("Slack", "slack"), ("ops.team_1", "ops-team-1"), ("  a b ", "a-b"), ("Ünï", "-n-")],
)
def test_a_name_keeps_only_what_prefect_allows(written: str, name: str) -> None:
    assert connector_name(written) == name


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param(
            {"hook": {"urll": "https://s3cr3t.invalid"}},
            "$.connectors.hook.urll is an unknown key; did you mean 'url'",
            id="typo",
        ),
        pytest.param(
            {"slack": {"url": "x", "project": "OPS"}},
            "$.connectors.slack.project is an unknown",
            id="alien key",
        ),
        pytest.param(
            {"hook": {"url": "s3cr3t", "url_env": "U"}}, "url and url_env are both given", id="both"
        ),
        pytest.param({"hook": {}}, '$.connectors.hook has no url; add "url"', id="no url"),
        pytest.param({"hook": {"url": 7}}, "$.connectors.hook.url must be a text", id="number"),
        pytest.param(
            {"hook": {"url": "x", "enabled": "yes"}}, "$.connectors.hook.enabled must be", id="no bool"
        ),
        pytest.param(
            {"hook": {"url": "x", "headers": {"X": 1}}}, "$.connectors.hook.headers.X must be", id="header"
        ),
        pytest.param({"hook": "s3cr3t"}, "$.connectors.hook must be a JSON object", id="text"),
        pytest.param(
            {"hook": {"type": "s3cr3t"}}, "$.connectors.hook.type must be one of webhook", id="type"
        ),
        pytest.param({"hook": {"type": "slak"}}, '; did you mean "slack"?', id="typo in the type"),
        pytest.param({"sla\u200bck": {}}, "holds an invisible character (U+200B)", id="invisible character"),
        pytest.param({"sla\nck": {}}, "holds a control character (U+000A)", id="line break"),
        pytest.param({"sl\ud800": {}}, "holds half of a surrogate pair", id="half a character"),
        pytest.param(
            {"hook": {"type": ["s3cr3t"]}}, "$.connectors.hook.type must be one of webhook", id="type list"
        ),
        pytest.param(
            {"hook": {"url_env": "https://s3cr3t.invalid"}},
            "must be the name of an environment variable",
            id="value",
        ),
        pytest.param(
            {"hook": {"url_env": "ghp_s3cr3t0123456789abcdef"}}, "must be the name of an", id="token as name"
        ),
        pytest.param(
            {"jira": {**JIRA, "project": None}},
            '$.connectors.jira has no project; add "project", or set "type": "webhook"',
            id="jira without project",
        ),
        pytest.param({"jira": {"url": "x"}}, "has no token", id="jira without token"),
        pytest.param({"servicenow": {"url": "x"}}, "has no password or token or api_key", id="no credential"),
        pytest.param(
            {"servicenow": {**SERVICENOW, "token": "s3cr3t"}},
            "has more than one of password",
            id="two credentials",
        ),
        pytest.param(
            {"hook": {"url": "x", "token": "s3cr3t", "authorization": "s3cr3t"}},
            "both token and",
            id="two tokens",
        ),
        pytest.param(
            {"a.b": {"url": "x"}, "a-b": {"url": "x"}}, "the same name as another connector (a-b)", id="names"
        ),
        pytest.param({"..": {"url": "x"}}, "a name without letters", id="no name"),
        pytest.param(
            {"h" * 201: {"url": "x"}}, "has a name of 201 characters; write at most 200", id="long name"
        ),
        pytest.param({"All": {"url": "x"}}, "the name that stands for all connectors; rename it", id="all"),
        pytest.param({"xoxb-s3cr3t": {"bad": 1}}, "a key that must not be shown", id="secret as name"),
    ],
)
def test_an_error_names_file_and_place_and_no_value(
    config: Path, entries: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read_connector_config(write(config, entries))
    text = str(caught.value)
    assert text.startswith(f"{config}: ")
    assert message in text
    assert "s3cr3t" not in text
    assert "\n" not in text


def test_names_the_key_that_was_probably_meant(config: Path) -> None:
    with pytest.raises(UsageError, match=r"is an unknown key; did you mean 'authorization_env'\?"):
        read_connector_config(write(config, {"hook": {"url": "x", "autorization_env": "A"}}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; a JSON object is needed"),
        (
            '{"schedule_id": "a", "owners": []}',
            'connectors.json: $ needs exactly one of the keys "connectors"',
        ),
        ('{"connectors": {,}}', "is not JSON: a comma before the closing bracket (remove it)"),
        ("[]", "must be a JSON object"),
        ("{}", "needs exactly one of"),
        ('{"connectors": {}, "providers": {}}', "needs exactly one of"),
        ('{"connectors": []}', "must be a JSON object of connectors"),
        ('{"conectors": {}}', "$.conectors is an unknown key; did you mean 'connectors'?"),
        (
            '{"connectors": {"a": {"url": "x"}, "a": {"url": "y"}}}',
            "$.connectors.a is there twice, at line 1 column 17 and line 1 column 36",
        ),
        ('{"connectors": {}, "x": 1}', "$.x is an unknown key; known are connectors, providers"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(config: Path, text: str, message: str) -> None:
    config.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_connector_config(config)
    assert message in str(caught.value)


def test_bytes_that_are_no_text_are_refused(config: Path) -> None:
    config.write_bytes(b"\xff\xfe{}")
    with pytest.raises(UsageError, match="UTF-8"):
        read_connector_config(config)


def test_a_missing_file_is_named(config: Path) -> None:
    with pytest.raises(UsageError, match="does not exist; create the file, or fix the path"):
        connector_names(config)


def test_many_problems_are_told_at_once(config: Path) -> None:
    with pytest.raises(UsageError, match="and 3 more"):
        read_connector_config(write(config, {f"hook{number}": {} for number in range(8)}))


@pytest.mark.slow
def test_reading_does_not_import_prefect() -> None:
    code = (
        "import sys, rollback_drills.connectors.config_file; print({'prefect', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_entry_that_lacks_its_type_is_told_how_to_name_it(tmp_path: Path) -> None:
    path = tmp_path / "connectors.json"
    path.write_text(json.dumps({"connectors": {"pagerduty": {"routing_key_env": "KEY"}}}))

    with pytest.raises(UsageError, match='is read as a webhook; for pagerduty add "type": "pagerduty"'):
        read_connector_config(path)


def test_a_device_without_an_end_is_refused() -> None:
    with pytest.raises(UsageError, match="is larger than a connector configuration can be"):
        read_connector_config(Path("/dev/zero"))
