"""What can go wrong, by what the caller can do about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


class DrillsError(Exception):
    """Base of every error this program raises on purpose."""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter in a message: each edge writes it as its users know it (`--until`, `$.until`, `until`)."""

    name: str


class UsageError(DrillsError):
    """The caller passed something unusable: a parameter, a variable, a policy or connector file.

    The message is one line that names the place, the value and the remedy. Exit code 2, unless something was
    sent or written before.

    Args:
        problem: What is wrong, and what to do; further parameters in it are `Field`s between the texts.
        field: The parameter that is wrong. The message begins with it.
    """

    def __init__(self, *problem: str | Field, field: str | None = None) -> None:
        super().__init__(*problem)
        self.field = field

    @property
    def problem(self) -> str:
        """What is wrong, without the parameter that is."""
        return "".join(each.name if isinstance(each, Field) else each for each in self.args)

    def spell(self, name_of: Callable[[str], str]) -> str:
        """Return the message for the users of one edge.

        Args:
            name_of: Returns what the edge calls a parameter.
        """
        begin = f"{name_of(self.field)} " if self.field else ""
        return begin + "".join(name_of(each.name) if isinstance(each, Field) else each for each in self.args)

    def __str__(self) -> str:
        """Return the message with the parameters by their own names, as the forms of the flows have them."""
        return self.spell(str)

    def __repr__(self) -> str:
        """Show the whole message, as logs and tracebacks have it."""
        return f"{type(self).__name__}({str(self)!r})"


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
