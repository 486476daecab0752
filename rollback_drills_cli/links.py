"""`drills links`: addresses that permit one thing without a login, in messages and for calendars."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.documents.fleets.fleet import load_fleet
from rollback_drills.documents.unknown_name import explain_unknown
from rollback_drills.errors import UsageError
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.names.keys import find_spelling
from rollback_drills.settings import Settings, read_settings
from rollback_drills_cli.command_group import CommandGroup
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.evidence.signing import append_signed, report_clock, report_record
from rollback_drills_cli.options.shared import JsonOption, ScheduleOption, parse_now
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from rollback_drills.reports.feed_grants import Feed

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Manage the links to acknowledge in messages, and the calendar feeds of owners.",
)


@app.command()
def revoke(
    cycle_id: Annotated[
        str, typer.Option("--cycle", "--cycle-id", metavar="ID", help="The cycle whose links end.")
    ],
    by: Annotated[str, typer.Option(help="Who revokes them.")],
    reason: Annotated[str, typer.Option(help="Why, for the evidence.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke the links of one cycle, such as those of a message that was forwarded.

    The cycle stays open, and can be acknowledged in every other way.
    """
    from rollback_drills.followup.acknowledgements.route_choice import RouteChoice, choose_routes
    from rollback_drills.followup.linked_route import (
        record_revocation,  # SQLAlchemy takes half a second to import
    )

    index = open_existing(database, to_write=True)
    route = choose_routes(index, RouteChoice(cycle_id=cycle_id)).routes[0]
    record = record_revocation(cycle_id, route.schedule_id, by=by, reason=reason, created_at=parse_now(None))
    went_back = append_signed(index.database, [record])
    said = f"{by} has revoked the links of {cycle_id} ({route.schedule_id})."
    report_record(record, went_back, said, as_json=as_json)


@app.command()
def rotate_keys(
    revoke_all: Annotated[
        bool, typer.Option("--revoke-all", help="End every link that was sent so far.")
    ] = False,
) -> None:
    """Sign new links with a new key. Links that were sent stay valid until they expire."""
    with asking_prefect("saving"):
        from blocks.link_keys import load_link_keys, replace_link_keys
        from rollback_drills.access.link_permission import LinkKeys

        known = load_link_keys()
        replace_link_keys(known.rotate(is_old_valid=not revoke_all) if known else LinkKeys.generate())
    print_line(
        "new links have a new key; "
        + ("older links are not valid any more" if revoke_all else "older links stay valid until they expire")
    )


@app.command()
def feed(
    owner: Annotated[str, typer.Option(help="Whose calendar can be read at the address.")],
    by: Annotated[str, typer.Option(help="Who makes the address, for the evidence.")],
    schedule_path: ScheduleOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the address of an owner's calendar, for a calendar program.

    Whoever has the address can read the owner's due times and windows for a year, without a login. It is
    shown once. Give it to the owner alone.

    Example: drills links feed --owner payments-team --by maria
    """
    settings = read_settings(os.environ, schedule=schedule_path)
    if not settings.public_url:
        raise UsageError(
            f"{VARIABLES['public_url']} is not set; it names the address at which people reach the API"
        )
    owner = _find_owner(settings, owner)
    from rollback_drills.reports.feed_grants import record_feed, write_address  # SQLAlchemy takes long

    now = parse_now(None)
    record = record_feed(owner, by=by, created_at=now)
    index = open_existing(database, to_write=True)
    with asking_prefect("signing"):
        from blocks.link_keys import open_link_keys

        permission = open_link_keys().sign_feed(record.session_id, now=now)
    went_back = append_signed(index.database, [record])
    address = write_address(settings.public_url, permission)
    if as_json:
        print_json({**record.to_wire(), "address": address})
    else:
        print_line(f"The calendar of {owner}, until {record.expires_at} ({record.session_id}):")
        print_line(address)
    report_clock(went_back)


@app.command()
def feeds(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the calendar feeds, the newest first. Their addresses are kept nowhere."""
    from rollback_drills.reports.feed_grants import list_feeds  # SQLAlchemy takes half a second to import

    found, now = list_feeds(open_existing(database).database), parse_now(None)
    if as_json:
        print_json({"feeds": found})
        return
    columns = ("feed", "owner", "made by", "made at", "until", "state")
    rows = [
        (
            *(each.feed_id, each.owner, each.granted_by, each.created_at, each.expires_at),
            "usable" if each.is_usable(now) else _describe_end(each),
        )
        for each in found
    ]
    print_table("Calendar feeds", columns, rows)
    if not rows:
        print_line("There is no feed yet. `drills links feed --owner OWNER --by NAME` makes one.")


@app.command()
def revoke_feed(
    by: Annotated[str, typer.Option(help="Who revokes it.")],
    reason: Annotated[str, typer.Option(help="Why, for the evidence.")],
    feed_id: Annotated[str | None, typer.Option(metavar="ID", help="Only this feed.")] = None,
    owner: Annotated[str | None, typer.Option(help="Every feed of this owner.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a calendar feed, or all of one owner: their addresses end at once."""
    from rollback_drills.reports.feed_grants import (  # SQLAlchemy takes half a second to import
        choose_feeds,
        record_feed_revocations,
    )

    now = parse_now(None)
    index = open_existing(database, to_write=True)
    chosen = choose_feeds(index.database, feed_id=feed_id, owner=owner, now=now)
    records = record_feed_revocations(chosen, by=by, reason=reason, created_at=now)
    went_back = append_signed(index.database, records)
    if as_json:
        print_json({"revoked": [each.to_wire() for each in records]})
    else:
        for each in chosen:
            print_line(f"{by} has revoked the feed {each.feed_id} of {each.owner}.")
    report_clock(went_back)


def _find_owner(settings: Settings, owner: str) -> str:
    """Return an owner as the documents write the name; as given if no document is configured.

    Raises:
        UsageError: No schedule has this owner.
    """
    if settings.schedule is None:
        return owner
    fleet = load_fleet(settings.schedule, settings.history)
    owners = sorted({name for each in fleet.subjects if each.document for name in each.document.owners})
    found = find_spelling(owner, owners)
    if found is None:
        raise UsageError(f"is not known: {explain_unknown('owner', owner, owners)}", field="owner")
    return found


def _describe_end(feed: "Feed") -> str:
    return f"revoked by {feed.revoked_by}" if feed.revoked_at else "expired"
