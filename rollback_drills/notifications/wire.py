"""What documents that travel have in common: they are written as JSON in one way."""

import msgspec

from rollback_drills.readiness.terms import Report


class WireDocument(msgspec.Struct, frozen=True, gc=False):
    """A document of contract §4 and §5; its fields have the names and the order of the contract."""

    def to_wire(self) -> Report:
        """Return the document as JSON has it."""
        written: Report = msgspec.to_builtins(self)
        return written
