"""`drills automations apply`: creates and updates the automations that ship, and touches no others."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.errors.effects import note_effect
from rollback_drills_cli.command_group import CommandGroup
from rollback_drills_cli.options.shared import WORK_POOL, JsonOption
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.terminal.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import BlockDocument
    from prefect.events.schemas.automations import Automation

    from rollback_drills_cli.automations.changes import Change

_PAGE = 200  # the most that the Prefect server returns at once

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Manage the automations of Prefect that watch over this installation.",
)


@app.callback()
def _group() -> None:
    pass


@app.command()
def apply(
    notify: Annotated[
        str,
        typer.Option(
            metavar="BLOCK",
            help="Block to notify through, a connector or one of Prefect: NAME or TYPE/NAME.",
        ),
    ],
    work_pool: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Work pool whose workers execute the deployments. (default: that of drill-check)",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be changed, and change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create or update the automations that ship. Automations of your own are never touched.

    They notify when a recurring run failed, when no check was completed in 26 hours or no follow-up in 2,
    when no worker is online, when a connector is disabled, and when the gate blocked a release. One that
    you switched off stays off. Exit code 1 if a dry run finds a difference, or if an automation of yours
    has the name of ours.
    """
    with asking_prefect("asking the Prefect server"):
        from prefect.client.orchestration import get_client

        from rollback_drills_cli.automations.changes import Step, find_changes
        from rollback_drills_cli.automations.shipped import list_shipped

        with get_client(sync_client=True) as client:
            block = _find_block(client, notify)
            watched = work_pool or _find_work_pool(client)
            wanted = [each.build(block) for each in list_shipped(watched)]
            changes = list(find_changes(wanted, list(_read_all(client))))
            for each in changes if not dry_run else ():
                _apply(client, each)
    _print(changes, dry_run=dry_run, as_json=as_json)
    is_different = dry_run and any(each.changes_something for each in changes)
    if is_different or any(each.step is Step.LEAVE for each in changes):
        raise typer.Exit(1)


def _find_block(client: "SyncPrefectClient", text: str) -> "UUID":
    """Return the block that is named.

    Raises:
        UsageError: There is none of the name, or several, or it cannot notify.
    """
    from prefect.client.schemas.objects import BlockDocument

    slug, _, name = text.rpartition("/")
    query = {
        "block_documents": {"name": {"any_": [name]}, "is_anonymous": {"eq_": False}},
        "block_types": {"slug": {"any_": [slug]}} if slug else None,
        "limit": _PAGE,
    }
    found = client.request("POST", "/block_documents/filter", json=query).json()
    blocks = BlockDocument.model_validate_list(found)
    known = {f"{each.block_type.slug}/{each.name}": each for each in blocks if each.block_type}
    able = {place: each for place, each in known.items() if _can_notify(each)}
    if len(able) > 1:
        raise UsageError(f"is the name of several blocks: {', '.join(sorted(able))}", field="notify")
    if able:
        return next(iter(able.values())).id
    if known:
        raise UsageError(f"{', '.join(sorted(known))} cannot notify; name another block", field="notify")
    raise UsageError(f"is {show(text)}, which is no block; `prefect block ls` lists them", field="notify")


def _find_work_pool(client: "SyncPrefectClient") -> str:
    """Return the work pool that executes the checks; that of `drills deploy` if there is none yet."""
    from prefect.exceptions import ObjectNotFound

    try:
        deployed = client.read_deployment_by_name("drill-check/drill-check")
    except ObjectNotFound:
        return WORK_POOL
    return deployed.work_pool_name or WORK_POOL


def _can_notify(document: "BlockDocument") -> bool:
    """Whether a block can notify: as Prefect knows of its type, or because it is one of our connectors."""
    from blocks.registry import CONNECTORS

    slugs = {kind.get_block_type_slug() for kind in CONNECTORS.values()}
    if document.block_type and document.block_type.slug in slugs:
        return True  # also if the type was registered by a version whose connectors could not
    return bool(document.block_schema and "notify" in document.block_schema.capabilities)


def _read_all(client: "SyncPrefectClient") -> "Iterator[Automation]":
    offset = 0
    while page := client.read_automations(limit=_PAGE, offset=offset):
        yield from page
        if len(page) < _PAGE:
            return
        offset += _PAGE


def _apply(client: "SyncPrefectClient", change: "Change") -> None:
    from rollback_drills_cli.automations.changes import Step

    if change.step is Step.CREATE:
        client.create_automation(change.wanted)
        note_effect()
    elif change.step is Step.UPDATE and change.there is not None:
        client.update_automation(change.there.id, change.updated)
        note_effect()


def _print(changes: "Sequence[Change]", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        items = [
            {"name": each.wanted.name, "step": str(each.step), "fields": list(each.fields)}
            for each in changes
        ]
        print_json({"dry_run": dry_run, "items": items})
        return
    rows = [(each.wanted.name, str(each.step), ", ".join(each.fields)) for each in changes]
    print_table("Automations", ("automation", "to do" if dry_run else "done", "what differs"), rows)
    for each in changes:
        if each.step == "left alone":
            print_line(f"{each.wanted.name}: an automation of yours has this name; rename it to get ours.")
