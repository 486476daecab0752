"""Secrets from files: those of connectors, and those of Prefect."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import Settings
from pydantic import BaseModel

from blocks.connector_plan import plan_connector
from rollback_drills.connectors.config_file import NamedEntry
from rollback_drills.connectors.entries import ENTRIES
from rollback_drills.redaction.secret_variables import OF_OTHERS

REQUIRED: dict[str, dict[str, Any]] = {
    "webhook": {},
    "slack": {},
    "teams": {},
    "jira": {"project": "OPS", "deployment": "cloud", "email": "robot@example.invalid"},
    "servicenow": {},
}
CREDENTIALS = [
    (kind, key)
    for kind in REQUIRED
    for key in ENTRIES[kind].from_environment
    if key not in ("user", "password", "email")
]
URLS = {
    "slack": "https://hooks.slack.com/services/T0123ABCD/B0456EFGH/s3cr3tTokenValue",
    "jira": "https://site.atlassian.net",
    "servicenow": "https://dev.service-now.com",
}


def entry(kind: str, **keys: str) -> NamedEntry:
    return NamedEntry("name", "$.connectors.name", kind, ENTRIES[kind].model_validate(REQUIRED[kind] | keys))


@pytest.mark.parametrize(("kind", "key"), CREDENTIALS)
def test_every_variable_of_a_connector_may_be_a_file(kind: str, key: str, tmp_path: Path) -> None:
    url = URLS.get(kind, "https://example.invalid/s3cr3t")
    keys = {"url": url, "token": "t0k3n"} if kind == "jira" else {"url": url}
    if kind == "servicenow" and key == "url":
        keys["token"] = "t0k3n"
    value = keys.pop(key, "whsec_czNjcjN0LXZhbHVlLW9mLTI0LWJ5dGVz")
    (tmp_path / "secret").write_text(f"{value}\n")
    named = entry(kind, **keys, **{f"{key}_env": "SOME_NAME"})

    problems: list[str] = []
    by_file = plan_connector(named, {"SOME_NAME_FILE": str(tmp_path / "secret")}, problems)
    by_variable = plan_connector(named, {"SOME_NAME": value}, problems)

    assert problems == []
    assert by_file is not None
    assert by_file == by_variable
    assert value in (*by_file.secrets.values(), *by_file.settings.values())


def test_a_connector_with_fields_of_its_own_takes_files_too(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef\n")
    named = NamedEntry(
        "name", "$.c", "pagerduty", ENTRIES["pagerduty"].model_validate({"routing_key_env": "KEY"})
    )

    problems: list[str] = []
    plan = plan_connector(named, {"KEY_FILE": str(tmp_path / "secret")}, problems)

    assert problems == []
    assert plan is not None
    assert plan.secrets == {"routing_key": "0123456789abcdef0123456789abcdef"}


def test_a_file_that_cannot_be_read_is_one_problem_of_its_key(tmp_path: Path) -> None:
    problems: list[str] = []
    named = entry("slack", url_env="SLACK_URL")

    assert plan_connector(named, {"SLACK_URL_FILE": str(tmp_path / "none")}, problems) is None
    (problem,) = problems
    assert problem.startswith("$.connectors.name.url_env: the file that SLACK_URL_FILE names cannot be read")


def find_secrets(model: type[BaseModel]) -> Iterator[str]:
    """Yield the variables of all settings of Prefect that are secrets."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from find_secrets(field.annotation)
        elif "Secret" in repr(field.annotation):
            yield f"{model.model_config.get('env_prefix', '')}{name}".upper()


def test_every_secret_among_the_settings_of_prefect_may_be_a_file() -> None:
    secrets = set(find_secrets(Settings))

    assert len(secrets) > 3
    assert secrets - set(OF_OTHERS) == set()
