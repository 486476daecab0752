"""The files that ship to be copied and edited: deployments, automations, and what monitors them."""

from pathlib import Path
from typing import Final, NamedTuple


class Template(NamedTuple):
    """A file that ships."""

    path: Path
    description: str


def _at(path: str, description: str) -> Template:
    return Template(Path(__file__).parent / path, description)


DEPLOYMENTS: Final = _at("prefect.yaml", "deployments and their schedules, for `prefect deploy`")
KILLED_RUNS: Final = _at("automations/mark-killed-runs.yaml", "automation that `drills deploy` creates")
TEMPLATES: Final = {
    each.path.name: each
    for each in (
        DEPLOYMENTS,
        KILLED_RUNS,
        _at("automations/tell-the-platform-team.yaml", "automations on dead letters and schedules in need"),
        _at("monitoring/alerts.yml", "alert rules for Prometheus"),
        _at("monitoring/dashboard.json", "dashboard for Grafana"),
    )
}
"""By the name of the file."""
