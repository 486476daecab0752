"""JSON that vendors define: its type, how it is written, and how a part of an answer is read."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from blocks.text import fit
from rollback_drills.notifications.notification import Notification

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = Mapping[str, Json]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)


def to_json(document: JsonObject | Sequence[JsonObject]) -> bytes:
    """Serialise once, to the bytes that are sent and signed."""
    return _ENCODER.encode(document).encode(errors="replace")  # half a surrogate pair has no bytes


def fit_json(notification: Notification, write: Callable[[Notification], JsonObject], largest: int) -> bytes:
    """Write a notification as JSON of at most so many bytes, with its longest texts shortened."""
    return fit(notification, lambda shorter: to_json(write(shorter)), largest)


def as_object(value: object) -> JsonObject:
    """Return the value if it is a JSON object, else an empty object."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[Json]:
    """Return the value if it is a JSON list, else an empty list."""
    return value if isinstance(value, list) else ()


def as_text(value: object) -> str:
    """Return the value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""
