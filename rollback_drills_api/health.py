"""Whether the process lives, and whether it can answer."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from rollback_drills.database.tables import LEDGER
from rollback_drills.errors import DrillsError
from rollback_drills_api.answer_cache import encode
from rollback_drills_api.problems import Problem, problem_responses
from rollback_drills_api.service import Served, Service

logger = logging.getLogger(__name__)

router = APIRouter(tags=["health"])


def _described(what: str) -> dict[int | str, Any]:
    schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
    content = {"application/json": {"schema": schema, "example": {"status": "ok"}}}
    return {200: {"description": what, "content": content}, **problem_responses()}


@router.get("/healthz", responses=_described("The process runs."))
async def healthz() -> Response:
    """Show that the process is alive."""
    return Response(encode({"status": "ok"}), media_type="application/json")


@router.get("/readyz", responses=_described("Documents and database can be reached."))
async def readyz(served: Served) -> Response:
    """Check that the documents and the database can be reached."""
    return await served.answers.give("readyz", served.version, lambda: _check(served))


def _check(served: Service) -> dict[str, str]:
    try:
        served.fleet.judged()
        if database := served.database():
            with database.read() as connection:
                connection.execute(select(LEDGER.c.leaf_index).limit(1))  # also if its file was replaced
    except DrillsError as error:
        logger.warning("not ready: %s", error)
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be reached") from None
    return {"status": "ok"}
