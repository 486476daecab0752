"""`drills connectors`: the Prefect blocks of connectors; no secret is printed."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rollback_drills.errors import UsageError
from rollback_drills.errors.effects import note_effect
from rollback_drills.names.environment_variables import VARIABLES, find_variable
from rollback_drills.rendering.command_line import write_command
from rollback_drills.settings import find_database_url
from rollback_drills_cli.acts import ByOption, ReasonOption, find_replay_approvals, make_writer, read_act
from rollback_drills_cli.command_group import CommandGroup
from rollback_drills_cli.connector_outages import NameArgument, close_outage, list_outages
from rollback_drills_cli.database import DatabaseOption, open_outbox
from rollback_drills_cli.evidence.signing import report_clock
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.terminal.output import print_json, print_line, print_problem, print_table

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Manage the connectors that notifications are delivered through.",
)


@app.command("import")
def import_file(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help=f"A connector configuration. (env {VARIABLES['connector_config']})"
        ),
    ] = None,
) -> None:
    """Create connector blocks and Secret blocks from a connector configuration.

    Everything is checked before anything is saved. Names are printed, never values.
    """
    found = None if file else find_variable("connector_config", os.environ)
    path = Path(found.text) if found and found.text else file
    if path is None:
        raise UsageError(f"name the file to import, or set {VARIABLES['connector_config']}")
    with asking_prefect("importing"):
        from blocks.connector_import import import_connectors

        imported = import_connectors(path, os.environ)
    rows = [(each.name, each.connector_type, ", ".join(each.secret_blocks)) for each in imported]
    print_table("Imported", ("connector", "type", "secrets"), rows)
    print_line(f"No secret is read from {path} any more; protect it, or delete it.")


@app.command("list")
def list_connectors(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the connectors on the Prefect server, with the reason if one does not work."""
    with asking_prefect("asking the Prefect server"):
        from blocks.registry import (
            configured_connectors,
            find_unusable,
            name_unreadable,
        )

        found = configured_connectors()
        unusable = find_unusable()
        unreadable = name_unreadable()
    for problem in unreadable:
        print_problem(problem)
    dead = _find_dead(database)
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "type": each.connector_type,
                    "enabled": each.enabled,
                    "unusable_because": unusable.get(each.name),
                    "disabled_because": dead.get(each.name),
                }
                for each in found
            ]
        )
        return
    rows = [
        (
            each.name,
            each.connector_type,
            "yes" if each.enabled else "no",
            unusable.get(each.name, ""),
            dead.get(each.name, ""),
        )
        for each in found
    ]
    print_table("Connectors", ("name", "type", "enabled", "unusable", "found dead"), rows)
    if not found:
        print_line(
            "There is no connector yet. Create one in the Prefect UI (Blocks),"
            " or with `drills connectors import FILE`."
        )


def _find_dead(url: str | None) -> dict[str, str]:
    """Return, by the name of its block, why a connector was found dead."""
    from rollback_drills.connectors.config_file import connector_name
    from rollback_drills.database.connections import Database
    from rollback_drills.database.tables import DESTINATIONS
    from rollback_drills.outbox.destinations import find_disabled

    database_url = find_database_url(os.environ, url)
    database = Database.open_existing(database_url, DESTINATIONS.name)
    return {
        connector_name(each.provider): each.disabled_because
        for each in (find_disabled(database) if database else ())
    }


@app.command()
def test(
    name: Annotated[str, typer.Argument(help="The connector, by the name of its provider.")],
    timeout_seconds: Annotated[float, typer.Option(min=0.1, max=300, help="Deadline of the attempt.")] = 15.0,  # noqa: PT028 - a command, no pytest test
) -> None:
    """Test a connector: query its provider, or send a test message.

    Exit code 0 if the provider accepted it, else 1.

    Example: drills connectors test slack
    """
    with asking_prefect(f"trying {name}"):
        from blocks.registry import load_connector

        verdict = load_connector(name).check(timeout_seconds=timeout_seconds)
        note_effect()
    print_line(f"{name}: {verdict.outcome}" + (f": {verdict.detail}" if verdict.detail else ""))
    if not verdict.succeeded:
        raise typer.Exit(1)


app.command("outages")(list_outages)


@app.command()
def disable(
    name: NameArgument, by: ByOption = None, reason: ReasonOption = None, database: DatabaseOption = None
) -> None:
    """Disable a connector: nothing is sent through it until you enable it. Notifications wait.

    The platform owner is notified through another connector.
    """
    from rollback_drills.outbox.destinations import write_enable_command
    from rollback_drills.recovery.connector_switch import disable as disable_connector

    act = read_act(by, reason)
    opened = open_outbox(database, to_write=True)
    with asking_prefect("asking the Prefect server"):
        from blocks.registry import configured_connectors

        known = [each.name for each in configured_connectors()]
    written = disable_connector(opened, name, act, make_writer(opened), known)
    print_line(f"{name} is disabled. To enable it, run: {write_enable_command(name)}")
    report_clock(written.appender.went_back)


@app.command()
def enable(
    name: NameArgument, by: ByOption = None, reason: ReasonOption = None, database: DatabaseOption = None
) -> None:
    """Enable a connector that was disabled, by you or because its provider reported it as gone.

    The next run sends its dead letters.
    """
    from rollback_drills.connectors.config_file import connector_name
    from rollback_drills.recovery.connector_switch import enable as enable_connector

    act = read_act(by, reason)
    opened = open_outbox(database, to_write=True)
    needing = find_replay_approvals()
    written = enable_connector(opened, name, act, make_writer(opened), needing)
    again = sum(each.notification_count for each in written.records)
    print_line(f"{name} is enabled; notifications that are due again: {again}.")
    if connector_name(name) in needing:
        print_line("Its dead letters stay until a replay of them is approved:")
        print_line(f"  {write_command('outbox', 'request-replay', dead=True, provider=name)}")
    report_clock(written.appender.went_back)


app.command("close-outage")(close_outage)
