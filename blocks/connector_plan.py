"""Turns an entry of a connector configuration into the settings and secrets of a block."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect.blocks.system import Secret
from pydantic import ValidationError

from blocks.connector import Connector
from blocks.registry import CONNECTORS
from blocks.secret_fields import is_secret
from rollback_drills.connectors.config_file import NamedEntry, explain_unknown_key
from rollback_drills.connectors.entries import BlockEntry, is_variable_name
from rollback_drills.errors import UsageError
from rollback_drills.redaction.redactor import remember_secrets
from rollback_drills.redaction.secret_variables import find_secret
from rollback_drills.rendering.invalid_value import explain_invalid


@dataclass(frozen=True, slots=True)
class ConnectorPlan:
    """A connector that can be saved: its settings, and the values of its secrets by field."""

    name: str
    connector_type: type[Connector]
    settings: Mapping[str, object]
    secrets: Mapping[str, str]

    @property
    def slug(self) -> str:
        """The slug of its block type."""
        return self.connector_type.get_block_type_slug()

    def build(self, secrets: "Mapping[str, Secret[Any]]") -> Connector:
        """Build the block with the Secret blocks of its fields."""
        fields: dict[str, Any] = {**self.settings, **secrets}
        return self.connector_type(**fields)


def plan_connector(
    named: NamedEntry, environ: Mapping[str, str], problems: list[str]
) -> ConnectorPlan | None:
    """Return what to save for an entry, or None if it has problems, which are added to the list."""
    found: list[str] = []
    entry = named.entry
    environ = _open_variables(named, environ, found)
    if found:
        problems += found
        return None
    if isinstance(entry, BlockEntry):
        plan = _plan_block(named, entry, environ, found)
    else:
        for key in entry.from_environment:
            variable = getattr(entry, f"{key}_env")
            if variable and not entry.value(key, environ):
                found.append(_unset(named, key, variable))
        values = entry.values(environ)
        plan = ConnectorPlan(
            named.name, CONNECTORS[named.kind], entry.settings(values), entry.secrets(values)
        )
    remember_secrets(plan.secrets.values(), is_whole=True)
    if not found:
        found = [f"{named.path}: {problem}" for problem in _try_out(plan)]
    problems += found
    return None if found else plan


def _open_variables(named: NamedEntry, environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Return the variables that the entry names, with what is in their files."""
    opened = {}
    for key, name in named.entry.model_dump(exclude_unset=True).items():
        if key.endswith("_env") and is_variable_name(name):
            try:
                opened[name] = find_secret(environ, name) or ""
            except UsageError as error:
                problems.append(f"{named.path}.{key}: {error}")
    return opened


def _unset(named: NamedEntry, key: str, variable: str) -> str:
    return f"{named.path}.{key}_env names the variable {variable}, which is not set, or is empty"


def _plan_block(
    named: NamedEntry, entry: BlockEntry, environ: Mapping[str, str], problems: list[str]
) -> ConnectorPlan:
    """Use the keys of the entry as the fields of the block."""
    connector_type = CONNECTORS[named.kind]
    fields = connector_type.model_fields
    settings: dict[str, object] = {}
    secrets: dict[str, str] = {}
    for key, value in entry.model_dump(exclude_unset=True, exclude={"type"}).items():
        name = key if key in fields else key.removesuffix("_env")
        if name not in fields:
            problems.append(f"{named.path}.{key} {explain_unknown_key(key, fields)}")
        elif name in settings or name in secrets:
            problems.append(f"{named.path}.{name} and {name}_env are both given; remove one")
        elif name != key and not is_variable_name(value):
            problems.append(f"{named.path}.{key} must be the name of an environment variable, not a value")
        elif name != key and not environ.get(value):
            problems.append(_unset(named, name, value))
        else:
            given = environ[value] if name != key else value
            (secrets if is_secret(fields[name]) else settings)[name] = given
    return ConnectorPlan(named.name, connector_type, settings, secrets)


def _try_out(plan: ConnectorPlan) -> list[str]:
    """Build the connector in memory, where its own rules are checked."""
    try:
        plan.build({field: Secret(value=value) for field, value in plan.secrets.items()})
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        return [f"{'.'.join(map(str, each['loc']))} {explain_invalid(each)}".strip() for each in details]
    return []
