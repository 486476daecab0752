"""Checks every approval: it needs a reason, and an approver other than the requester."""

from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.followup.acknowledgements.acknowledgement import check_texts
from rollback_drills.names.people import is_same_person


def check_approval(what: str, *, reason: str, approver: str, requested_by: str) -> None:
    """Ensure that something was approved, by somebody other than the requester.

    Args:
        what: What is approved, with its article.
        reason: Why.
        approver: Who approves it.
        requested_by: Who requested it; empty if nobody did.

    Raises:
        UsageError: There is no reason or approver, the approver is the requester, or a text holds what
            evidence must not contain.
    """
    texts = {"reason": reason, "approver": approver}
    for field, text in texts.items():
        if not text.strip():
            raise UsageError(f"is empty; {what} needs a reason and an approver", field=field)
    check_texts(**texts, requested_by=requested_by)
    if requested_by and is_same_person(requested_by, approver):
        raise UsageError(
            f"is {show(approver)}, who requested it; somebody else must approve it", field="approver"
        )
