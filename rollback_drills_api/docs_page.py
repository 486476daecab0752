"""What a person sees who opens the address of the API: `/` leads to the console, `/docs` shows the API."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from rollback_drills.console.api_page import Field, Operation, write_api_page
from rollback_drills.console.rendering import SERVED_POLICY
from rollback_drills_api.queries import nothing_asked
from rollback_drills_api.service import Readable

router = APIRouter(include_in_schema=False, dependencies=[nothing_asked])

_HTML: Final = "text/html; charset=utf-8"


@router.get("/")
async def home(request: Request) -> Response:
    """Lead to the console, by a relative address: a proxy may serve it below any path."""
    asked = request.scope.get("raw_path", b"/").decode("ascii").rpartition("/")[2]
    return RedirectResponse(f"{asked}/console" if asked else "console")


@router.get("/docs")
async def docs(served: Readable, request: Request) -> Response:
    """Show every operation of the API, without a script."""
    document = request.app.openapi()

    def build() -> bytes:
        return write_api_page(list(read_operations(document)), document["info"]["version"]).encode()

    answer = await served.answers.give("docs", lambda: "", build, _HTML)
    answer.headers["content-security-policy"] = SERVED_POLICY
    return answer


def read_operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Yield the operations of an OpenAPI document."""
    schemas = document.get("components", {}).get("schemas", {})
    for path, ways in document["paths"].items():
        for method, found in ways.items():
            yield Operation(
                method.upper(),
                path,
                found["tags"][0],
                found.get("description", ""),
                [*_read_parameters(found), *_read_body(found, schemas)],
                bool(found["security"]),
            )


def _read_parameters(operation: Mapping[str, Any]) -> Iterator[Field]:
    for each in operation.get("parameters", ()):
        yield Field(each["name"], each["in"], each.get("description", ""), bool(each.get("required")))


def _read_body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Field]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
        needed = schema.get("required", ())
        for name, each in schema["properties"].items():
            yield Field(name, "body", each.get("description", ""), name in needed)
