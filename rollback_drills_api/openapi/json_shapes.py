"""Short words for the JSON Schemas of answers, and for an answer that the OpenAPI document describes."""

from collections.abc import Mapping
from typing import Any, Final

JsonSchema = dict[str, Any]
Answer = tuple[str, JsonSchema, Mapping[str, object]]
"""What an answer is, its schema, and an example."""
TEXT: Final = {"type": "string"}
COUNT: Final = {"type": "integer", "minimum": 0}
OBJECT: Final = {"type": "object"}
LIST: Final = {"type": "array", "items": OBJECT}
TRUTH: Final = {"type": "boolean"}
MAYBE_OBJECT: Final = {"type": ["object", "null"]}


def object_of(**properties: JsonSchema) -> JsonSchema:
    """Return the schema of an object that has all of these properties."""
    return {"type": "object", "required": list(properties), "properties": properties}


PAGE: Final[dict[str, JsonSchema]] = {"items": LIST, "total": COUNT, "limit": COUNT, "offset": COUNT}
BUILT: Final = object_of(schema_version=TEXT, metadata_kind=TEXT, session_id=TEXT, indexed=TRUTH)
