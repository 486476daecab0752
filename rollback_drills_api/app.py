"""Puts the API together."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.responses import Response

from rollback_drills.errors import DrillsError, UsageError
from rollback_drills_api import (
    acknowledge_link,
    acknowledgements,
    built_documents,
    calendar_and_badges,
    calendar_feed,
    delivery,
    docs_page,
    drills,
    exception_requests,
    exceptions,
    health,
    lookback,
    metrics,
    reads,
    replays,
    retirements,
)
from rollback_drills_api.answer_cache import encode
from rollback_drills_api.console import csv_tables, pages, replay_forms, schedule_forms
from rollback_drills_api.fleet import FleetCache
from rollback_drills_api.http.middleware import Boundary
from rollback_drills_api.http.refusals import answer_error, install_handlers
from rollback_drills_api.http.security import TokenBook, reading
from rollback_drills_api.key_book import KeyBook
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.service import Service

logger = logging.getLogger(__name__)

_DESCRIPTION = (
    "Checks rollback drills, notifies their owners, and keeps evidence."
    " Every error is a problem document (RFC 9457)."
)


def build_app(options: ApiOptions) -> FastAPI:
    """Build the application.

    Args:
        options: What is served, and to whom.
    """
    book = TokenBook(options.load_tokens)
    app = FastAPI(
        title="rollback-drills",
        version=version("rollback-drills"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_live,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it exports the paths of secret links
    )
    app.state.options = options
    app.state.link_keys = KeyBook(options.load_link_keys)
    app.state.form_keys = KeyBook(options.open_form_keys)
    app.state.service = Service(options, book, FleetCache(options.settings))
    read = (
        *(reads, lookback, calendar_and_badges, schedule_forms, csv_tables, replay_forms, pages),
        *(metrics, health, acknowledge_link, docs_page, calendar_feed),
    )
    acting = (delivery, acknowledgements, exceptions, drills, retirements, exception_requests, replays)
    for module in (*read, *acting, built_documents):
        # as they are: a router that is included looks for its route once more, with every request
        app.router.routes.extend(module.router.routes)
    app.add_api_route(
        "/openapi.json", _write_openapi, include_in_schema=False, dependencies=[Depends(reading)]
    )
    install_handlers(app)
    app.add_exception_handler(UsageError, _answer_usage_error)
    app.add_exception_handler(DrillsError, _answer_failure)
    app.add_middleware(Boundary, options=options, book=book)
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    book: TokenBook = app.state.service.book
    await asyncio.to_thread(book.reload, now=time.monotonic())
    refreshing = asyncio.create_task(book.keep_fresh())
    try:
        yield
    finally:
        refreshing.cancel()
        with suppress(asyncio.CancelledError):
            await refreshing


async def _write_openapi(request: Request) -> Response:
    return Response(encode(request.app.openapi()), media_type="application/json")


def _describe(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        document.setdefault("components", {})["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of `drills api-token create`.",
            }
        }
        open_to_all = ("/healthz", "/readyz")
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = [] if path in open_to_all else [{"token": []}]
        app.openapi_schema = document
    return app.openapi_schema


async def _answer_usage_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, UsageError)  # noqa: S101 - it is registered for these alone
    begin = "$." if request.method == "POST" else "query "
    return answer_error(request.scope, 422, error.spell(lambda field: f"{begin}{field}"))


async def _answer_failure(request: Request, error: Exception) -> Response:
    logger.warning("request %s: %s", request.state.request_id, error)
    detail = "something that is needed cannot be reached; the log of the API says what"
    return answer_error(request.scope, 503, detail)
