"""A group of commands whose help shows whole sentences."""

import click
from typer.core import TyperGroup

_WHOLE = 1000


class CommandGroup(TyperGroup):
    """Lists each command with its first sentence, wrapped, where click would cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, each.get_short_help_str(_WHOLE)) for name, each in found if each and not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
