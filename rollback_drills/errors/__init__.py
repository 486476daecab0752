"""What can go wrong, by what the caller can do about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter in a message: each edge writes it as its users know it (`--until`, `$.until`, `until`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What a variable sets, and a flag of the command line: that writes which of the two has set it."""

    name: str
    variable: str

    def __str__(self) -> str:
        """Write it for edges that know no flag."""
        return self.variable


class DrillsError(Exception):
    """Base of every error this program raises on purpose; its message has texts, `Field`s and `Setting`s."""

    def spell(self, name_of: Callable[[str], str], name_setting: Callable[[Setting], str] = str) -> str:
        """Return the message for the users of one edge.

        Args:
            name_of: Returns what the edge calls a parameter.
            name_setting: Returns what has set a setting.
        """

        def write(part: object) -> str:
            if isinstance(part, Field):
                return name_of(part.name)
            return name_setting(part) if isinstance(part, Setting) else str(part)

        return "".join(map(write, self.args))

    def __str__(self) -> str:
        """Return the message with the parameters by their own names, as the forms of the flows have them."""
        return self.spell(str)


class UsageError(DrillsError):
    """The caller passed something unusable: a parameter, a variable, a policy or connector file.

    The message is one line that names the place, the value and the remedy. Exit code 2, unless something was
    sent or written before.

    Args:
        problem: What is wrong, and what to do, in parts.
        field: The parameter that is wrong. The message begins with it.
    """

    def __init__(self, *problem: str | Field | Setting, field: str | None = None) -> None:
        super().__init__(*problem)
        self.field = field

    @property
    def problem(self) -> str:
        """What is wrong, without the parameter that is."""
        return super().spell(str)

    def spell(self, name_of: Callable[[str], str], name_setting: Callable[[Setting], str] = str) -> str:
        """Return the message for the users of one edge, with the parameter that is wrong at its beginning."""
        begin = f"{name_of(self.field)} " if self.field else ""
        return begin + super().spell(name_of, name_setting)

    def at(self, place: str) -> "UsageError":
        """Return the error about something that the caller lists: its parameters are those of one item.

        Args:
            place: The item, such as `routes[2]`.
        """
        parts = [Field(f"{place}.{each.name}") if isinstance(each, Field) else each for each in self.args]
        if self.field:
            return UsageError(*parts, field=f"{place}.{self.field}")
        return UsageError(Field(place), ": ", *parts)

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


def reason_of(error: OSError) -> str:
    """Return why the system refused, as a part of a sentence."""
    return (error.strerror or "unknown reason").lower()
