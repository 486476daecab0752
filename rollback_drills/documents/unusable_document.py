"""The error of a document that cannot be read."""

from rollback_drills.errors import DrillsError


class UnusableDocumentError(DrillsError):
    """A document that cannot be read; the message says what is wrong with it, where, and how to fix it."""
