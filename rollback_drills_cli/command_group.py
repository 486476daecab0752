"""A group of commands whose help shows whole sentences, in panels."""

import math
import re
from collections.abc import Collection, Mapping
from copy import copy
from types import MappingProxyType
from typing import Any, Final

import click
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.utils import get_params_from_function

from rollback_drills.errors import UsageError

_WHOLE: Final = 1000
_VALUES: Final = {
    **{unit: unit.upper() for unit in ("minutes", "days", "seconds")},
    **dict.fromkeys(("by", "actor", "approver", "provider", "owner", "participants"), "NAME"),
    "id": "ID",
    "cycle": "ID",
    "plan": "ID",
    "host": "HOST",
    "port": "PORT",
    "action": "deliver|suppress",
}
"""What an option takes, by the last word of its name."""
_PATHS: Final = re.compile(r"(?:FILE|PATH|DIR)\b")
"""What takes a path, by its metavar."""


class CommandGroup(TyperGroup):
    """Lists each command with its first sentence, wrapped, where click would cut it."""

    panels: Mapping[str, Collection[str]] = MappingProxyType({})
    """By title the commands that stand together; all others follow."""

    def __init__(self, **options: Any) -> None:
        """Leave suggestions to click where it makes them, because typer would repeat them."""
        super().__init__(**options)
        self.suggest_commands = not hasattr(click.exceptions, "NoSuchCommand")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command whose arguments have their help, and whose options say what they take."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            _restore_help(found)
            _name_values(found)
            _name_numbers(found)
            _refuse_empty_paths(found)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lists of commands, with the texts of all panels in one column."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        texts = {name: each.get_short_help_str(_WHOLE) for name, each in found if each and not each.hidden}
        widest = max(map(len, texts), default=0)
        placed = {name for names in self.panels.values() for name in names}
        rest = [name for name in texts if name not in placed]
        for title, names in {**self.panels, "Commands": rest}.items():
            rows = [(name.ljust(widest), texts[name]) for name in names if name in texts]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _restore_help(command: click.Command) -> None:
    """Restore the help with which the arguments of a command were declared.

    Since version 8.5 click has a help of its own for arguments. It is empty, and takes the place of typer's.
    """
    bare = [each for each in command.params if isinstance(each, TyperArgument) and not each.help]
    if not bare or command.callback is None:
        return
    declared = get_params_from_function(command.callback)
    command.format_arguments = _write_nothing  # type: ignore[assignment, method-assign]  # typer lists them itself
    for each in bare:
        each.help = getattr(declared[each.name].default, "help", None) if each.name in declared else None


def _write_nothing(_: click.Context, __: click.HelpFormatter) -> None:
    """Stand for the list of arguments that click writes once they have a help."""


def _name_values(command: click.Command) -> None:
    """Show the unit or the kind of a value, where typer would show its type, such as `FLOAT RANGE`."""
    for each in command.params:
        if isinstance(each, TyperOption) and not each.is_flag and each.metavar is None and each.name:
            last = each.name.rpartition("_")[2]
            is_number = isinstance(each.type, (click.types.IntParamType, click.types.FloatParamType))
            if known := _VALUES.get(last) or ("N" if is_number else None):
                each.metavar = known


class _NumberRange(click.FloatRange):
    """A range that NaN is outside of; click compares it with the bounds, and every comparison is false."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


def _name_numbers(command: click.Command) -> None:
    """Call numbers so, and not `float`, `integer` or `float range` as click does."""
    for each in command.params:
        if isinstance(each.type, click.FloatRange):
            each.type = _NumberRange(each.type.min, each.type.max)
        elif isinstance(each.type, click.types.FloatParamType | click.types.IntParamType):
            is_whole = isinstance(each.type, click.types.IntParamType)
            each.type = copy(each.type)  # click has one for all commands
            each.type.name = "whole number" if is_whole else "number"


class _WrittenPath(click.ParamType):  # type: ignore[type-arg]  # before 8.5 it takes none
    """A path that is not empty: an unset variable of a shell would stand for the working directory."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.name = inner.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and not value.strip():
            remedy = "give it a value" if param and param.required else "give it a value or leave it out"
            raise UsageError(f"{_name(param)} is empty; {remedy}")
        return self._inner.convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        return self._inner.shell_complete(ctx, param, incomplete)


def _name(parameter: click.Parameter | None) -> str:
    if isinstance(parameter, click.Option):
        return next(each for each in parameter.opts if each.startswith("--"))
    return parameter.human_readable_name.strip("[].") if parameter else "a path"


def _refuse_empty_paths(command: click.Command) -> None:
    for each in command.params:
        takes_path = isinstance(each.type, click.Path) or _PATHS.search(each.metavar or "")
        if takes_path and each.default != "" and not isinstance(each.type, _WrittenPath):
            each.type = _WrittenPath(each.type)
