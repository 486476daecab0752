"""Opens a saved connector with its secrets, or says why it cannot be used."""

from typing import cast

import httpx
from prefect.client.schemas.objects import BlockDocument
from pydantic import ValidationError

from blocks.connector import Connector
from blocks.secret_fields import is_secret
from rollback_drills.rendering.invalid_value import explain_invalid


def open_connector(connector_type: type[Connector], saved: BlockDocument) -> Connector | str:
    """Load a block that exists; if it cannot be used, return why, in one line without a secret.

    What Prefect raises may quote the data of the block, so nothing of it is kept.
    """
    try:
        # _sync: in an event loop `load` would return a coroutine
        loaded = connector_type.load(saved.name, _sync=True)  # type: ignore[call-arg, arg-type]  # Prefect's decorator adds it; a saved block has a name
    except RuntimeError as error:
        return _first_problem(connector_type, error.__cause__)
    except ValidationError as error:
        return _first_problem(connector_type, error)
    except httpx.HTTPStatusError as error:
        return f"the Prefect server answered {error.response.status_code} for it; can it decrypt its blocks?"
    for field in saved.block_document_references:
        # A form saves an empty Secret block as `{}`; a secret that was chosen is never left out.
        if getattr(loaded, field, None) is None:
            return f"the Secret block of its {field} is empty; enter the value"
    return cast("Connector", loaded)


def _first_problem(connector_type: type[Connector], error: BaseException | None) -> str:
    if not isinstance(error, ValidationError):
        return "its block cannot be read; save it again"
    detail = error.errors(include_input=False, include_url=False)[0]
    where, why = ".".join(map(str, detail["loc"])), explain_invalid(detail)
    if not where:
        return why
    name = str(detail["loc"][0])
    if is_secret(connector_type.model_fields[name]):
        what = "was the Secret block deleted? choose one in the block, and enter its value"
        return f"its {name} is missing; {what}"
    if detail["type"] == "missing":
        return f"its {name} is missing; set it in the block"
    return f"its {where} {why}"
