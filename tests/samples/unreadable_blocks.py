"""Blocks that the Prefect server takes, and cannot return: it breaks on each page that one is on."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import get_client


@contextmanager
def save_unreadable(slug: str, name: str) -> Iterator[None]:
    """Save a block with half of a surrogate pair in its value, which no JSON of the server can hold."""
    with get_client(sync_client=True) as client:
        kind = client.read_block_type_by_slug(slug)
        schemas = client.request(
            "POST",
            "/block_schemas/filter",
            json={"block_schemas": {"block_type_id": {"any_": [str(kind.id)]}}},
        ).json()
        content = (
            f'{{"name": "{name}", "data": {{"value": "\\ud800"}},'
            f' "block_type_id": "{kind.id}", "block_schema_id": "{schemas[0]["id"]}"}}'
        )
        headers = {"content-type": "application/json"}
        saved = client._client.post("/block_documents/", content=content, headers=headers)
        try:
            yield
        finally:
            client.delete_block_document(saved.json()["id"])
