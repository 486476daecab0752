"""Copies the database of the evidence, and verifies the copy."""

from collections.abc import Callable
from pathlib import Path

from rollback_drills.database.backup import Progress, copying
from rollback_drills.database.connections import Database
from rollback_drills.errors import DrillsError, UsageError
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.evidence.verify.sqlite_schema import find_file_damage


class UnverifiedCopyError(DrillsError):
    """The copy has findings, and replaces no other file."""

    def __init__(self, target: Path, verification: Verification) -> None:
        super().__init__(f"{target} stays as it was: the database has findings; see `drills evidence verify`")
        self.verification = verification


def back_up(
    database: Database,
    target: Path,
    copied: Progress,
    verified: Callable[[int], None],
    *,
    force: bool = False,
) -> Verification:
    """Copy the database while others write to it, and verify the copy.

    Args:
        database: Keeps the evidence in an SQLite file.
        target: The file to write.
        copied: Shows how far the copy is.
        verified: Is called with the number of rows that were verified.
        force: Whether to replace a file of that name; a copy with findings replaces none.

    Returns:
        What the verification found; its size is 0 if no row of the copy is signed.

    Raises:
        UsageError: The copy cannot be written.
        UnverifiedCopyError: The copy has findings, and there is another file in its place.
    """
    with copying(database, target, copied, force=force) as copy:
        result = _verify(copy, verified)
        if not result.is_intact and target.exists():
            raise UnverifiedCopyError(target, result)
    return result


def _verify(copy: Database, verified: Callable[[int], None]) -> Verification:
    try:
        return verify_ledger(copy, Trust(), verified)
    except UsageError:  # nothing in it was signed yet
        result = Verification()
        with copy.read() as connection:
            for damage in find_file_damage(connection):
                result.add(FindingKind.CHANGED, damage)
        return result
