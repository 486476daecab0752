"""`drills deploy`: creates the deployments, their work pool and the block types on a Prefect server."""

from typing import Annotated

import typer

from rollback_drills.errors.effects import note_effect
from rollback_drills.rendering.counts import write_count
from rollback_drills_cli.options.shared import WORK_POOL
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.terminal.output import print_line, print_problem


def deploy(
    work_pool: Annotated[
        str, typer.Option(metavar="NAME", help="Work pool whose workers execute the deployments.")
    ] = WORK_POOL,
) -> None:
    """Create or update all deployments on the Prefect server, from any folder.

    Creates the work pool (of the type process) and the automation for killed runs if they are missing, and
    registers the connectors. Workers import the flows from where rollback-drills is installed.
    """
    with asking_prefect("deploying to the Prefect server"):
        from deployments.left_behind import find_left_behind
        from deployments.server_setup import (
            create_automations,
            create_work_pool,
            find_former_pools,
            is_paused,
            register_blocks,
        )
        from deployments.shipped import read_deployments

        is_new = create_work_pool(work_pool)
        connectors = register_blocks()
        create_automations()
        deployments = read_deployments(work_pool)
        former = find_former_pools(deployments)
        for each in deployments:
            each.apply()
            note_effect()
        waits = is_paused(work_pool)
        left = find_left_behind(each.flow_name for each in deployments if each.flow_name)
    print_line(f"{'Created' if is_new else 'Found'} the work pool {work_pool}.")
    print_line(f"Registered {write_count(connectors, 'connector type')}.")
    print_line(f"Deployed {write_count(len(deployments), 'deployment')}. Start a worker to run them:")
    print_line(f"  prefect worker start --pool {work_pool}")
    if waits:
        print_problem(
            f"The work pool {work_pool} is paused, so nothing is checked or delivered."
            f" Run: prefect work-pool resume {work_pool}"
        )
    for pool in former:
        print_problem(
            f"Deployments moved from the work pool {pool} to {work_pool}: workers of {pool} no longer run"
            " them. If you use `drills automations apply`, run it again: it watches the workers of one pool."
        )
    for other in left:
        print_problem(
            f"{other.name} still runs the code of a checkout: its entrypoint {other.entrypoint} is a file."
            f" Deploy it again with a module, or run: prefect deployment delete {other.name}"
        )
