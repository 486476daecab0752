"""Finds out what kind of document a JSON object is meant to be."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

import msgspec

from rollback_drills.documents.changes import CHANGES_SCHEMA, Changes
from rollback_drills.documents.expectations import EXPECTATIONS_SCHEMA, Expectations
from rollback_drills.documents.fields import Document
from rollback_drills.documents.fleets.history_pairs import find_kind
from rollback_drills.documents.history import History
from rollback_drills.documents.promotion import (
    PROMOTION_SCHEMA,
    REHEARSAL_SCHEMA,
    ROLLBACK_PLAN_SCHEMA,
    PromotionEvidence,
    RollbackPlan,
    RollbackRehearsal,
)
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schema_versions import HISTORY_SCHEMAS, SCHEDULE_SCHEMAS
from rollback_drills.simulation.performed_drills import PERFORMED_SCHEMA, PerformedDrills

SCHEMAS: Final[Mapping[str, type[Document]]] = {
    **dict.fromkeys(SCHEDULE_SCHEMAS, Schedule),
    **dict.fromkeys(HISTORY_SCHEMAS, History),
    CHANGES_SCHEMA: Changes,
    EXPECTATIONS_SCHEMA: Expectations,
    PERFORMED_SCHEMA: PerformedDrills,
    PROMOTION_SCHEMA: PromotionEvidence,
    ROLLBACK_PLAN_SCHEMA: RollbackPlan,
    REHEARSAL_SCHEMA: RollbackRehearsal,
}
_BY_NAME: Final[Mapping[str, type[Document]]] = {"schedule": Schedule, "history": History}


def guess_model(raw: Any, path: str) -> type[Document]:
    """Return the model of a document: by its schema, else by its keys, else by the name of its file.

    A routing policy needs no schema, and all its keys may stand in a schedule too.
    """
    keys = raw if isinstance(raw, dict) else {}
    version = keys.get("schema_version")
    if isinstance(version, str) and version in SCHEMAS:
        return SCHEMAS[version]
    models: list[type[Document]] = [RoutingPolicy, *dict.fromkeys(SCHEMAS.values())]
    counts = [len(keys.keys() & _own_keys(model)) for model in models]
    return (
        models[counts.index(max(counts))]
        if any(counts)
        else _BY_NAME.get(find_kind(PurePath(path).name), RoutingPolicy)
    )


def explain_name(raw: Any, path: str) -> str:
    """Explain why a check of its folder leaves a schedule out silently; empty if it does not."""
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version not in SCHEDULE_SCHEMAS or find_kind(PurePath(path).name) == "schedule":
        return ""
    return (
        "is a schedule, and its name does not say so: `drills check` of its folder leaves it out;"
        " put the word schedule into the name"
    )


def _own_keys(model: type[Document]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(model)} - {"schema_version", "$schema"}
