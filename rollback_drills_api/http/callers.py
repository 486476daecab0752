"""Who acts: the name of the token, which goes into every document and record."""

from rollback_drills.documents.odd_names import explain_odd_name
from rollback_drills.documents.privacy.privacy_rules import find_private
from rollback_drills.errors import UsageError


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
