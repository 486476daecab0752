"""Errors as problem documents (RFC 9457); none of them holds a trace, a secret or a path of this machine."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rollback_drills.redaction.redactor import redactor_in_use

MEDIA_TYPE: Final = "application/problem+json"

Responses = dict[int | str, dict[str, Any]]
"""The part `responses` of an operation, as FastAPI takes it."""


class Problem(HTTPException):
    """Ends a request with a problem document."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.errors = errors
        """What is wrong, by place: `{path, message}`."""


def write_problem(
    status: int,
    detail: str,
    instance: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write a problem document.

    Args:
        status: The status code.
        detail: What is wrong with this request, and what to do about it.
        instance: The id of the request, which the log has too.
        errors: What is wrong, by place.
        headers: Further headers of the answer.
    """
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{instance}",
        **({"errors": errors} if errors else {}),
    }
    content = msgspec.json.encode(redactor_in_use().document(document))
    return Response(content, status, headers, MEDIA_TYPE)


_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The id of the request, as the log has it."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_WHEN: Final = {
    400: "The request cannot be read, or its Host is not served here.",
    401: "No token, an unknown token, or an expired token.",
    403: "The scope of the token is too low.",
    404: "There is no such schedule.",
    405: "The path does not take this method.",
    408: "The body did not arrive in time.",
    409: "What is asked for contradicts what there is.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not application/json, or is compressed.",
    422: "A field is unknown or cannot be used; `errors` has the places.",
    429: "Too many requests; `Retry-After` says when the next one is taken.",
    500: "An error of the server; the log has it under the id of the request.",
    502: "The flow run failed.",
    503: "Something that is needed cannot be reached.",
    504: "The flow run is not over yet.",
}


def problem_responses(*statuses: int) -> Responses:
    """Describe problems for the OpenAPI document; those that every path can have are among them."""
    described: Responses = {}
    for status in sorted({400, 401, 403, 405, 413, 422, 429, 500, 503, *statuses}):
        example = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": _WHEN[status],
            "instance": "urn:uuid:6f1b1f0e-4c1e-4f0e-9a51-0a7d1f3f5a10",
        }
        content = {MEDIA_TYPE: {"schema": _SCHEMA, "example": example}}
        described[status] = {"description": _WHEN[status], "content": content}
    return described
