"""The fields of a connector that refer to Secret blocks, and how such a block is opened."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from prefect.blocks.system import Secret
from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo

from rollback_drills.redaction.redactor import remember_secrets


def _keep_title(schema: dict[str, Any]) -> None:
    """Move the reference into an `allOf`.

    Beside a bare `$ref` the form of Prefect's UI V1 shows the title and the description of the block that is
    referred to, which are the same for every secret.
    """
    reference = schema.pop("$ref", None)
    if reference is not None:
        schema["allOf"] = [{"$ref": reference}]


def _absent_if_empty(value: object) -> object:
    return None if value in _CLEARED or _is_empty(value) else value


def _missing_if_empty(value: object) -> object:
    return {} if value in _CLEARED or _is_empty(value) else value


def _is_empty(value: object) -> bool:
    """Whether a form has left a secret out: it then saves `{}`, or an object that holds nothing else."""
    if isinstance(value, Mapping):
        return all(_is_empty(part) for key, part in value.items() if key != "block_type_slug")
    return value is None


_CLEARED: tuple[object, ...] = ("", [])
"""What a form saves for a field that was filled in and cleared; an empty Secret block is something else."""
_SHOWN_BY_BOTH_FORMS = Field(json_schema_extra=_keep_title)
_ABSENT_IF_EMPTY = BeforeValidator(_absent_if_empty)
_MISSING_IF_EMPTY = BeforeValidator(_missing_if_empty)

if TYPE_CHECKING:
    SecretBlock = Annotated[Secret[str], _SHOWN_BY_BOTH_FORMS, _MISSING_IF_EMPTY]
    OptionalSecretBlock = Annotated[Secret[str] | None, _ABSENT_IF_EMPTY]
else:
    # Prefect 3.8 takes `Secret[str]` for a block type of its own ("secret-str") and copies a saved
    # Secret into it: the value itself would then be stored in the connector's document.
    SecretBlock = Annotated[Secret, _SHOWN_BY_BOTH_FORMS, _MISSING_IF_EMPTY]
    OptionalSecretBlock = Annotated[Secret | None, _ABSENT_IF_EMPTY]


def is_secret(field: FieldInfo) -> bool:
    """Whether a field of a block refers to a Secret block."""
    return field.annotation in (Secret, Secret | None)


def open_secret(secret: "Secret[Any]") -> str:
    """Open a Secret block as text.

    Not by `Secret.get()`: it reads the text as JSON, which turns the token "1e5" into 100000.0. The value is
    in use from here on, and no log, artifact or evidence may show it.
    """
    value = secret.value.get_secret_value()
    text = (value if isinstance(value, str) else json.dumps(value)).strip()
    remember_secrets((text,), is_whole=True)
    return text
