"""Writes the JSON Schemas of the documents from their models: `make schemas`.

The descriptions are the docstrings of the classes and of their fields. What the models read and the rules
refuse is refused by the schemas as well, since they are for people who write documents.
"""

import ast
import inspect
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from rollback_drills.documents.cadences.calendar_cadence import KINDS, WrittenCadence
from rollback_drills.documents.changes import CHANGES_SCHEMA, Changes
from rollback_drills.documents.expectations import EXPECTATIONS_SCHEMA, Expectations
from rollback_drills.documents.fields import Document
from rollback_drills.documents.history import OUTCOMES, History
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schema_versions import HISTORY_SCHEMAS, SCHEDULE_SCHEMAS
from rollback_drills.documents.schemas.published import SCHEMAS

FOLDER: Final = Path(__file__).parent.parent / "rollback_drills" / "documents" / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TIMESTAMP: Final = r"^\d{4}-?(\d{2}-?\d{2}|\d{3}|W\d{2}(-?\d)?)([T ].+)?$"
"""The beginning of every timestamp of ISO 8601; `date-time` would refuse those without an offset."""
MODELS: Final[Mapping[str, type[Document]]] = {
    "schedule": Schedule,
    "history": History,
    "policy": RoutingPolicy,
    "changes": Changes,
    "expectations": Expectations,
}
DEMANDED: Final[Mapping[str, Mapping[str, Any]]] = {
    "Schedule": {
        "properties": {
            "schema_version": {"enum": list(SCHEDULE_SCHEMAS)},
            "schedule_id": {"minLength": 1},
            "status": {"enum": ["active", "retired"]},
            "interval_days": {"exclusiveMinimum": 0},
            "owners": {"minItems": 1},
            "notification_providers": {"minItems": 1},
            "runbook_ref": {"minLength": 1},
        },
        "required": [
            *("schema_version", "schedule_id", "status", "owners", "notification_providers", "runbook_ref")
        ],
        "oneOf": [{"required": ["interval_days"]}, {"required": ["cadence"]}],
    },
    "History": {
        "properties": {"schema_version": {"enum": list(HISTORY_SCHEMAS)}},
        "required": ["schema_version", "drills"],
    },
    "Drill": {
        "properties": {"drill_id": {"minLength": 1}, "status": {"enum": list(OUTCOMES)}},
        "required": ["drill_id", "executed_at", "status"],
    },
    "Changes": {
        "properties": {"schema_version": {"const": CHANGES_SCHEMA}},
        "required": ["schema_version", "changes"],
    },
    "Expectations": {"properties": {"schema_version": {"const": EXPECTATIONS_SCHEMA}}},
    "EscalationStep": {"oneOf": [{"required": ["after_minutes"]}, {"required": ["after_business_hours"]}]},
}
"""By class, what the rules demand of a document beyond its types."""


def build(name: str) -> dict[str, Any]:
    """Return the schema of a document."""
    model = MODELS[name]
    classes = {each.__name__: each for each in _walk(model)}
    kinds = KINDS if WrittenCadence.__name__ in classes else ()
    (root, *refs), components = msgspec.json.schema_components([model, *kinds], ref_template="#/$defs/{name}")
    classes |= {each.__name__: each for each in kinds}
    for title, component in components.items():
        if title == WrittenCadence.__name__:
            components[title] = {"description": inspect.getdoc(WrittenCadence), "oneOf": refs}
        elif title in classes:
            _describe(component, classes[title])
            _demand(component, DEMANDED.get(title, {}))
        elif "description" in component:
            component["description"] = _first_line(component["description"])
    whole = {"$schema": DIALECT, "title": f"rollback-drills: {SCHEMAS[name]}", **root, "$defs": components}
    found: dict[str, Any] = _simplify(whole)
    return found


def write(name: str) -> str:
    """Return the text of the file of a schema."""
    return json.dumps(build(name), indent=2, ensure_ascii=False) + "\n"


def _walk(model: type[Document]) -> set[type[msgspec.Struct]]:
    """Return the classes of documents that a class is made of, with itself."""
    found: set[type[msgspec.Struct]] = set()
    todo: list[Any] = [msgspec.inspect.type_info(model)]
    while todo:
        info = todo.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                continue
            found.add(info.cls)
            todo += [each.type for each in info.fields]
        for attribute in ("types", "item_types"):
            todo += getattr(info, attribute, ())
        for attribute in ("item_type", "value_type"):
            todo += filter(None, [getattr(info, attribute, None)])
    return found


def _describe(component: dict[str, Any], model: type[msgspec.Struct]) -> None:
    component["description"] = _first_line(inspect.getdoc(model) or "")
    says = _read_docstrings(model)
    for each in msgspec.structs.fields(model):
        component["properties"][each.encode_name]["description"] = says[each.name]


def _read_docstrings(model: type[msgspec.Struct]) -> dict[str, str]:
    """Return the docstring of each field, also of those that are inherited."""
    says: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if not issubclass(each, Document) or each is Document:
            continue
        tree = ast.parse(inspect.getsource(each)).body[0]
        for field, text in pairwise(tree.body if isinstance(tree, ast.ClassDef) else ()):
            match field, text:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(said))):
                    says[name] = " ".join(said.split())
                case _:
                    pass
    return says


def _demand(component: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, bounds in more.get("properties", {}).items():
        component["properties"][name].update(bounds)
    component.update({key: value for key, value in more.items() if key != "properties"})


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _simplify(value: Any) -> Any:
    """Leave out what is of the models alone: that a key may be null, and what is there without it."""
    if isinstance(value, list):
        return [_simplify(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {key: _simplify(each) for key, each in value.items()}
    kinds = [each for each in value.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) == 1:
        del value["anyOf"]
        value = {**kinds[0], **value}
    if value.get("format") == "date-time":
        del value["format"]
        value["pattern"] = TIMESTAMP
    if "default" in value and value["default"] in (None, "", [], {}):
        del value["default"]
    return value


if __name__ == "__main__":
    for each in MODELS:
        (FOLDER / f"{each}.schema.json").write_text(write(each), encoding="utf-8")
