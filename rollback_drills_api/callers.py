"""Who did what: the name of the token goes into every document and record."""

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.privacy.privacy_rules import find_private
from rollback_drills.errors import UsageError
from rollback_drills.evidence.record import RECORD_SCHEMA
from rollback_drills.followup.escalation_plan import EscalationPlan
from rollback_drills.reports.audit_document import AuditPackage
from rollback_drills.reports.trend import Trend


def name_caller(token: str, claimed: str | None) -> str:
    """Name who acts: the token, and before it whom the caller says to act for.

    Raises:
        UsageError: The claimed name is blank, cannot be read, or holds what evidence must not.
    """
    if not claimed or claimed == token:
        return token
    if problem := explain_odd_name(claimed):
        raise UsageError(f"the name of who asks {problem}")
    if kind := find_private(claimed):
        raise UsageError(f"the name of who asks holds {kind}, which evidence must not name")
    return f"{claimed} via {token}"


class BuiltMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Stands where an index record is expected, for a document that was built and not written down."""

    schema_version: str = RECORD_SCHEMA
    product: str = PRODUCT
    session_id: str
    created_at: str
    metadata_kind: str
    signer: str
    indexed: bool = False


def describe_built(document: Trend | AuditPackage | EscalationPlan, session_id: str) -> BuiltMetadata:
    """Describe a document that was built and not written down, by its id."""
    kind = document.schema_version.removeprefix("cavra.go-backend-pilot.").rpartition(".v")[0]
    return BuiltMetadata(
        session_id=session_id,
        created_at=document.generated_at,
        metadata_kind=f"go-backend-{kind}",
        signer=document.generated_by,
    )
