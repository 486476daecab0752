"""Who acts: the name of the token, which goes into every document and record."""

from rollback_drills.documents.evidence_texts import explain_person
from rollback_drills.errors import UsageError


def name_caller(token: str, claimed: str | None) -> str:
    """Name who acts: the token, and before it whom the caller says to act for.

    Raises:
        UsageError: A name is blank, cannot be read, or holds what evidence must not. A person who logged in
            may be known by an e-mail address.
    """
    if problem := explain_person(claimed or token):
        raise UsageError(f"the name of who asks {problem}")
    return f"{claimed} via {token}" if claimed and claimed != token else token
