"""The metadata of a document that was built and not written into the evidence."""

import msgspec

from rollback_drills import PRODUCT
from rollback_drills.evidence.record import RECORD_SCHEMA
from rollback_drills.followup.escalations.escalation_plan import EscalationPlan
from rollback_drills.reports.audit.audit_document import AuditPackage
from rollback_drills.reports.trend import Trend


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
