"""What can go wrong, by what the caller can do about it."""

from collections.abc import Sequence


class DrillsError(Exception):
    """Base of every error this program raises on purpose."""


class UsageError(DrillsError):
    """The caller passed something unusable: a flag, a variable, a policy or connector file.

    The message is one line that names the place, the value and the remedy. Exit code 2, unless something was
    sent or written before.
    """


class RollbackNotReadyError(DrillsError):
    """A release must not pass, because its rollback is not ready.

    `reasons` has one line for each check that needs attention.
    """

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)

    def __reduce__(self) -> tuple[type["RollbackNotReadyError"], tuple[str, tuple[str, ...]]]:
        """Keep the reasons when the error travels between processes."""
        return type(self), (str(self), self.reasons)
