"""`drills links revoke|rotate-keys`: the links with which people acknowledge out of a message."""

from typing import Annotated

import typer

from rollback_drills_cli.command_group import CommandGroup
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.evidence.signing import append_signed, report_clock
from rollback_drills_cli.options import JsonOption, parse_now
from rollback_drills_cli.output import console, print_json, print_line
from rollback_drills_cli.quiet_prefect import quieten_prefect

app = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="Manage the links to acknowledge in messages.")


@app.command()
def revoke(
    cycle_id: Annotated[str, typer.Option(metavar="ID", help="The cycle whose links end.")],
    by: Annotated[str, typer.Option(help="Who revokes them.")],
    reason: Annotated[str, typer.Option(help="Why, for the evidence.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke the links of one cycle, such as those of a message that was forwarded.

    The cycle stays open, and can be acknowledged in every other way.
    """
    from rollback_drills.followup.linked_route import (
        record_revocation,  # SQLAlchemy takes half a second to import
    )
    from rollback_drills.followup.route_choice import RouteChoice, choose_routes

    index = open_existing(database, to_write=True)
    route = choose_routes(index, RouteChoice(cycle_id=cycle_id)).routes[0]
    record = record_revocation(cycle_id, route.schedule_id, by=by, reason=reason, created_at=parse_now(None))
    went_back = append_signed(index.database, [record])
    if as_json:
        print_json(record)
    else:
        print_line(f"{by} has revoked the links of {cycle_id} ({route.schedule_id}).")
    report_clock(went_back)


@app.command()
def rotate_keys(
    revoke_all: Annotated[
        bool, typer.Option("--revoke-all", help="End every link that was sent so far.")
    ] = False,
) -> None:
    """Sign new links with a new key. Links that were sent stay valid until they expire."""
    quieten_prefect()
    with console(stderr=True).status("saving"):
        from blocks.link_keys import load_link_keys, replace_link_keys  # Prefect takes a second to import
        from rollback_drills.link_permission import LinkKeys

        known = load_link_keys()
        replace_link_keys(known.rotate(is_old_valid=not revoke_all) if known else LinkKeys.generate())
    print_line(
        "new links have a new key; "
        + ("older links are not valid any more" if revoke_all else "older links stay valid until they expire")
    )
