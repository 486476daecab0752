"""Imports the module of a command when the command is asked for, so that the others cost nothing."""

from collections import UserDict
from collections.abc import Collection, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NoReturn

import click
import typer
from typer.core import MarkupMode, TyperGroup

from rollback_drills.errors import UsageError
from rollback_drills.errors.extras import describe_missing
from rollback_drills.rendering.sentences import capitalize
from rollback_drills_cli.command_group import CommandGroup


def group_of(
    places: Mapping[str, str], *, panels: Mapping[str, Collection[str]] = MappingProxyType({})
) -> type[TyperGroup]:
    """Return a class of groups whose commands are imported late.

    Args:
        places: By the name of a command, its module in this package and what it is there: `module:function`,
            or `module:app` for a group of commands. They follow the commands that the group has already.
        panels: By title the commands that stand together in the help.
    """

    class LazyGroup(CommandGroup):
        def __init__(self, *, commands: dict[str, click.Command], **options: Any) -> None:
            super().__init__(**options)
            self.panels = panels
            self.commands = _Commands({**commands, **places}, self.rich_markup_mode)

    return LazyGroup


class _Commands(UserDict[str, Any]):
    """Commands by name. Names alone, as completion and suggestions need them, import nothing."""

    def __init__(self, commands: Mapping[str, click.Command | str], markup_mode: MarkupMode) -> None:
        super().__init__(commands)
        self._markup_mode = markup_mode

    def __getitem__(self, name: str) -> click.Command:
        found: click.Command | str = super().__getitem__(name)
        if isinstance(found, str):
            found = self.data[name] = _load(name, found, self._markup_mode)
        return found


def _load(name: str, place: str, markup_mode: MarkupMode) -> click.Command:
    module, _, attribute = place.partition(":")
    try:
        found = getattr(import_module(f"rollback_drills_cli.{module}"), attribute)
    except ImportError as error:
        if missing := describe_missing(error):
            return _refuse(name, missing)
        raise
    only = typer.Typer(add_completion=False, rich_markup_mode=markup_mode)
    if isinstance(found, typer.Typer):
        only.add_typer(found, name=name)
    else:
        only.command(name)(found)
    return typer.main.get_group(only).commands[name]


def _refuse(name: str, missing: str) -> click.Command:
    """Return a command whose extra is missing: help lists it, and whatever it is called with, it says so."""

    def refuse() -> NoReturn:
        raise UsageError(f"`drills {name}` {missing}")

    return click.Command(
        name,
        callback=refuse,
        help=f"{capitalize(missing)}.",
        short_help=f"{capitalize(missing).partition(',')[0]}.",
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
