"""The newest head of each ledger, which the Prefect server remembers as an artifact without a run."""

from http import HTTPStatus
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import ArtifactCollection

from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.evidence.heads import Head
from rollback_drills.evidence.remembered_head import (
    RememberedHead,
    read_remembered,
    show_remembered,
    write_remembered,
)

_PREFIX: Final = "rollback-drills-head"


class RememberedHeadError(DrillsError):
    """What the server remembers of a ledger is no head; the message names the remedy."""


class Memory(NamedTuple):
    """What the server remembers of a ledger."""

    head: RememberedHead | None = None
    """None if it remembers nothing."""
    artifact_id: UUID | None = None
    """Where the next head takes its place."""


def recall(origin: str) -> Memory:
    """Return what the server remembers of a ledger, in one request.

    Raises:
        RememberedHeadError: Somebody has changed the artifact.
        httpx.HTTPError: The server does not answer.
    """
    key = head_key(origin)
    wanted = {"artifacts": {"key": {"any_": [key]}}, "limit": 1}
    with get_client(sync_client=True) as client:
        found: list[Any] = client.request("POST", "/artifacts/latest/filter", json=wanted).json()
    if not found:
        return Memory()
    artifact = ArtifactCollection.model_validate(found[0])
    try:
        return Memory(read_remembered(artifact.metadata_), artifact.latest_id)
    except UsageError as error:
        raise RememberedHeadError(
            f"the artifact {key} of the Prefect server {error}; delete it, and the next check writes it"
        ) from None


def remember(head: Head, artifact_id: UUID | None) -> None:
    """Let the server remember a head, in one request.

    The artifact is overwritten, so that a run without news leaves no page behind. It is no variable or block:
    a server on SQLite reads those before it writes them, and refuses that while it is writing task runs.

    Args:
        head: Of the ledger.
        artifact_id: That of the head before it, as it was recalled.

    Raises:
        httpx.HTTPError: The server does not answer.
    """
    page = {"data": show_remembered(head), "metadata_": write_remembered(head)}
    with get_client(sync_client=True) as client:
        if artifact_id is None or not _update(client, artifact_id, page):
            key = head_key(head.checkpoint.origin)
            about = {"key": key, "type": "markdown", "description": "The newest head of the evidence."}
            client.request("POST", "/artifacts/", json={**about, **page})


def head_key(origin: str) -> str:
    """Return the key of the artifact of a ledger."""
    return f"{_PREFIX}-{origin.rpartition('/')[2]}"


def _update(client: SyncPrefectClient, artifact_id: UUID, page: dict[str, Any]) -> bool:
    """Write over an artifact; return whether it is there."""
    try:
        client.request("PATCH", "/artifacts/{id}", path_params={"id": artifact_id}, json=page)
    except httpx.HTTPStatusError as error:
        if error.response.status_code != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True
