"""Who did what: the name of the token goes into every document and record."""

from typing import Any

from rollback_drills import PRODUCT
from rollback_drills.documents.privacy_rules import find_private
from rollback_drills.errors import UsageError
from rollback_drills.evidence.records import RECORD_SCHEMA
from rollback_drills.readiness.terms import Report


def name_caller(token: str, claimed: str | None) -> str:
    """Name who acts: the token, and before it whom the caller says to act for.

    Raises:
        UsageError: The claimed name holds what evidence must not.
    """
    if not claimed or claimed == token:
        return token
    if kind := find_private(claimed):
        raise UsageError(f"the name of who asks holds {kind}, which evidence must not name")
    return f"{claimed} via {token}"


def describe_built(document: Report, schema: str, id_name: str) -> dict[str, Any]:
    """Describe a document that was built and not written down, where an index record is expected."""
    kind = schema.removeprefix("cavra.go-backend-pilot.").rpartition(".v")[0]
    return {
        "schema_version": RECORD_SCHEMA,
        "product": PRODUCT,
        "session_id": document[id_name],
        "created_at": document["generated_at"],
        "metadata_kind": f"go-backend-{kind}",
        "signer": document["generated_by"],
        "indexed": False,
    }
