"""`drills serve`: serves the deployments from one process, with a Prefect server and its UI."""

from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills_cli.options import shared
from rollback_drills_cli.quiet_prefect import quieten_prefect
from rollback_drills_cli.terminal.output import print_problem


def serve() -> None:
    """Serve all deployments from this process, until it is interrupted.

    Starts a Prefect server with its UI on 127.0.0.1:4200, unless PREFECT_API_URL names one.
    PREFECT_SERVER_API_PORT chooses another port. Schedules stay active when it stops.
    """
    if shared.resolve().schedule is None:
        print_problem(f"there is nothing to watch, so checks fail; set {VARIABLES['schedule']}")
    quieten_prefect(verbose=True)  # people watch its log
    from deployments.serve import serve_deployments

    serve_deployments()
