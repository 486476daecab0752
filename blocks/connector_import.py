"""Writes the connectors of a configuration file as Prefect blocks: all of them, or none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from pydantic import ValidationError

from blocks.connector import Connector
from blocks.jira import JiraConnector
from blocks.registry import configured_connectors
from blocks.servicenow import ServiceNowConnector
from blocks.slack import SlackConnector
from blocks.teams import TeamsConnector
from blocks.webhook import WebhookConnector
from rollback_drills.connector_config import NamedEntry, raise_problems, read_connector_config
from rollback_drills.connector_entries import (
    Entry,
    JiraEntry,
    ServiceNowEntry,
    SlackEntry,
    TeamsEntry,
    WebhookEntry,
)


@dataclass(frozen=True, slots=True)
class ImportedConnector:
    """What was written for one connector."""

    name: str
    connector_type: str
    """The slug of its block type."""
    secret_blocks: tuple[str, ...]
    """The names of the Secret blocks to which it refers."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A connector that can be saved: its settings, and the values of its secrets by field."""

    name: str
    connector_type: type[Connector]
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]

    @property
    def slug(self) -> str:
        return self.connector_type.get_block_type_slug()


def import_connectors(path: Path, environ: Mapping[str, str]) -> list[ImportedConnector]:
    """Save every connector of the file, its secrets as Secret blocks of their own.

    Blocks of the same names are overwritten. Nothing is saved unless everything is valid.

    Raises:
        UsageError: The file, or a variable it names, is not usable; the message holds no secret.
    """
    problems: list[str] = []
    plans = [_plan(named, environ, problems) for named in read_connector_config(path)]
    raise_problems(path, problems)
    existing = {connector.name: connector.connector_type for connector in configured_connectors()}
    problems += [
        f"{plan.name} is already the name of a {existing[plan.name]} block; delete that first"
        for plan in plans
        if existing.get(plan.name, plan.slug) != plan.slug
    ]
    raise_problems(path, problems)
    return [_save(plan) for plan in plans]


def _plan(named: NamedEntry, environ: Mapping[str, str], problems: list[str]) -> _Plan:
    entry = named.entry
    missing = [
        key
        for key in entry.from_environment
        if getattr(entry, f"{key}_env") and not entry.value(key, environ)
    ]
    for key in missing:
        variable = getattr(entry, f"{key}_env")
        problems.append(f"{named.path}.{key}_env names the variable {variable}, which is not set or empty")
    plan = _describe(named.name, entry, environ)
    if not missing:
        problems += [f"{named.path}: {problem}" for problem in _try_out(plan)]
    return plan


def _describe(name: str, entry: Entry, environ: Mapping[str, str]) -> _Plan:
    values = {key: entry.value(key, environ) or "" for key in entry.from_environment}
    common = {"enabled": entry.enabled, "title": entry.title}
    match entry:
        case SlackEntry():
            return _Plan(name, SlackConnector, common, {"url": values["url"]})
        case TeamsEntry():
            return _Plan(name, TeamsConnector, common, {"url": values["url"]})
        case JiraEntry():
            settings = entry.model_dump(
                include={"project", "deployment", "issue_type", "labels", "extra_fields"}
            )
            settings |= common | {"site_url": values["url"], "email": values["email"]}
            return _Plan(name, JiraConnector, settings, {"token": values["token"]})
        case ServiceNowEntry():
            settings = entry.model_dump(include={"table", "extra_fields"})
            kinds = {"password": "basic", "token": "bearer", "api_key": "api-key"}
            key = next(key for key in kinds if values[key] or getattr(entry, f"{key}_env"))
            settings |= common | {
                "site_url": values["url"],
                "user": values["user"],
                "authentication": kinds[key],
            }
            return _Plan(name, ServiceNowConnector, settings, {"credential": values[key]})
        case WebhookEntry():
            return _describe_webhook(name, entry, values)
    raise TypeError(type(entry))


def _describe_webhook(name: str, entry: WebhookEntry, values: Mapping[str, str]) -> _Plan:
    settings = {
        "enabled": entry.enabled,
        "method": entry.method.upper(),
        "authorization_scheme": entry.authorization_scheme,
        "api_key_header": entry.api_key_header,
    }
    secrets = {
        "url": values["url"],
        "authorization": values["authorization"] or values["token"],
        "api_key": values["api_key"],
        "signing_secret": values["signing_secret"],
        "headers": json.dumps(entry.headers) if entry.headers else "",
    }
    return _Plan(
        name, WebhookConnector, settings, {field: value for field, value in secrets.items() if value}
    )


def _try_out(plan: _Plan) -> list[str]:
    """Build the connector in memory, where its own rules are checked."""
    secrets: dict[str, Any] = {field: Secret(value=value) for field, value in plan.secrets.items()}
    try:
        plan.connector_type(**plan.settings, **secrets)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        return [f"{'.'.join(map(str, detail['loc']))} {detail['msg']}".strip() for detail in details]
    return []


def _save(plan: _Plan) -> ImportedConnector:
    secrets: dict[str, Any] = {}
    names = []
    for field, value in plan.secrets.items():
        name = f"{plan.name}-{field.replace('_', '-')}"
        secrets[field] = Secret(value=value)
        _save_block(secrets[field], name)
        names.append(name)
    _save_block(plan.connector_type(**plan.settings, **secrets), plan.name)
    return ImportedConnector(plan.name, plan.slug, tuple(names))


def _save_block(block: Block, name: str) -> None:
    # _sync: in an event loop `save` would return a coroutine
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
