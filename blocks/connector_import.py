"""Writes the connectors of a configuration file as Prefect blocks: all of them, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block
from prefect.blocks.system import Secret

from blocks.connector_plan import ConnectorPlan, plan_connector
from blocks.registry import configured_connectors
from rollback_drills.connectors.config_file import raise_problems, read_connector_config
from rollback_drills.errors.effects import note_effect


@dataclass(frozen=True, slots=True)
class ImportedConnector:
    """What was written for one connector."""

    name: str
    connector_type: str
    """The slug of its block type."""
    secret_blocks: tuple[str, ...]
    """The names of the Secret blocks to which it refers."""


def import_connectors(path: Path, environ: Mapping[str, str]) -> list[ImportedConnector]:
    """Save every connector of the file, its secrets as Secret blocks of their own.

    Blocks of the same names are overwritten. Nothing is saved unless everything is valid.

    Raises:
        UsageError: The file, or a variable it names, is not usable; the message holds no secret.
    """
    problems: list[str] = []
    found = [plan_connector(named, environ, problems) for named in read_connector_config(path)]
    plans = [plan for plan in found if plan is not None]
    if not found:
        problems.append("has no connector; add one")
    raise_problems(path, problems)
    existing = {connector.name: connector.connector_type for connector in configured_connectors()}
    problems += [
        f"{plan.name} is already the name of a {existing[plan.name]} block; delete that first"
        for plan in plans
        if existing.get(plan.name, plan.slug) != plan.slug
    ]
    raise_problems(path, problems)
    return [_save(plan) for plan in plans]


def _save(plan: ConnectorPlan) -> ImportedConnector:
    secrets: dict[str, Secret[Any]] = {}
    names = []
    for field, value in plan.secrets.items():
        name = f"{plan.name}-{field.replace('_', '-')}"
        secrets[field] = Secret(value=value)
        _save_block(secrets[field], name)
        names.append(name)
    _save_block(plan.build(secrets), plan.name)
    return ImportedConnector(plan.name, plan.slug, tuple(names))


def _save_block(block: Block, name: str) -> None:
    # _sync: in an event loop `save` would return a coroutine
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator adds it
    note_effect()
