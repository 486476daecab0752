"""The place of the console: pages of HTML below /console, each written by a function."""

from collections.abc import Callable, Mapping
from typing import Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from rollback_drills_api.describing import described_text
from rollback_drills_api.security import reading
from rollback_drills_api.service import Served, Service

Page = Callable[[Service], str]
_HTML: Final = "text/html; charset=utf-8"
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'"


def build_console(pages: Mapping[str, Page]) -> APIRouter:
    """Give a router that serves pages.

    Args:
        pages: By path below `/console`: what writes the page.
    """
    router = APIRouter(prefix="/console", tags=["console"], dependencies=[Depends(reading)])
    for path, page in pages.items():
        router.add_api_route(
            path,
            _serve(path, page),
            response_class=Response,
            **described_text("text/html", "A page of the console.", "<!doctype html>"),
        )
    return router


def _serve(path: str, page: Page) -> Callable[[Service], object]:
    async def serve(served: Served) -> Response:
        answer = await served.answers.give(
            ("console", path), served.version, lambda: page(served).encode(), _HTML
        )
        answer.headers["content-security-policy"] = _POLICY
        return answer

    serve.__doc__ = page.__doc__
    return serve
