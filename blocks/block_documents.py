"""Reads saved blocks from the Prefect server, page by page."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument

_PAGE: Final = 200  # the most that the Prefect server returns at once


def find_documents(
    slugs: Iterable[str], conditions: Mapping[str, object], *, with_secrets: bool = False
) -> Iterator[BlockDocument]:
    """Yield the blocks of some types that meet conditions on their documents."""
    query = {
        "block_documents": conditions,
        "block_types": {"slug": {"any_": list(slugs)}},
        "include_secrets": with_secrets,
        "limit": _PAGE,
    }
    offset = 0
    with get_client(sync_client=True) as client:
        while True:
            page = client.request("POST", "/block_documents/filter", json={**query, "offset": offset}).json()
            yield from BlockDocument.model_validate_list(page)
            offset += _PAGE
            if len(page) < _PAGE:
                return
