"""Reads saved blocks from the Prefect server, page by page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import BlockDocument

from blocks.secret_fields import open_secret
from rollback_drills.errors import DrillsError

_PAGE: Final = 200  # the most that the Prefect server returns at once
CANNOT_READ: Final = (
    "the Prefect server cannot read it, and its log says why; was its PREFECT_SERVER_ENCRYPTION_KEY changed?"
)


@dataclass(frozen=True, slots=True)
class FoundDocuments:
    """The blocks that meet some conditions, by name."""

    documents: list[BlockDocument] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """For each block that the server cannot read, the name of the block before it; empty for the first.

    The server does not return its own name: it answers with an error in its place.
    """

    def name_unreadable(self, what: str) -> list[str]:
        """Return a line about each block that the server cannot read.

        Args:
            what: Which block it is, such as "a connector".
        """
        places = (f"after {before}" if before else "before all others" for before in self.unreadable)
        return [f"{what} {place} (by name) is not usable: {CANNOT_READ}" for place in places]


def find_documents(
    slugs: Iterable[str], conditions: Mapping[str, object], *, with_secrets: bool = False
) -> FoundDocuments:
    """Find the blocks of some types that meet conditions on their documents.

    One block that the server cannot decrypt or write out makes it refuse the whole page. The others are then
    read one by one.

    Raises:
        httpx.HTTPStatusError: The server refuses all of it.
    """
    query = {
        "block_documents": conditions,
        "block_types": {"slug": {"any_": list(slugs)}},
        "include_secrets": with_secrets,
    }
    found = FoundDocuments()
    size, offset = _PAGE, 0
    with get_client(sync_client=True) as client:
        while True:
            page = _read_page(client, {**query, "limit": size, "offset": offset})
            if page is None and size > 1:  # from here on one by one
                size = 1
                continue
            if page is None:
                found.unreadable.append((found.documents[-1].name or "") if found.documents else "")
            else:
                found.documents.extend(BlockDocument.model_validate_list(page))
            offset += size
            if page is not None and len(page) < size:
                return found


def open_secret_block(name: str, error: type[DrillsError]) -> str | None:
    """Return what a Secret block holds, in one request; None if there is no such block.

    Args:
        name: Of the block.
        error: What is raised if it cannot be read.

    Raises:
        DrillsError: The server cannot read it.
    """
    found = find_documents([Secret.get_block_type_slug()], {"name": {"any_": [name]}}, with_secrets=True)
    if found.unreadable:
        raise error(f"the Secret block {name} is not usable: {CANNOT_READ}")
    # UI V2 saves a Secret block without a value as `{}`
    return open_secret(Secret(value=found.documents[0].data.get("value", ""))) if found.documents else None


def _read_page(client: SyncPrefectClient, query: Mapping[str, Any]) -> list[Any] | None:
    """Return a page; None if the server breaks on a block of it, and works otherwise."""
    try:
        page: list[Any] = client.request("POST", "/block_documents/filter", json=query).json()
    except httpx.HTTPStatusError as error:
        if error.response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        conditions = {name: query[name] for name in ("block_documents", "block_types")}
        # to count the blocks it decrypts none: if this fails too, the server itself is broken
        client.request("POST", "/block_documents/count", json=conditions)
        return None
    return page
