"""What the OpenAPI document says of each operation: its answer with an example, and its problems."""

from typing import Final

from rollback_drills_api.openapi.json_shapes import TEXT
from rollback_drills_api.openapi.reads import READS
from rollback_drills_api.openapi.writes import WRITES
from rollback_drills_api.problems import Responses, problem_responses

_ANSWERS: Final = {**READS, **WRITES}
_RUNS_A_FLOW: Final = (
    *("deliver", "acknowledge", "bulk", "exception", "record"),
    *("retirement", "request", "decline"),
    *("replay_request", "replay_approval", "replay_execution"),
)
_HAS_BODY: Final = (*_RUNS_A_FLOW, "package", "escalation")


def described(operation: str, *statuses: int) -> Responses:
    """Return the answers of an operation: what it returns, and the problems it can have."""
    description, schema, example = _ANSWERS[operation]
    more = {*statuses}
    if operation in _RUNS_A_FLOW:
        more |= {404, 502, 504}
    if operation in _HAS_BODY:
        more |= {408, 415}
    if operation in ("history", "schedule"):
        more |= {404}
    answer = {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    new: Responses = {201: answer} if operation == "record" else {}
    return {200: answer, **new, **problem_responses(*more)}


def described_text(media_type: str, description: str, example: str, *statuses: int) -> Responses:
    """Return the answers of an operation that returns a text."""
    answer = {"description": description, "content": {media_type: {"schema": TEXT, "example": example}}}
    return {200: answer, **problem_responses(*statuses)}
